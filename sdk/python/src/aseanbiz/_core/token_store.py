"""Where grant tokens are kept between calls."""

import threading
from datetime import datetime
from typing import Protocol

import msgspec

from aseanbiz._ids import GrantSetId
from aseanbiz._secret import Secret


class GrantTokens(msgspec.Struct, frozen=True, kw_only=True):
    """The tokens of one grant set; `Secret` hides them in every repr."""

    grant: GrantSetId
    access: Secret
    expires_at: datetime


class Versioned(msgspec.Struct, frozen=True):
    """Tokens, and the number that `compare_and_set` wants to hear again."""

    version: int
    tokens: GrantTokens


class TokenStore(Protocol):
    """Keep grant tokens, by a key that names the client and the grant set.

    Calls are short and may come from several threads. Whoever writes tokens
    to a disk or a network seals them.
    """

    def load(self, key: str) -> Versioned | None:
        """Return what is kept under the key."""

    def compare_and_set(
        self, key: str, version: int | None, tokens: GrantTokens | None
    ) -> bool:
        """Keep (or with None forget) if ``version`` is still the one kept.

        ``version`` None means: if nothing is kept. False means that somebody
        else was faster, and nothing has changed.
        """


class MemoryTokenStore:
    """Keep tokens in this process only; a restart forgets them."""

    def __init__(self) -> None:
        self._kept: dict[str, Versioned] = {}
        self._written = 0  # never falls back, so an old version never fits again
        self._lock = threading.Lock()

    def load(self, key: str) -> Versioned | None:
        """Return what is kept under the key."""
        return self._kept.get(key)

    def compare_and_set(
        self, key: str, version: int | None, tokens: GrantTokens | None
    ) -> bool:
        """Keep or forget, if the version still fits."""
        with self._lock:
            kept = self._kept.get(key)
            if (kept.version if kept else None) != version:
                return False
            if tokens is None:
                self._kept.pop(key, None)
            else:
                self._written += 1
                self._kept[key] = Versioned(self._written, tokens)
            return True
