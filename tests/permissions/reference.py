"""A slow evaluator by the letter, to hold the fast one to.

It shares no code with `permissions.decision` or `permissions.fold`: it walks the
entries anew for each question, and says effect and reason.
"""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

from permissions.acts import (
    GiveGrant,
    RefuseGrant,
    RegisterClient,
    RegisterSubject,
    ResumeClient,
    SeeNotice,
    SuspendClient,
    SwitchFunction,
    UseGrant,
    WithdrawGrant,
)
from permissions.catalogue.model import Catalogue, Pair
from permissions.decision import Held, Question
from permissions.ledger import Entry

Answer = tuple[str, str]


def expected(
    entries: list[Entry],
    subject: str,
    question: Question,
    catalogue: Catalogue,
    *,
    now: datetime,
    held: Held | None = None,
) -> Answer:
    """Return what the ledger says to a question at ``now``: (effect, reason)."""
    pair = catalogue.pairs.get((question.capability, question.purpose))
    kind, _, name = question.capability.partition(".")
    known = catalogue.categories if kind == "data" else catalogue.permissions
    if kind not in {"data", "device"} or name not in known:
        return "deny", "capability_unknown"
    if question.purpose not in catalogue.purposes:
        return "deny", "purpose_unknown"
    client = _client(entries, question.client)
    if client is None or pair is None:
        return "deny", "pair_not_declared"
    elements = _declared(client, question, pair, now)
    if isinstance(elements, str):
        return "deny", elements
    if [element for element in question.elements if element not in elements]:
        return "deny", "element_not_granted"
    before = _before_any_grant(entries, subject, question, catalogue)
    if before is not None:
        return "deny", before
    wanted = list(question.elements) or (elements if kind == "data" else ["*"])
    said = _said(
        entries, subject, (question.client, question.capability, question.purpose)
    )
    dead = _dead(said, question, catalogue, now)
    words = {}
    for element in wanted:
        basis = pair.basis.get(element, pair.basis.get("*", "consent"))
        if basis != "consent" and client["paper"].kind == "app":
            words[element] = f"basis_{basis}"
        elif dead is None and _reaches(said[-1], element, held, client["epoch"]):
            words[element] = "granted"
        else:
            words[element] = "no"
    records = said[-1]["records"] if said and "records" in said[-1] else ()
    return _summed(words, question, records, dead)


def _declared(
    client: dict[str, Any], question: Question, pair: Pair, now: datetime
) -> list[str] | str:
    """Return the elements that catalogue and contract name, or why there are none."""
    if client["suspended"]:
        return "client_suspended"
    if client["paper"].kind == "app":
        return list(pair.elements)
    contract = client["paper"].contract
    if now < contract.not_before or now >= contract.not_after:
        return "contract_expired"
    for part in contract.pairs:
        if (part.capability, part.purpose) == (question.capability, question.purpose):
            named = [*part.required, *part.optional]
            return [element for element in named if element in pair.elements]
    return "pair_not_declared"


def _client(entries: list[Entry], key: str) -> dict[str, Any] | None:
    found: dict[str, Any] | None = None
    for entry in entries:
        act = entry.act
        if isinstance(act, RegisterClient) and act.client.id == key:
            found = {"suspended": False, "epoch": 0, **(found or {})}
            found["paper"] = act.client
        elif isinstance(act, SuspendClient) and act.client == key and found:
            found["suspended"] = True
            found["epoch"] += 1
        elif isinstance(act, ResumeClient) and act.client == key and found:
            found["suspended"] = False
    return found


def _before_any_grant(
    entries: list[Entry], subject: str, question: Question, catalogue: Catalogue
) -> str | None:
    acts = [entry.act for entry in entries]
    pair = catalogue.pairs[question.capability, question.purpose]
    if not any(isinstance(a, RegisterSubject) and a.subject == subject for a in acts):
        return "subject_gone"
    if not any(isinstance(a, SeeNotice) and a.subject == subject for a in acts):
        return "notice_missing"
    function = catalogue.purposes[question.purpose].function
    switches = [
        a for a in acts if isinstance(a, SwitchFunction) and a.function == function
    ]
    if switches and not switches[-1].is_open:
        return "function_closed"
    scene = question.scene
    if scene is not None and pair.scenes and scene not in pair.scenes:
        return "not_in_scene"
    return "os_unknown" if pair.needs_os_report else None


