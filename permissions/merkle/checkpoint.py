"""Checkpoints (C2SP tlog-checkpoint): what the log commits to at one size."""

from __future__ import annotations

import base64
import binascii
from typing import Final

import msgspec

from permissions.merkle.note import Note, NoteInvalid, Signer, Verifier, parse, verify
from permissions.merkle.tree import HASH_BYTES

_LINES: Final = 3
_MOST_DIGITS: Final = 19  # as a 64-bit size has at most


class Checkpoint(msgspec.Struct, frozen=True, kw_only=True):
    """The name of a log, how many leaves it has, and the root over them.

    ``extensions`` are further lines that others may write; we write none.
    """

    origin: str
    size: int
    root: bytes
    extensions: tuple[str, ...] = ()

    def text(self) -> str:
        """Return the text that is signed."""
        sealed = base64.b64encode(self.root).decode("ascii")
        lines = (self.origin, str(self.size), sealed, *self.extensions)
        return "".join(f"{line}\n" for line in lines)


def parse_text(text: str) -> Checkpoint:
    """Read the text of a checkpoint strictly; raises NoteInvalid."""
    lines = text.removesuffix("\n").split("\n")
    if not text.endswith("\n") or len(lines) < _LINES or not all(lines):
        raise NoteInvalid("the text is no checkpoint")
    origin, digits, sealed, *extensions = lines
    is_number = digits.isascii() and digits.isdigit() and len(digits) <= _MOST_DIGITS
    if not is_number or str(int(digits)) != digits:
        raise NoteInvalid("the checkpoint's size is no plain number")
    try:
        root = base64.b64decode(sealed.encode("ascii"), validate=True)
    except (binascii.Error, ValueError):
        root = b""
    spelled = base64.b64encode(root).decode("ascii")
    if len(root) != HASH_BYTES or spelled != sealed:
        raise NoteInvalid("the checkpoint's root is no SHA-256 in base64")
    return Checkpoint(
        origin=origin, size=int(digits), root=root, extensions=tuple(extensions)
    )


def sign(checkpoint: Checkpoint, signer: Signer) -> str:
    """Return the signed note; equal checkpoints make equal notes."""
    text = checkpoint.text()
    return Note(text, (signer.sign(text),)).encode()


def open_checkpoint(written: str | bytes, key: Verifier) -> Checkpoint:
    """Return the checkpoint in a note that the log's key has signed.

    Raises NoteInvalid for what is no checkpoint, is signed by another key or not at
    all, or speaks of a log with another name than the key's.
    """
    note = parse(written)
    verify(note, key)
    found = parse_text(note.text)
    if found.origin != key.name:
        raise NoteInvalid("the checkpoint is of another log than the key")
    return found
