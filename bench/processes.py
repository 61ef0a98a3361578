"""Processes of the bench: started, pinned where the OS allows, and stopped."""

from __future__ import annotations

import http.client
import os
import signal
import socket
import subprocess
import sys
from collections.abc import Callable, Iterator
from concurrent.futures import ProcessPoolExecutor
from contextlib import contextmanager, suppress
from multiprocessing import get_context
from pathlib import Path
from tempfile import TemporaryDirectory
from time import perf_counter, sleep
from typing import Final, ParamSpec, Protocol, TypeVar

import msgspec

P = ParamSpec("P")
T = TypeVar("T")

ROOT: Final = Path(__file__).resolve().parents[1]
_START_SECONDS: Final = 120.0  # seeding included


class Cores(msgspec.Struct, frozen=True):
    """Which core serves and which generates load; None where nothing is pinned."""

    server: int | None
    generator: int | None


class Run(Protocol):
    """Runs a function in another process and returns what it returned."""

    def __call__(
        self, work: Callable[P, T], *arguments: P.args, **named: P.kwargs
    ) -> T:
        """Wait for the result; what the function raised is raised here."""
        ...


class Server(msgspec.Struct, frozen=True):
    """A running server of the bench."""

    port: int
    pid: int


def cores() -> Cores:
    """Choose two cores of those we may use."""
    if not hasattr(os, "sched_getaffinity"):
        return Cores(None, None)
    mine = sorted(os.sched_getaffinity(0))
    if len(mine) < 2:  # noqa: PLR2004 - one for each
        return Cores(None, None)
    return Cores(server=mine[-1], generator=mine[0])


def pin(core: int | None, pid: int = 0) -> None:
    """Keep a process on one core; 0 is the caller."""
    if core is not None:
        os.sched_setaffinity(pid, {core})


@contextmanager
def serving(
    kind: str, folder: Path, *, core: int | None, subjects: int = 0, root: Path = ROOT
) -> Iterator[Server]:
    """Run one server of `bench.servers`, from the sources under ``root``."""
    folder.mkdir(parents=True, exist_ok=True)
    command = ("-m", "bench.servers", kind, str(folder), str(subjects))
    with _running(*command, core=core, root=root) as process:
        assert process.stdout is not None  # noqa: S101 - it is a pipe
        said = process.stdout.readline()
        if not said:
            raise RuntimeError(f"the {kind} server did not start")
        yield Server(int(said), process.pid)


@contextmanager
def worker(core: int | None) -> Iterator[Run]:
    """Give a way to run functions in one other process, pinned to a core."""
    with ProcessPoolExecutor(1, get_context("spawn"), pin, (core,)) as pool:

        def run(work: Callable[P, T], *args: P.args, **named: P.kwargs) -> T:
            return pool.submit(work, *args, **named).result()

        yield run


def started(core: int | None) -> tuple[float, float | None]:
    """Start the command on an empty folder; return seconds to ready, and MB then."""
    with socket.create_server(("127.0.0.1", 0)) as probe:
        port = probe.getsockname()[1]
    with TemporaryDirectory(prefix="aseanbiz-bench-") as folder:
        command = ("-m", "gateway.cli", "serve", f"--data-dir={folder}")
        began = perf_counter()
        with _running(*command, f"--port={port}", core=core) as process:
            while not _is_ready(port):
                if process.poll() is not None or perf_counter() - began > 30:  # noqa: PLR2004 - seconds; a broken start, not a slow one
                    raise RuntimeError("the gateway did not get ready")
                sleep(0.005)
            return perf_counter() - began, _resident_mb(process.pid)


def _is_ready(port: int) -> bool:
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=1)
    try:
        connection.request("GET", "/readyz")
        return connection.getresponse().status == 200  # noqa: PLR2004 - OK
    except (OSError, http.client.HTTPException):
        return False
    finally:
        connection.close()


def _resident_mb(pid: int) -> float | None:
    with suppress(OSError):
        for line in Path(f"/proc/{pid}/status").read_text().splitlines():
            if line.startswith("VmRSS:"):
                return int(line.split()[1]) / 1024
    return None


@contextmanager
def _running(
    *command: str, core: int | None, root: Path = ROOT
) -> Iterator[subprocess.Popen[str]]:
    with subprocess.Popen(  # noqa: S603 - our own interpreter and modules
        (sys.executable, *command),
        cwd=root,
        env={**os.environ, "PYTHONPATH": str(root)},
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL if command[1] == "gateway.cli" else None,
        text=True,
    ) as process:
        try:
            pin(core, process.pid)
            yield process
        finally:
            process.send_signal(signal.SIGTERM)
            try:
                process.wait(10)
            except subprocess.TimeoutExpired:
                process.kill()
