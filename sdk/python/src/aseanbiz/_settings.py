"""What a client is configured with, and where the environment says so."""

import base64
import math
import os
from collections.abc import Mapping
from urllib.parse import quote_plus

import msgspec

from aseanbiz._errors import ConfigError
from aseanbiz._secret import Secret


class Timeout(msgspec.Struct, frozen=True):
    """``total`` seconds for a whole call: waiting, token, retries and pauses."""

    total: float = 5.0

    def __post_init__(self) -> None:
        if not (math.isfinite(self.total) and self.total > 0):
            raise ConfigError("timeout.total", "a positive number of seconds")


class Retries(msgspec.Struct, frozen=True):
    """``limit`` further attempts after the first; 0 means none."""

    limit: int = 2

    def __post_init__(self) -> None:
        if self.limit < 0:
            raise ConfigError("retries.limit", "0 or more")


class ClientSecret:
    """Authenticate as a client by id and secret (RFC 6749 §2.3.1, Basic)."""

    def __init__(self, client_id: str, secret: Secret | str) -> None:
        self.id = client_id
        self.secret = Secret(secret) if isinstance(secret, str) else secret
        if not self.id:
            raise ConfigError("client id", "the id that the gateway gave you")
        if not self.secret.reveal():
            raise ConfigError("client secret", "the secret that the gateway gave you")

    def basic(self) -> Secret:
        """Return the Authorization value; both parts are form-encoded first."""
        pair = f"{quote_plus(self.id)}:{quote_plus(self.secret.reveal())}"
        return Secret("Basic " + base64.b64encode(pair.encode()).decode())

    def __repr__(self) -> str:
        return f"ClientSecret({self.id!r})"


Auth = ClientSecret  # a union as soon as there is a second way


def env_setting(name: str, environ: Mapping[str, str] | None = None) -> str:
    """Return ``ASEANBIZ_<name>``; an absent or empty one is a `ConfigError`."""
    value = env_option(name, environ)
    if value is None:
        raise ConfigError(f"ASEANBIZ_{name}", "set in the environment")
    return value


def env_option(name: str, environ: Mapping[str, str] | None = None) -> str | None:
    """Return ``ASEANBIZ_<name>``, or None if it is absent or empty."""
    found = (os.environ if environ is None else environ).get(f"ASEANBIZ_{name}")
    return found or None


def env_auth(environ: Mapping[str, str] | None = None) -> Auth:
    """Read ``ASEANBIZ_CLIENT_ID`` and ``ASEANBIZ_CLIENT_SECRET``."""
    return ClientSecret(
        env_setting("CLIENT_ID", environ), env_setting("CLIENT_SECRET", environ)
    )
