"""How operations phrase their calls."""

from collections.abc import Mapping

import msgspec

from aseanbiz._core.exchange import Call, Credentials
from aseanbiz._core.setup import Setup


def reading(
    path: str, credentials: Credentials, *, timeout: float | None = None
) -> Call:
    """Return a GET."""
    return Call(method="GET", path=path, credentials=credentials, timeout=timeout)


def writing(
    setup: Setup,
    method: str,
    path: str,
    body: Mapping[str, object] | None,
    credentials: Credentials,
    *,
    key: str | None,
    timeout: float | None,
) -> Call:
    """Return a write: it carries a key, the caller's or a new one."""
    return Call(
        method=method,
        path=path,
        credentials=credentials,
        body=b"" if body is None else msgspec.json.encode(body),
        key=setup.new_key() if key is None else key,
        timeout=timeout,
    )
