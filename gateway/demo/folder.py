"""The demo's folder: the gateway's data, and beside it what the demo remembers."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Final

import msgspec

from gateway.cli.failure import CommandFailed
from gateway.demo.ports import Ports

_MEMORY: Final = "demo.json"
_LOGS: Final = "logs"
_ANOTHER: Final = "choose another folder with --data-dir"


class Credentials(msgspec.Struct, frozen=True, kw_only=True):
    """One client of the demo; ``redirect_uri`` is empty for the app."""

    id: str
    secret: str
    redirect_uri: str = ""

    def __repr__(self) -> str:
        return f"Credentials(id={self.id!r}, secret=…)"


class Memory(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What a later demo in the same folder takes up again."""

    ports: Ports | None = None
    clients: dict[str, Credentials] = {}


class Folder:
    """A folder that this demo may write to, with what an earlier one left."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.logs = path / _LOGS
        if path.exists() and not path.is_dir():
            raise CommandFailed(f"{path}: is not a folder; {_ANOTHER}")
        try:
            path.mkdir(mode=0o700, parents=True, exist_ok=True)
            self._check_whose()
            self.logs.mkdir(exist_ok=True)
        except OSError as error:
            reason = str(error.strerror).lower()
            raise CommandFailed(f"{path}: {reason}; {_ANOTHER}") from None

    def _check_whose(self) -> None:
        """Refuse a folder with something else in it: it may be a real gateway's."""
        if (self.path / _MEMORY).exists():
            return
        if any(self.path.iterdir()):
            raise CommandFailed(
                f"{self.path}: is not empty and not a demo's; {_ANOTHER}"
            )
        self.remember(Memory())

    def recall(self) -> Memory:
        """Return what was remembered; raises CommandFailed for a broken file."""
        file = self.path / _MEMORY
        try:
            return msgspec.json.decode(file.read_bytes(), type=Memory)
        except OSError as error:
            raise CommandFailed(f"{file}: {str(error.strerror).lower()}") from None
        except msgspec.DecodeError:
            raise CommandFailed(f"{file}: cannot be read; {_ANOTHER}") from None

    def remember(self, memory: Memory) -> None:
        """Keep what a later demo needs; it holds secrets, so for its owner alone."""
        self.write(_MEMORY, msgspec.json.format(msgspec.json.encode(memory)))

    def write(self, name: str, content: bytes) -> Path:
        """Write a file that its owner alone may read, whole or not at all."""
        file, draft = self.path / name, self.path / f"{name}.new"
        draft.unlink(missing_ok=True)
        flags = os.O_WRONLY | os.O_CREAT | os.O_EXCL
        try:
            with os.fdopen(os.open(draft, flags, 0o600), "wb") as output:
                output.write(content)
            return draft.rename(file)
        except OSError as error:
            raise CommandFailed(f"{file}: {str(error.strerror).lower()}") from None


@contextmanager
def demo_folder(chosen: Path | None) -> Iterator[Folder]:
    """Give the chosen folder, kept afterwards, or a new one that goes at the end."""
    if chosen is not None:
        yield Folder(chosen)
        return
    with TemporaryDirectory(prefix="aseanbiz-demo-") as path:
        yield Folder(Path(path))
