"""Real processes: started together, watched, and ended together."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from types import FrameType
from typing import Final, NoReturn

import httpx2
import msgspec

from gateway.cli.failure import CommandFailed

READY_WITHIN_S: Final = 30.0
_LOOK_S: Final = 0.02
_WATCH_S: Final = 0.2
_END_WITHIN_S: Final = 8.0
_TAIL: Final = 8  # lines of a log that are shown when its process has died


class Program(msgspec.Struct, frozen=True, kw_only=True):
    """One program to run: a module with arguments, and where it answers when ready."""

    name: str
    module: str
    arguments: tuple[str, ...]
    environment: dict[str, str]
    address: str
    ready_path: str


class Child:
    """One running program with its log."""

    def __init__(self, program: Program, log: Path) -> None:
        self.program, self.log = program, log
        self._begun = time.perf_counter()
        with log.open("wb") as output:
            self._process = subprocess.Popen(  # noqa: S603 - our own modules
                [
                    *(sys.executable, "-P", "-m", "gateway.demo.child"),
                    *(program.module, *program.arguments),
                ],
                env=program.environment,
                stdin=subprocess.PIPE,  # see gateway.demo.child
                stdout=output,
                stderr=subprocess.STDOUT,
                start_new_session=True,  # Ctrl-C is ours to pass on, in order
            )

    @property
    def state(self) -> str:
        """Whether the program runs, or how it ended."""
        code = self._process.poll()
        return "runs" if code is None else f"ended with code {code}"

    def last_words(self) -> str:
        """Return the end of the log, a line each."""
        lines = self.log.read_text("utf-8", "replace").splitlines()[-_TAIL:]
        return "".join(f"\n    {line}" for line in lines)

    def check(self) -> None:
        """Raise CommandFailed with its last words if the program has died."""
        if self._process.poll() is not None:
            raise CommandFailed(f"{self.program.name} {self.state}{self.last_words()}")

    def is_ready(self, http: httpx2.Client) -> bool:
        """Say whether the program answers; raises CommandFailed if it has died."""
        self.check()
        try:
            answer = http.get(self.program.address + self.program.ready_path)
        except httpx2.TransportError:
            return False
        return answer.is_success

    @property
    def age_ms(self) -> float:
        """Milliseconds since the program was started."""
        return (time.perf_counter() - self._begun) * 1000

    def tell(self) -> None:
        """Ask the program to end."""
        self._process.terminate()

    def end(self, until: float) -> None:
        """Wait for the end, up to a `time.monotonic`; then kill."""
        try:
            self._process.wait(max(0.0, until - time.monotonic()))
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()
        if self._process.stdin is not None:
            self._process.stdin.close()


@contextmanager
def running(
    programs: Sequence[Program], logs: Path, say: Callable[[str], None]
) -> Iterator[tuple[Child, ...]]:
    """Run programs until the block ends, however it ends; none is left behind.

    Raises CommandFailed where one dies at its start or is not ready in time.
    """
    children: list[Child] = []
    try:
        for program in programs:
            # One by one: what runs must be known if the next does not start.
            children.append(Child(program, logs / f"{program.name}.log"))  # noqa: PERF401
        _wait_until_ready(children, say)
        yield tuple(children)
    finally:
        for child in children:
            child.tell()
        until = time.monotonic() + _END_WITHIN_S
        for child in children:
            child.end(until)


def _wait_until_ready(children: Sequence[Child], say: Callable[[str], None]) -> None:
    waiting = list(children)
    until = time.monotonic() + READY_WITHIN_S
    with httpx2.Client(timeout=2.0, trust_env=False) as http:
        while waiting:
            for child in tuple(waiting):
                if child.is_ready(http):
                    waiting.remove(child)
                    program = child.program
                    say(
                        f"{child.age_ms:7.0f} ms  {program.name} is ready "
                        f"on {program.address}"
                    )
            if waiting and time.monotonic() >= until:
                names = ", ".join(child.program.name for child in waiting)
                raise CommandFailed(
                    f"not ready after {READY_WITHIN_S:.0f} s: {names}; "
                    f"see {waiting[0].log}"
                )
            time.sleep(_LOOK_S)


def watch(children: Sequence[Child]) -> NoReturn:
    """Wait for Ctrl-C; raises CommandFailed as soon as a child has died."""
    while True:
        for child in children:
            child.check()
        time.sleep(_WATCH_S)


@contextmanager
def orderly_end() -> Iterator[None]:
    """Treat being told to stop (SIGTERM, a closed terminal) like Ctrl-C.

    A shell starts what it puts in the background with SIGINT ignored; who sends one
    nevertheless means us. Under ``nohup`` a closed terminal is no reason to end.
    """
    names = [signal.SIGINT, signal.SIGTERM]
    if signal.getsignal(signal.SIGHUP) is not signal.SIG_IGN:
        names.append(signal.SIGHUP)
    before = {name: signal.signal(name, _interrupt) for name in names}
    try:
        yield
    finally:
        for name, handler in before.items():
            signal.signal(name, handler)


def _interrupt(_: int, __: FrameType | None) -> NoReturn:
    raise KeyboardInterrupt


def environment(
    inherited: Mapping[str, str], *, path: Path | None = None
) -> dict[str, str]:
    """Return what a child's environment holds.

    Settings of another gateway, or credentials of another client, in the reader's
    environment must not reach the demo. ``path`` goes in front of PYTHONPATH.
    """
    kept = {
        name: value
        for name, value in inherited.items()
        if not name.startswith(("GATEWAY_", "ASEANBIZ_", "WECHAT_SIM_"))
    }
    if path is not None:
        found = (str(path), kept.get("PYTHONPATH", ""))
        kept["PYTHONPATH"] = os.pathsep.join(filter(None, found))
    return kept | {"PYTHONUNBUFFERED": "1"}