def _summed(
    words: dict[str, str],
    question: Question,
    records: tuple[str, ...],
    dead: Answer | None,
) -> Answer:
    if question.elements and "no" in words.values():
        return dead or ("deny", "element_not_granted")
    bases = [word for word in words.values() if word.startswith("basis_")]
    if "granted" in words.values():
        if not records or question.record is None or question.record in records:
            return "allow", "granted"
        if question.elements or not bases:
            return "deny", "record_not_granted"
    if bases:
        return "allow", bases[0]
    return dead or ("deny", "element_not_granted")


def _said(
    entries: list[Entry], subject: str, key: tuple[str, str, str]
) -> list[dict[str, Any]]:
    """Return every yes and no of a subject about one thing, the last one speaking."""
    said: list[dict[str, Any]] = []
    for entry in entries:
        act = entry.act
        if isinstance(act, WithdrawGrant | UseGrant) and act.subject == subject:
            for one in said:
                if one["id"] == act.grant and one["state"] == "granted":
                    taken = isinstance(act, WithdrawGrant)
                    one["state"] = "withdrawn" if taken else "used"
        if not isinstance(act, GiveGrant | RefuseGrant) or act.subject != subject:
            continue
        if (act.client, act.capability, act.purpose) != key:
            continue
        last = said[-1] if said else None
        lives = (
            last is not None
            and last["state"] == "granted"
            and (last["expires_at"] is None or entry.at < last["expires_at"])
        )
        if isinstance(act, RefuseGrant):
            if not lives:
                said.append({"id": act.grant, "state": "refused", "act": act})
                said[-1] |= {"at": entry.at, "scene": act.scene, "expires_at": None}
            continue
        terms = (act.evidence.policy_version, act.expires_at, act.one_time, act.records)
        if lives and last is not None and last["terms"] == terms:
            for element in act.elements or ("*",):
                last["elements"].setdefault(element, entry.seq)
            continue
        said.append(
            {
                "id": act.grant,
                "state": "granted",
                "terms": terms,
                "policy": act.evidence.policy_version,
                "expires_at": act.expires_at,
                "one_time": act.one_time,
                "records": act.records,
                "elements": dict.fromkeys(act.elements or ("*",), entry.seq),
            }
        )
    return said


def _dead(
    said: list[dict[str, Any]], question: Question, catalogue: Catalogue, now: datetime
) -> Answer | None:
    """Return why the last word is no yes in force, or None where it is one."""
    if not said:
        return "ask", "not_asked"
    last = said[-1]
    pair = catalogue.pairs[question.capability, question.purpose]
    if last["state"] == "withdrawn":
        return "deny", "withdrawn"
    if last["state"] == "used":
        return "ask", "used"
    if last["state"] == "refused":
        clock = catalogue.clocks["ask_again_after_refusal"]
        window = timedelta(hours=clock.duration)
        quiet = any(
            now < one["at"] + window
            for one in said
            if one["state"] == "refused"
            and (question.scene is None or one["scene"] in {None, question.scene})
        )
        return ("deny", "refused") if quiet else ("ask", "refused")
    if last["expires_at"] is not None and now >= last["expires_at"]:
        return "ask", "expired"
    if last["policy"] < pair.changed_in:
        return "ask", "reconsent_required"
    if last["one_time"] and not question.use:
        return "ask", "not_asked"
    return None


def _reaches(
    last: dict[str, Any], element: str, held: Held | None, client_epoch: int
) -> bool:
    if element not in last["elements"]:
        return False
    if held is None:
        return True
    return (
        held.client_epoch == client_epoch
        and element in held.rights.get(last["id"], ())
        and last["elements"][element] <= held.epoch
    )
