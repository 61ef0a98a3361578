"""The command, as a person types it: real processes, a real folder, a real port."""

from __future__ import annotations

import json
import os
import signal
import socket
import sqlite3
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import httpx2
import pytest

ROOT = Path(__file__).parents[3]
APP = """
kind = "app"
legal_name = "Shop Co., Ltd."
registry_number = "91310000MA1K00000X"
contact = "privacy@shop.example"
scopes = ["gateway.check", "gateway.subjects"]
name = { "zh-CN" = "商店", en = "Shop" }
"""


def run(*arguments: str, cwd: Path, **environ: str) -> subprocess.CompletedProcess[str]:
    """Run one command to its end."""
    return subprocess.run(  # noqa: S603 - our own command
        [sys.executable, "-m", "gateway.cli", *arguments],
        cwd=cwd,
        env={**os.environ, "PYTHONPATH": str(ROOT), **environ},
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )


def free_port() -> int:
    """Find a port that nobody listens on."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


@contextmanager
def serving(folder: Path, port: int) -> Iterator[subprocess.Popen[str]]:
    """Serve a data folder until the block ends; the port answers inside it."""
    process = subprocess.Popen(  # noqa: S603 - our own command
        [
            *(sys.executable, "-m", "gateway.cli", "serve"),
            *("--data-dir", str(folder), "--port", str(port)),
        ],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    try:
        assert process.stdout is not None
        assert "serving" in process.stdout.readline()
        yield process
    finally:
        process.send_signal(signal.SIGINT)
        _, errors = process.communicate(timeout=20)
        assert "Traceback" not in errors
        assert process.returncode == 0


def clear(done: subprocess.CompletedProcess[str]) -> str:
    """Return the one line with which a command failed; nothing else may be there."""
    assert done.returncode == 1
    assert "Traceback" not in done.stderr
    (line,) = done.stderr.splitlines()
    return line


class TestServe:
    def test_ready_soon_and_small(self, tmp_path: Path) -> None:
        """It answers /readyz, and its memory stays far below what is promised."""
        port = free_port()
        with serving(tmp_path / "data", port) as process:
            answer = httpx2.get(f"http://127.0.0.1:{port}/readyz")
            status = Path(f"/proc/{process.pid}/status")
            resident = (
                int(status.read_text().split("VmRSS:")[1].split()[0])
                if status.exists()
                else 0
            )

        assert answer.json()["status"] == "ready"
        assert resident <= 150 * 1024

    def test_busy_port_is_named(self, tmp_path: Path) -> None:
        """A port in use is one line that says how to choose another."""
        with socket.socket() as taken:
            taken.bind(("127.0.0.1", 0))
            taken.listen()
            port = str(taken.getsockname()[1])

            done = run("serve", "--data-dir", "d", "--port", port, cwd=tmp_path)

        assert "--port" in clear(done)
        assert not (tmp_path / "d").exists()

    @pytest.mark.parametrize(
        ("option", "value"),
        [
            ("--port", "70000"),
            ("--host", "192.0.2.1"),  # of RFC 5737: nobody's
            ("--host", "no.such.host.invalid"),
        ],
    )
    def test_impossible_address_is_named(
        self, tmp_path: Path, option: str, value: str
    ) -> None:
        """The line names the option, not the system call."""
        done = run("serve", "--data-dir", "d", option, value, cwd=tmp_path)

        assert f"{option} {value}: " in clear(done)
        assert not (tmp_path / "d").exists()

    def test_second_server_on_a_folder_is_refused(self, tmp_path: Path) -> None:
        """Two processes never write one database."""
        with serving(tmp_path, free_port()):
            done = run(
                *("serve", "--data-dir", str(tmp_path), "--port", str(free_port())),
                cwd=tmp_path,
            )

        assert "another process" in clear(done)

    def test_folder_that_is_a_file_is_named(self, tmp_path: Path) -> None:
        """A data folder that cannot be made is one line."""
        (tmp_path / "data").write_text("in the way")

        done = run(
            "serve", "--data-dir", "data", "--port", str(free_port()), cwd=tmp_path
        )

        assert "data" in clear(done)

    def test_broken_catalogue_names_file_and_key(self, tmp_path: Path) -> None:
        """A catalogue with a mistake stops the start and says where it is."""
        (tmp_path / "cat").mkdir()
        (tmp_path / "cat" / "operator.toml").write_text("id = 7\n")

        done = run(
            *("serve", "--data-dir", "d", "--port", str(free_port())),
            cwd=tmp_path,
            GATEWAY_CATALOGUE=str(tmp_path / "cat"),
        )

        assert done.returncode == 1
        assert "operator.toml" in done.stderr
        assert "Traceback" not in done.stderr

    def test_production_refuses_a_generated_key_ring(self, tmp_path: Path) -> None:
        """What a demo left behind does not serve real people."""
        with serving(tmp_path, free_port()):
            pass

        done = run(
            *("serve", "--data-dir", str(tmp_path), "--port", str(free_port())),
            cwd=tmp_path,
            GATEWAY_ENV="production",
            GATEWAY_ISSUER="https://consent.example",
        )

        assert "keys new" in clear(done)


class TestClient:
    @pytest.mark.parametrize("is_serving", [False, True])
    def test_added_listed_suspended(self, tmp_path: Path, *, is_serving: bool) -> None:
        """The same commands work alone and beside a running server."""
        (tmp_path / "shop.toml").write_text(APP)
        folder = ("--data-dir", str(tmp_path / "data"))
        port = free_port()

        def story() -> list[dict[str, object]]:
            made = json.loads(
                run(
                    "client", "add", "shop.toml", "--json", *folder, cwd=tmp_path
                ).stdout
            )
            done = run("client", "suspend", made["id"], *folder, cwd=tmp_path)
            assert (done.returncode, done.stderr) == (0, "")
            listed = run("client", "list", "--json", *folder, cwd=tmp_path)
            assert made["secret"] not in listed.stdout
            found: list[dict[str, object]] = json.loads(listed.stdout)
            return found

        if is_serving:
            with serving(tmp_path / "data", port):
                found = story()
        else:
            found = story()

        (client,) = found
        assert client["state"] == "suspended"

    @pytest.mark.parametrize(
        ("change", "named"),
        [
            (('"app"', '"robot"'), "kind"),
            (("scopes =", "scope ="), "scope"),
            (("en =", "fr ="), "name.en"),
            (("gateway.check", "gateway.chek"), "gateway.check, gateway.introspect"),
        ],
    )
    def test_mistake_in_a_registration_is_named(
        self, tmp_path: Path, change: tuple[str, str], named: str
    ) -> None:
        """The line says which part of the file is wrong; nothing is registered."""
        (tmp_path / "shop.toml").write_text(APP.replace(*change))

        done = run("client", "add", "shop.toml", "--data-dir", "d", cwd=tmp_path)

        assert named in clear(done)

    @pytest.mark.parametrize(
        ("name", "said"),
        [("cli_x", "not the id of a client"), ("cli_" + "a" * 26, "no such client")],
    )
    def test_unknown_client_is_named(
        self, tmp_path: Path, name: str, said: str
    ) -> None:
        """Suspending what does not exist says so."""
        (tmp_path / "shop.toml").write_text(APP)
        run("client", "add", "shop.toml", "--data-dir", "d", cwd=tmp_path)

        done = run("client", "suspend", name, "--data-dir", "d", cwd=tmp_path)

        assert said in clear(done)

    @pytest.mark.parametrize("verb", [("list",), ("suspend", "cli_x")])
    def test_mistyped_folder_is_not_made(
        self, tmp_path: Path, verb: tuple[str, ...]
    ) -> None:
        """Only what adds a client makes a database for it."""
        done = run("client", *verb, "--data-dir", "d", cwd=tmp_path)

        assert "d: there is no gateway database" in clear(done)
        assert not (tmp_path / "d").exists()


class TestAudit:
    def test_sound_ledger_passes_beside_a_server(self, tmp_path: Path) -> None:
        """Verifying reads beside a running server, and counts what it checked."""
        (tmp_path / "shop.toml").write_text(APP)
        folder = ("--data-dir", str(tmp_path / "data"))
        run("client", "add", "shop.toml", *folder, cwd=tmp_path)

        with serving(tmp_path / "data", free_port()):
            done = run("audit", "verify", "--json", *folder, cwd=tmp_path)

        assert done.returncode == 0
        assert json.loads(done.stdout)["entries"] == 1

    def test_act_is_provable_within_five_seconds(self, tmp_path: Path) -> None:
        """A running server takes what it acknowledges into its log by itself."""
        (tmp_path / "shop.toml").write_text(APP)
        folder = ("--data-dir", str(tmp_path / "data"))
        port = free_port()

        with serving(tmp_path / "data", port):
            run("client", "add", "shop.toml", *folder, cwd=tmp_path)
            done_at = time.monotonic()
            size = "0"
            while size == "0" and time.monotonic() < done_at + 5:
                answer = httpx2.get(f"http://127.0.0.1:{port}/log/checkpoint")
                size = answer.text.split("\n")[1]
        done = run("audit", "verify", *folder, cwd=tmp_path)

        assert size == "1"
        assert "log: ok, 1 entries under 2 signed checkpoints" in done.stdout

    def test_folder_without_a_database_is_named(self, tmp_path: Path) -> None:
        """There is nothing to verify, and that is said."""
        done = run("audit", "verify", "--data-dir", str(tmp_path), cwd=tmp_path)

        assert "no gateway database" in clear(done)


class TestMigrate:
    def test_current_schema_is_left_alone(self, tmp_path: Path) -> None:
        """Migrating twice changes nothing, and says so."""
        folder = ("--data-dir", str(tmp_path / "data"))
        (tmp_path / "shop.toml").write_text(APP)
        run("client", "add", "shop.toml", *folder, cwd=tmp_path)

        done = run("migrate", *folder, cwd=tmp_path)

        assert "nothing to do" in done.stdout

    def test_schema_of_another_version_is_named(self, tmp_path: Path) -> None:
        """A database of a later version is refused, by the server and the command."""
        folder = ("--data-dir", str(tmp_path / "data"))
        (tmp_path / "shop.toml").write_text(APP)
        run("client", "add", "shop.toml", *folder, cwd=tmp_path)
        with sqlite3.connect(tmp_path / "data" / "gateway.sqlite3") as database:
            database.execute("UPDATE alembic_version SET version_num = '9999'")
        database.close()

        migrated = run("migrate", *folder, cwd=tmp_path)
        listed = run("client", "list", *folder, cwd=tmp_path)

        assert "does not know" in clear(migrated)
        assert "9999" in clear(listed)

    def test_running_server_is_not_migrated_under(self, tmp_path: Path) -> None:
        """The folder is locked while a server uses it."""
        with serving(tmp_path, free_port()):
            done = run("migrate", "--data-dir", str(tmp_path), cwd=tmp_path)

        assert "another process" in clear(done)


class TestOthers:
    def test_shipped_catalogue_is_sound(self, tmp_path: Path) -> None:
        """`catalogue lint` passes on what ships."""
        done = run("catalogue", "lint", cwd=tmp_path)

        assert done.stdout.startswith("catalogue: ok")

    def test_key_ring_is_made_once(self, tmp_path: Path) -> None:
        """`keys new` writes a ring, and will not write over it."""
        first = run("keys", "new", "ring.json", cwd=tmp_path)
        again = run("keys", "new", "ring.json", cwd=tmp_path)

        assert first.returncode == 0
        assert "exists" in clear(again)

    def test_openapi_is_about_the_product_alone(self, tmp_path: Path) -> None:
        """The document names the routes, and nothing of this machine."""
        done = run("openapi", cwd=tmp_path)

        assert "/v1/check" in json.loads(done.stdout)["paths"]
        assert str(tmp_path) not in done.stdout

    def test_simulator_refuses_production(self, tmp_path: Path) -> None:
        """A WeChat that logs anybody in as anybody stays out of production."""
        done = run("wechat-sim", cwd=tmp_path, GATEWAY_ENV="production")

        assert "production" in clear(done)

    def test_start_takes_no_longer_than_promised(self, tmp_path: Path) -> None:
        """From the command to an answering port it is a matter of seconds."""
        port = free_port()
        began = time.monotonic()
        with serving(tmp_path, port):
            httpx2.get(f"http://127.0.0.1:{port}/readyz").raise_for_status()

        assert time.monotonic() - began < 30  # a hang, not a figure: see the bench
