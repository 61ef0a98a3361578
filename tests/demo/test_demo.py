"""The demo as a person runs it: one command, real processes, real ports."""

from __future__ import annotations

import base64
import hashlib
import json
import os
import re
import signal
import socket
import stat
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from gateway.demo.browser import Browser, open_browser
from gateway.demo.clients import Person
from gateway.demo.folder import Credentials
from gateway.demo.programme import as_text
from gateway.demo.stage import Stage

pytestmark = pytest.mark.slow

ROOT = Path(__file__).parents[2]
WITHIN_S = 90  # a bound for a machine that is busy with other tests


def command(*arguments: str) -> list[str]:
    """Return the demo's command line."""
    return [sys.executable, "-m", "gateway.cli", "demo", *arguments]


def run(*arguments: str, **environ: str) -> subprocess.CompletedProcess[str]:
    """Run a demo to its end."""
    return subprocess.run(  # noqa: S603 - our own command
        command(*arguments),
        env={**os.environ, **environ},
        capture_output=True,
        text=True,
        timeout=WITHIN_S,
        check=False,
    )


@contextmanager
def showing(*arguments: str) -> Iterator[tuple[subprocess.Popen[str], dict[str, Any]]]:
    """Run a demo by hand; give its process and what it says where everything is."""
    process = subprocess.Popen(  # noqa: S603 - our own command
        command("--json", *arguments),
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    try:
        assert process.stdout is not None
        told = ""
        while not told.endswith("\n}\n"):
            line = process.stdout.readline()
            assert line, process.communicate()[1]
            told += line
        yield process, json.loads(told)
    finally:
        process.send_signal(signal.SIGINT)
        _, errors = process.communicate(timeout=WITHIN_S)
        assert "Traceback" not in errors


def listens(address: str) -> bool:
    """Say whether somebody listens on the port of an address."""
    port = int(address.rpartition(":")[2])
    with socket.socket() as probe:
        return probe.connect_ex(("127.0.0.1", port)) == 0


class TestScripted:
    def test_story_ends_well_and_can_be_told_again(self, tmp_path: Path) -> None:
        """Every step is told with its time, twice in the same folder."""
        folder = tmp_path / "demo"

        first = run("--scripted", "--data-dir", str(folder))
        second = run("--scripted", "--data-dir", str(folder))

        for done in (first, second):
            assert (done.returncode, done.stderr) == (0, ""), done.stdout
            assert done.stdout.endswith("\ndemo: ok\n")
            assert done.stdout.count("withdrawn -> refused in ") == 2
        assert "entries in 64 shards" in second.stdout

    def test_secrets_are_for_their_owner_alone(self, tmp_path: Path) -> None:
        """What the demo keeps with a secret in it, nobody else may read."""
        folder = tmp_path / "demo"

        with showing("--data-dir", str(folder)):
            pass

        for name in ("demo.json", "gateway.toml", "keyring.json"):
            assert stat.S_IMODE((folder / name).stat().st_mode) == 0o600


class TestBadInput:
    def clear(self, done: subprocess.CompletedProcess[str]) -> str:
        """Return the one line with which the demo refused to run."""
        assert (done.returncode, done.stdout) == (1, "")
        (line,) = done.stderr.splitlines()
        return line

    def test_port_in_use(self) -> None:
        """A wanted port that is taken is named, with the option that changes it."""
        with socket.create_server(("127.0.0.1", 0)) as taken:
            port = taken.getsockname()[1]

            line = self.clear(run("--port", str(port)))

        assert f"port {port} on 127.0.0.1 is in use" in line
        assert "--port" in line

    @pytest.mark.parametrize("name", ["file", "file/inside"])
    def test_file_in_the_way_of_the_folder(self, tmp_path: Path, name: str) -> None:
        """A data folder that cannot be made is named."""
        (tmp_path / "file").touch()

        line = self.clear(run("--data-dir", str(tmp_path / name)))

        assert str(tmp_path / name) in line
        assert "--data-dir" in line

    def test_folder_of_somebody_else(self, tmp_path: Path) -> None:
        """A folder with other things in it may be a real gateway's: hands off."""
        (tmp_path / "gateway.sqlite3").touch()

        line = self.clear(run("--data-dir", str(tmp_path)))

        assert "not a demo's" in line
        assert [path.name for path in tmp_path.iterdir()] == ["gateway.sqlite3"]

    def test_broken_memory(self, tmp_path: Path) -> None:
        """A memory that cannot be read is named, not guessed around."""
        (tmp_path / "demo.json").write_text("{}}")

        line = self.clear(run("--data-dir", str(tmp_path)))

        assert "demo.json" in line

    def test_broken_catalogue(self, tmp_path: Path) -> None:
        """The catalogue's own mistakes are shown, and nothing is started."""
        done = run("--scripted", GATEWAY_CATALOGUE=str(tmp_path))

        assert (done.returncode, done.stdout) == (1, "")
        assert "Traceback" not in done.stderr
        assert "operator.toml: the file is missing" in done.stderr

    def test_production(self) -> None:
        """Made-up people and a made-up WeChat have no business in production."""
        line = self.clear(run(GATEWAY_ENV="production"))

        assert "production" in line

    def test_second_demo_in_the_same_folder(self, tmp_path: Path) -> None:
        """Two demos do not share a folder; the first goes on."""
        folder = tmp_path / "demo"
        with showing("--data-dir", str(folder)) as (_, told):
            line = self.clear(run("--data-dir", str(folder)))

            assert listens(told["gateway"])
        assert str(folder) in line


class TestEnd:
    def test_folder_is_taken_up_again(self, tmp_path: Path) -> None:
        """Clients, people and ports of an earlier demo are the later one's."""
        folder = str(tmp_path / "demo")
        with showing("--data-dir", folder) as (_, first):
            pass

        with showing("--data-dir", folder) as (_, second):
            pass

        assert first["clients"]["app"] == second["clients"]["app"]
        assert first["people"] == second["people"]

    @pytest.mark.parametrize("how", [signal.SIGINT, signal.SIGTERM])
    def test_asked_to_stop_it_ends_all(self, how: signal.Signals) -> None:
        """Ctrl-C and a polite kill end every process, with code 0."""
        with showing() as (process, told):
            process.send_signal(how)

            assert process.wait(WITHIN_S) == 0
            assert not Path(told["data_dir"]).exists()
        for name in ("gateway", "wechat", "app", "partner"):
            assert not listens(told[name])

    def test_killed_it_leaves_nobody_behind(self, tmp_path: Path) -> None:
        """A demo that cannot clean up is survived by none of its processes."""
        with showing("--data-dir", str(tmp_path / "demo")) as (process, told):
            process.kill()
            process.wait()
        addresses = [told[name] for name in ("gateway", "wechat", "app", "partner")]

        until = time.monotonic() + WITHIN_S
        while any(map(listens, addresses)) and time.monotonic() < until:
            time.sleep(0.05)

        assert not any(map(listens, addresses))


@pytest.fixture(scope="module")
def demo() -> Iterator[dict[str, Any]]:
    """Run one demo for what a person may do beside the story."""
    with showing() as (_, told):
        yield told


@pytest.fixture
def browser() -> Iterator[Browser]:
    """Open a browser that prefers Chinese."""
    with open_browser("zh-CN") as browser:
        yield browser


def enter(browser: Browser, demo: dict[str, Any], person: str) -> None:
    """Go into the shop as one person, and read the notice there if it is shown."""
    browser.open(demo["app"])
    if f"person-{person}" not in browser.page.names:
        browser.click("leave")
    browser.click(f"person-{person}")
    if "notice-read" in browser.page.names:
        # The notice speaks of the whole policy: it is one press away.
        policy = browser.page.attribute("notice-policy", "href")
        assert policy == f"{demo['gateway']}/policy"
        browser.click("notice-read")


class TestGuide:
    def test_the_app_of_the_guide_runs_as_shown(self, demo: dict[str, Any]) -> None:
        """What a newcomer copies from the guide prints what the guide says."""
        guide = (ROOT / "docs/getting-started.md").read_text("utf-8")
        (program,) = re.findall(r"```python\n(.*?)```", guide, re.DOTALL)
        (shown,) = re.findall(r"```text\n(.*?)```", guide, re.DOTALL)
        app = demo["clients"]["app"]

        done = subprocess.run(  # noqa: S603 - our own guide
            [sys.executable, "-c", program],
            env={
                **os.environ,
                "ASEANBIZ_URL": demo["gateway"],
                "ASEANBIZ_CLIENT_ID": app["id"],
                "ASEANBIZ_CLIENT_SECRET": app["secret"],
            },
            capture_output=True,
            text=True,
            timeout=WITHIN_S,
            check=False,
        )

        assert done.stderr == ""
        assert re.sub("gra_[a-z2-7]{26}", "gra_…", done.stdout) == shown

    def test_the_verifier_of_the_guide_fits_the_address(self) -> None:
        """The authorization address that the demo prints can be redeemed by hand."""
        guide = (ROOT / "docs/getting-started.md").read_text("utf-8")
        (verifier,) = re.findall(r"code_verifier=(\S+)", guide)
        sha256 = hashlib.sha256(verifier.encode()).digest()
        challenge = base64.urlsafe_b64encode(sha256).decode().rstrip("=")
        client = Credentials(id="cli_x", secret="s", redirect_uri="http://127.0.0.1:1/")

        told = as_text(
            Stage(
                gateway="http://127.0.0.1:1",
                wechat="",
                wechat_token="",
                app="",
                partner="",
                clients={"app": client, "reader": client},
                people={"mei": Person(subject="sub_x", wechat="")},
                data_dir=Path(),
                children=(),
            )
        )

        assert f"code_challenge={challenge}&" in told
        assert verifier in told


class TestSamples:
    def test_no_costs_one_way_only(
        self, demo: dict[str, Any], browser: Browser
    ) -> None:
        """Who refuses on the shop's screen is told what still works, and it does."""
        enter(browser, demo, "wei")
        browser.click("scan")

        page = browser.click("ask-deny")

        assert page.text("reason") == "refused"
        assert page.text("fallback")
        browser.fill("code-number", "so-20259")
        assert "已打包" in browser.click("code-find").text("code-result")

    def test_changing_ones_mind(self, demo: dict[str, Any], browser: Browser) -> None:
        """Who took the camera back may be asked again on their own wish."""
        enter(browser, demo, "siti")
        browser.click("scan")
        browser.click("ask-allow")
        browser.open(demo["app"])
        page = browser.click("privacy-settings")
        assert (page.status, page.path.split("/")[1]) == (200, "me")
        page = browser.open(f"{demo['gateway']}/me/permissions")
        (grant,) = page.ending("grant-")
        browser.click(f"grant-{grant}")
        page = browser.open(f"{demo['app']}/scan")
        assert page.text("reason") == "withdrawn"

        browser.click("ask-again")
        page = browser.click("ask-allow")

        assert "camera-open" in page.names

    def test_refusing_the_courier(self, demo: dict[str, Any], browser: Browser) -> None:
        """Who refuses on the consent page is told by the courier what still works."""
        enter(browser, demo, "mei")
        browser.click("privacy-settings")
        browser.open(demo["partner"])
        browser.click("connect")

        page = browser.click("consent-deny")

        assert "declined" in page.names

    def test_disconnecting_the_courier(
        self, demo: dict[str, Any], browser: Browser
    ) -> None:
        """Disconnecting leaves nothing on the courier's side."""
        enter(browser, demo, "siti")
        browser.click("privacy-settings")
        browser.open(demo["partner"])
        browser.click("connect")
        browser.tick("capability-data.identity", "element-0-name")
        page = browser.click("consent-allow")
        assert page.text("value-identity-name") == "Siti Aminah"

        page = browser.click("disconnect")

        assert "ended" in page.names
        assert "connect" in browser.open(demo["partner"]).names

    def test_both_languages(self, demo: dict[str, Any], browser: Browser) -> None:
        """Each sample speaks the language of the browser, and the other on demand."""
        for sample, chinese, english in (
            ("app", "示例商城", "Sample shop"),
            ("partner", "示例快递", "Sample courier"),
        ):
            assert browser.open(demo[sample]).text("brand") == chinese
            assert browser.click("locale-en").text("brand") == english
