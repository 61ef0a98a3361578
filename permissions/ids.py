"""Ids: a prefix that names the kind, and 26 random letters of base32."""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from functools import lru_cache
from typing import Final, Literal

Prefix = Literal[
    "sub", "cli", "gra", "gst", "rcp", "rel", "dev", "ins", "ask", "req", "evt", "psn"
]  # fmt: skip
Random = Callable[[int], bytes]

SHARDS: Final = 64
_LENGTH: Final = 26  # 130 bits; 16 bytes in base32 take as many letters
_LETTERS: Final = "abcdefghijklmnopqrstuvwxyz234567"  # RFC 4648 §6, lower case
_ALPHABET: Final = frozenset(_LETTERS)
# Each answer carries a fresh id: one call instead of one step for each letter.
_LETTER_OF: Final = (_LETTERS * 8).encode()  # of each byte, by its low 5 bits


def new_id(prefix: Prefix, random: Random) -> str:
    """Return a fresh id such as ``gra_…``; ``random(n)`` gives n random bytes."""
    return f"{prefix}_{random(_LENGTH).translate(_LETTER_OF).decode()}"


def is_id(prefix: Prefix, text: str) -> bool:
    """Say whether a text is a well-formed id of this kind."""
    head, _, tail = text.partition("_")
    return head == prefix and len(tail) == _LENGTH and _ALPHABET.issuperset(tail)


@lru_cache(maxsize=65_536)  # asked for the same keys again and again
def shard_of(key: str) -> int:
    """Return the ledger shard of an owner's key, 0 to 63.

    The first byte of SHA-256 spreads any key evenly, and every process agrees.
    """
    return hashlib.sha256(key.encode()).digest()[0] % SHARDS
