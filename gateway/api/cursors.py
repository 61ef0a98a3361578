"""Cursors: where the next page begins, opaque to those who carry them."""

from __future__ import annotations

import base64
import binascii

from gateway.problems import Problem


def seal(place: bytes) -> str:
    """Return a cursor for a place in a list."""
    return base64.urlsafe_b64encode(place).rstrip(b"=").decode("ascii")


def unseal(cursor: str) -> bytes:
    """Return the place behind a cursor; raises Problem for what was never one."""
    try:
        padded = cursor + "=" * (-len(cursor) % 4)
        return base64.b64decode(padded, altchars=b"-_", validate=True)
    except (binascii.Error, ValueError):
        raise bad_cursor() from None


def bad_cursor() -> Problem:
    """Return the answer to a cursor that this list never gave."""
    return Problem(
        400,
        "cursor_invalid",
        "cursor: send next_cursor of the page before, unchanged",
        fix="start_over",
        extra={"field": "cursor"},
    )
