// Poll the state of the attempt and follow it. Without this script the forms
// still work; the page then shows the new state after each button.
"use strict";

const EVERY_MS = 500;
const status = document.getElementById("status");
const uuid = encodeURIComponent(status.dataset.uuid);

async function ask() {
  const last = status.dataset.poll;
  const reply = await fetch(`l/qrconnect?uuid=${uuid}&last=${last}`, { cache: "no-store" });
  const found = /wx_errcode=(\d+)/.exec(await reply.text());
  return {
    number: found ? found[1] : "402",
    callbacks: Number(reply.headers.get("Simulator-Callbacks") || 0),
  };
}

function show(number) {
  if (status.dataset.poll === number) return;
  status.dataset.poll = number;
  status.textContent = status.getAttribute(`data-text-${number}`);
  for (const button of document.querySelectorAll("button[data-when]")) {
    if (button.value === "refresh") continue;
    button.disabled = !button.dataset.when.split(" ").includes(number);
  }
  const isOpen = number === "408" || number === "404";
  document.querySelector("img.code").classList.toggle("stale", !isOpen);
}

async function move(callbacks) {
  if (callbacks > 1) {
    // A double callback: the first goes ahead, unseen, the second is shown.
    await fetch(`landing?uuid=${uuid}&n=0`, { mode: "no-cors", credentials: "include" }).catch(() => {});
  }
  window.location.assign(`landing?uuid=${uuid}&n=${callbacks - 1}`);
}

async function follow() {
  let answer;
  try {
    answer = await ask();
  } catch {
    window.setTimeout(follow, EVERY_MS);
    return;
  }
  show(answer.number);
  if (answer.callbacks > 0 && (answer.number === "405" || answer.number === "403")) {
    await move(answer.callbacks);
  } else if (answer.number === "408" || answer.number === "404") {
    window.setTimeout(follow, EVERY_MS);
  }
}

if (status.dataset.poll === "408" || status.dataset.poll === "404") {
  window.setTimeout(follow, EVERY_MS);
}
