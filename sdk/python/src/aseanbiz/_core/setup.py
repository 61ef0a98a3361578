"""What every operation of one client shares."""

import secrets
from collections.abc import Callable

from aseanbiz._core.budget import Budget
from aseanbiz._core.used_states import UsedStates
from aseanbiz._policy.addresses import checked_base
from aseanbiz._settings import Auth, Retries, Timeout


def jitter() -> float:
    """Return a number in [0, 1); from the system, so forks do not agree on it."""
    return secrets.randbelow(2**32) / 2**32


def fresh_key() -> str:
    """Return 128 random bits, for keys and states."""
    return secrets.token_urlsafe(16)


def fresh_nonce() -> str:
    """Return 256 random bits, for what must not be guessed."""
    return secrets.token_urlsafe(32)


class Setup:
    """Addresses, credentials, limits and sources of chance of one client."""

    def __init__(
        self,
        url: str,
        auth: Auth,
        *,
        issuer: str | None = None,
        timeout: Timeout | None = None,
        retries: Retries | None = None,
        random: Callable[[], float] = jitter,
        new_key: Callable[[], str] = fresh_key,
        new_nonce: Callable[[], str] = fresh_nonce,
    ) -> None:
        self.url = checked_base(url, "url")
        self.issuer = self.url if issuer is None else checked_base(issuer, "issuer")
        self.auth = auth
        self.timeout = timeout or Timeout()
        self.retries = retries or Retries()
        self.random = random
        self.new_key = new_key
        self.new_nonce = new_nonce
        self.budget = Budget()
        self.used_states = UsedStates()
