"""Cosignatures (C2SP tlog-cosignature, Ed25519): what a witness has seen, and when.

A witness signs only what extends all it has seen before, so a log that shows two
people two histories cannot have both cosigned.
"""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Final

from permissions.merkle.checkpoint import parse_text
from permissions.merkle.note import (
    COSIGNATURE,
    Note,
    NoteInvalid,
    Signature,
    Signer,
    Verifier,
    check_all,
    signatures_of,
)

_TIME_BYTES: Final = 8
_SIGNATURE_BYTES: Final = 64


def cosign(note: Note, signer: Signer, at: datetime) -> Signature:
    """Return a witness's line for a note; add it to the note's signatures."""
    parse_text(note.text)
    seconds = int(at.timestamp())
    value = seconds.to_bytes(_TIME_BYTES, "big")
    value += signer.raw(_message(seconds, note.text))
    return Signature(signer.verifier.name, signer.verifier.key_id, value)


def verify_cosignature(note: Note, key: Verifier) -> datetime:
    """Return when a witness cosigned a checkpoint; of several lines, the latest.

    Raises NoteInvalid where this witness has not, or a line of its does not fit.
    """
    parse_text(note.text)
    values = signatures_of(note, key, COSIGNATURE)
    check_all(values, lambda value: _is_right(value, note.text, key))
    return max(cosigned_at(value) for value in values)


def cosigned_at(value: bytes) -> datetime:
    """Return the time inside a cosignature; it is believed only once verified."""
    if len(value) != _TIME_BYTES + _SIGNATURE_BYTES:
        raise NoteInvalid("a cosignature has another length")
    try:
        return datetime.fromtimestamp(int.from_bytes(value[:_TIME_BYTES], "big"), UTC)
    except (OverflowError, ValueError, OSError):
        raise NoteInvalid("a cosignature's time is beyond all calendars") from None


def _is_right(value: bytes, text: str, key: Verifier) -> bool:
    seconds = int(cosigned_at(value).timestamp())
    return key.is_right(value[_TIME_BYTES:], _message(seconds, text))


def _message(seconds: int, text: str) -> bytes:
    return f"cosignature/v1\ntime {seconds}\n{text}".encode()
