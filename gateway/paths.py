"""One thing has one path: whatever else a router would read as it does not exist.

Litestar reads ``//v1/check`` as ``/v1/check``, so that a rule laid on a path could be
walked around with one more slash.
"""

from __future__ import annotations

from typing import Final

from litestar.enums import ScopeType
from litestar.types import ASGIApp, Receive, Scope, Send

from gateway.body import answer
from gateway.problems import not_found

_LONGEST: Final = 200  # bytes; no path of ours has half as many


def is_plain(path: str) -> bool:
    """Say whether a path, percent-decoded, is written in the one way that counts.

    Controls and names that no file system takes are answered here as well.
    """
    return (
        path.startswith("/")
        and "//" not in path
        and path.isprintable()
        and len(path.encode()) <= _LONGEST
    )


class OnePath:
    """Answer 404 for a path in another spelling; it stands before every rule."""

    def __init__(self, inner: ASGIApp) -> None:
        self._inner = inner

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass a request through (ASGI)."""
        if scope["type"] == ScopeType.HTTP and not is_plain(scope["path"]):
            await answer(not_found(), scope, send)
            return
        await self._inner(scope, receive, send)
