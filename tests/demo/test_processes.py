"""Programs that run together end together, and say why when they die."""

from __future__ import annotations

import os
import signal
import socket
from collections.abc import Iterator
from pathlib import Path

import pytest

from gateway.cli.failure import CommandFailed
from gateway.demo.ports import Ports, choose
from gateway.demo.processes import (
    Program,
    environment,
    orderly_end,
    running,
    watch,
)


def make_program(name: str, module: str, *arguments: str, port: int = 1) -> Program:
    """Make a program of the standard library's own modules."""
    return Program(
        name=name,
        module=module,
        arguments=arguments,
        environment=environment(os.environ),
        address=f"http://127.0.0.1:{port}",
        ready_path="/",
    )


def make_server() -> Program:
    """Make a web server on a free port."""
    with socket.create_server(("127.0.0.1", 0)) as probe:
        port = int(probe.getsockname()[1])
    return make_program(
        "server", "http.server", str(port), "--bind", "127.0.0.1", port=port
    )


def quiet(_: str) -> None:
    """Say nothing."""


class TestRunning:
    def test_dead_at_start_is_named_with_its_last_words(self, tmp_path: Path) -> None:
        """Whoever dies first ends the others, and its log says why."""
        server = make_server()
        broken = make_program("broken", "json.tool", str(tmp_path / "no-such-file"))

        with (
            pytest.raises(CommandFailed) as caught,
            running((server, broken), tmp_path, quiet),
        ):
            pytest.fail("it never was ready")

        assert str(caught.value).startswith("broken ended with code ")
        assert "no-such-file" in str(caught.value)
        with socket.socket() as probe:
            port = int(server.address.rpartition(":")[2])
            assert probe.connect_ex(("127.0.0.1", port)) != 0

    def test_dead_later_is_noticed(self, tmp_path: Path) -> None:
        """A demo does not go on without one of its programs."""
        with running((make_server(),), tmp_path, quiet) as (child,):
            child.tell()

            with pytest.raises(CommandFailed, match="server ended with code -15"):
                watch((child,))


@pytest.fixture
def _signals_kept() -> Iterator[None]:
    """Leave the signals of the test run as they were."""
    names = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)
    before = {name: signal.getsignal(name) for name in names}
    yield
    for name, handler in before.items():
        signal.signal(name, handler)


@pytest.mark.usefixtures("_signals_kept")
class TestOrderlyEnd:
    @pytest.mark.parametrize("how", [signal.SIGINT, signal.SIGTERM, signal.SIGHUP])
    def test_being_told_to_stop_is_ctrl_c(self, how: signal.Signals) -> None:
        """Each of them ends the block by the same way, through every ``finally``."""
        signal.signal(how, signal.SIG_DFL)

        with pytest.raises(KeyboardInterrupt), orderly_end():
            os.kill(os.getpid(), how)

    def test_started_in_the_background_it_still_ends(self) -> None:
        """A shell without job control starts background jobs with SIGINT ignored."""
        signal.signal(signal.SIGINT, signal.SIG_IGN)

        with pytest.raises(KeyboardInterrupt), orderly_end():
            os.kill(os.getpid(), signal.SIGINT)

        assert signal.getsignal(signal.SIGINT) is signal.SIG_IGN

    def test_nohup_is_respected(self) -> None:
        """Who asked that a closed terminal does not count gets that."""
        signal.signal(signal.SIGHUP, signal.SIG_IGN)

        with orderly_end():
            os.kill(os.getpid(), signal.SIGHUP)


class TestPorts:
    def test_taken_ports_of_before_give_way(self) -> None:
        """A remembered port that somebody else has now is not insisted on."""
        with socket.create_server(("127.0.0.1", 0)) as taken:
            port = int(taken.getsockname()[1])
            before = Ports(gateway=port, wechat=port, app=port, partner=port)

            ports = choose(None, before)

        assert port not in {ports.gateway, ports.wechat, ports.app, ports.partner}

    @pytest.mark.parametrize("port", [-1, 0, 65533, 70000])
    def test_impossible_port_is_refused(self, port: int) -> None:
        """Four ports have to fit."""
        with pytest.raises(CommandFailed, match="--port"):
            choose(port, None)


def test_environment_of_another_gateway_stays_out() -> None:
    """Settings and credentials in the reader's shell do not reach the demo."""
    found = environment(
        {"PATH": "/bin", "GATEWAY_ENV": "production", "ASEANBIZ_CLIENT_SECRET": "s"},
        path=Path("/samples"),
    )

    assert found == {"PATH": "/bin", "PYTHONPATH": "/samples", "PYTHONUNBUFFERED": "1"}
