"""Signed notes (C2SP signed-note): a text, and lines with signatures under it.

A signature belongs to a key by the key's name and the first four bytes of a hash
over name and key; lines of unknown keys are ignored, which is how witnesses add
theirs and how keys rotate.
"""

from __future__ import annotations

import base64
import binascii
import hashlib
from collections.abc import Callable
from typing import Final

import msgspec
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import (
    Ed25519PrivateKey,
    Ed25519PublicKey,
)

ED25519: Final = 0x01
COSIGNATURE: Final = 0x04

_MARK: Final = "\N{EM DASH} "
_ID_BYTES: Final = 4
_KEY_BYTES: Final = 32
_MOST_BYTES: Final = 64 * 1024
_MOST_SIGNATURES: Final = 64


class NoteInvalid(Exception):
    """A note, a key line or a signature cannot be believed; the reason says why."""

    def __init__(self, reason: str) -> None:
        super().__init__(reason)
        self.reason = reason


class Signature(msgspec.Struct, frozen=True):
    """One signature line; ``value`` is what follows the key id."""

    name: str
    key_id: bytes
    value: bytes

    def line(self) -> str:
        """Return the line, with its newline."""
        sealed = base64.b64encode(self.key_id + self.value).decode("ascii")
        return f"{_MARK}{self.name} {sealed}\n"


class Note(msgspec.Struct, frozen=True):
    """A text that ends in a newline, and its signatures, none of them checked yet."""

    text: str
    signatures: tuple[Signature, ...]

    def encode(self) -> str:
        """Return the note as it is published."""
        return f"{self.text}\n{''.join(one.line() for one in self.signatures)}"


class Verifier(msgspec.Struct, frozen=True):
    """A public key with the name under which it signs; ``kind`` is its C2SP type."""

    name: str
    kind: int
    public: bytes

    @property
    def key_id(self) -> bytes:
        """The four bytes by which signatures name this key."""
        named = self.name.encode() + b"\n" + bytes([self.kind]) + self.public
        return hashlib.sha256(named).digest()[:_ID_BYTES]

    def line(self) -> str:
        """Return the key as one line: name, key id and key, joined by plus signs."""
        sealed = base64.b64encode(bytes([self.kind]) + self.public).decode("ascii")
        return f"{self.name}+{self.key_id.hex()}+{sealed}"

    def is_right(self, value: bytes, message: bytes) -> bool:
        """Say whether ``value`` is this key's Ed25519 signature over ``message``."""
        try:
            Ed25519PublicKey.from_public_bytes(self.public).verify(value, message)
        except (InvalidSignature, ValueError):
            return False
        return True


class Signer:
    """A private key and the name under which it signs."""

    def __init__(self, name: str, seed: bytes, kind: int = ED25519) -> None:
        self._private = Ed25519PrivateKey.from_private_bytes(seed)
        public = self._private.public_key().public_bytes_raw()
        self.verifier = Verifier(_checked_name(name), kind, public)

    def __repr__(self) -> str:
        return f"Signer({self.verifier.name!r}, …)"

    def raw(self, message: bytes) -> bytes:
        """Return the Ed25519 signature over a message."""
        return self._private.sign(message)

    def sign(self, text: str) -> Signature:
        """Return the signature line for a note's text."""
        key = self.verifier
        return Signature(key.name, key.key_id, self.raw(text.encode()))


def parse(written: str | bytes) -> Note:
    """Read a note strictly; raises NoteInvalid. Nothing in it is believed by that."""
    whole = _decoded(written)
    text, border, below = whole.rpartition("\n\n")
    if not border or not text:
        raise NoteInvalid("the note has no text above its signatures")
    if not below.endswith("\n"):
        raise NoteInvalid("the note does not end with a signature line")
    lines = below.removesuffix("\n").split("\n")
    if len(lines) > _MOST_SIGNATURES:
        raise NoteInvalid("the note has too many signatures")
    return Note(text + "\n", tuple(_signature(line) for line in lines))


def parse_key(line: str) -> Verifier:
    """Read a verifier key line; raises NoteInvalid where it does not fit itself."""
    name, _, rest = line.strip().partition("+")
    key_id, _, sealed = rest.partition("+")
    key = _unsealed(sealed)
    if len(key) != 1 + _KEY_BYTES or key[0] not in {ED25519, COSIGNATURE}:
        raise NoteInvalid("the key line holds no Ed25519 key")
    found = Verifier(_checked_name(name), key[0], key[1:])
    if found.key_id.hex() != key_id:
        raise NoteInvalid("the key line's id is not that of its name and key")
    return found


def verify(note: Note, key: Verifier) -> None:
    """Raise NoteInvalid unless the note carries this key's signature on its text."""
    values = signatures_of(note, key, ED25519)
    check_all(values, lambda value: key.is_right(value, note.text.encode()))


def signatures_of(note: Note, key: Verifier, kind: int) -> tuple[bytes, ...]:
    """Return what a key of some kind has put under a note."""
    if key.kind != kind:
        raise NoteInvalid("the key is of another kind than the signature asked for")
    ours = (key.name, key.key_id)
    return tuple(one.value for one in note.signatures if (one.name, one.key_id) == ours)


def check_all(values: tuple[bytes, ...], is_right: Callable[[bytes], bool]) -> None:
    """Raise NoteInvalid unless there is a signature and each one is right."""
    if not values:
        raise NoteInvalid("the note is not signed with this key")
    if not all(is_right(value) for value in values):
        raise NoteInvalid("the signature does not fit the note")


def _decoded(written: str | bytes) -> str:
    # Encoded first: a lone surrogate is no UTF-8, however it came in.
    try:
        held = written.encode() if isinstance(written, str) else written
        whole = held.decode()
    except UnicodeError:
        raise NoteInvalid("the note is not UTF-8") from None
    if len(held) > _MOST_BYTES:
        raise NoteInvalid("the note is too large")
    if any(sign < " " and sign != "\n" for sign in whole):
        raise NoteInvalid("the note holds control characters")
    return whole


def _signature(line: str) -> Signature:
    name, space, sealed = line.removeprefix(_MARK).partition(" ")
    value = _unsealed(sealed)
    if not line.startswith(_MARK) or not space or len(value) <= _ID_BYTES:
        raise NoteInvalid("a signature line does not have the form of one")
    return Signature(_checked_name(name), value[:_ID_BYTES], value[_ID_BYTES:])


def _unsealed(sealed: str) -> bytes:
    """Decode base64 in its one canonical spelling."""
    try:
        value = base64.b64decode(sealed.encode("ascii"), validate=True)
    except (binascii.Error, ValueError):
        value = b""
    if not value or base64.b64encode(value).decode("ascii") != sealed:
        raise NoteInvalid("a part that should be base64 is not")
    return value


def _checked_name(name: str) -> str:
    if not name or "+" in name or any(sign.isspace() for sign in name):
        raise NoteInvalid("a key name is empty, or holds a space or a plus sign")
    return name
