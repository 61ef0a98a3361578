"""The key ring: one root key in a file, and a key per use derived from it."""

from __future__ import annotations

import base64
import hashlib
import hmac
import os
import stat
from pathlib import Path
from typing import Final, Literal

import msgspec
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

from permissions.ids import Random

Use = Literal["csrf", "directory", "release", "browser", "code", "session"]

Signing = Literal["log"]

_ROOT_BYTES: Final = 32
_OTHERS: Final = 0o077  # permissions of anybody but the owner
_SEED_BYTES: Final = 32  # of an Ed25519 key (RFC 8032 §5.1.5)


class KeyRingError(Exception):
    """The key ring cannot be used: which file, and why."""

    def __init__(self, path: str, reason: str) -> None:
        super().__init__(path, reason)
        self.path, self.reason = path, reason

    def __str__(self) -> str:
        return f"key ring {self.path}: {self.reason}"


class _File(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    format: Literal[1]
    generated: bool  # made at first start; production wants a deliberate one
    root: str


class KeyRing:
    """Keyed hashes under keys that never leave the process.

    Phones, e-mail addresses and openids are guessable, so outside names of people
    are stored only as these (security: plain hashes of them are personal data).
    """

    def __init__(self, root: bytes, *, generated: bool) -> None:
        self._root = root
        self.is_generated = generated

    def __repr__(self) -> str:
        return "KeyRing(…)"

    def mac(self, use: Use, *parts: str | bytes) -> str:
        """Return a keyed hash of the parts, 64 hex characters.

        Parts are length-prefixed, so that no two lists of parts read the same.
        """
        key = hmac.digest(self._root, use.encode(), hashlib.sha256)
        message = b"".join(
            len(part).to_bytes(4, "big") + part
            for part in (
                item.encode() if isinstance(item, str) else item for item in parts
            )
        )
        return hmac.new(key, message, hashlib.sha256).hexdigest()

    def proves(self, mac: str, use: Use, *parts: str | bytes) -> bool:
        """Say, in constant time, whether ``mac`` is the keyed hash of the parts."""
        return hmac.compare_digest(
            mac.encode("utf-8", "replace"), self.mac(use, *parts).encode()
        )

    def signing_seed(self, use: Signing) -> bytes:
        """Return the private seed that one kind of thing is signed with.

        HKDF (RFC 5869) under a label of its own: no seed tells of another or of the
        root, and a key ring of any age has it without a change to its file.
        """
        label = f"aseanbiz-gateway signing seed v1: {use}".encode()
        derived = HKDF(algorithm=SHA256(), length=_SEED_BYTES, salt=None, info=label)
        return derived.derive(self._root)


def open_keyring(path: Path, random: Random, *, may_generate: bool) -> KeyRing:
    """Read the key ring, or make one where that is allowed.

    Raises KeyRingError for a missing, unreadable or broken file.
    """
    try:
        found = msgspec.json.decode(path.read_bytes(), type=_File)
        root = base64.b64decode(found.root, validate=True)
    except FileNotFoundError:
        if not may_generate:
            raise KeyRingError(
                str(path), "does not exist; make one with aseanbiz-gateway keys new"
            ) from None
        return _generate(path, random)
    except OSError as error:
        raise KeyRingError(str(path), str(error.strerror).lower()) from None
    except (msgspec.DecodeError, ValueError):
        raise KeyRingError(str(path), "is not a key ring of format 1") from None
    if stat.S_IMODE(path.stat().st_mode) & _OTHERS:
        raise KeyRingError(str(path), "others may read it; chmod 600 it")
    if len(root) != _ROOT_BYTES:
        raise KeyRingError(str(path), f"its root key must have {_ROOT_BYTES} bytes")
    return KeyRing(root, generated=found.generated)


def write_keyring(path: Path, random: Random, *, generated: bool) -> KeyRing:
    """Write a new key ring, readable by its owner alone; never overwrites one."""
    root = random(_ROOT_BYTES)
    body = msgspec.json.encode(
        _File(
            format=1, generated=generated, root=base64.b64encode(root).decode("ascii")
        )
    )
    try:
        descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    except OSError as error:
        raise KeyRingError(str(path), str(error.strerror).lower()) from None
    with os.fdopen(descriptor, "wb") as file:
        file.write(body)
        file.flush()
        os.fsync(file.fileno())
    return KeyRing(root, generated=generated)


def _generate(path: Path, random: Random) -> KeyRing:
    return write_keyring(path, random, generated=True)
