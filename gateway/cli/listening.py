"""Listening sockets and the server behind them, as every command here runs one."""

from __future__ import annotations

import errno
import socket
from typing import Final

import uvicorn

from gateway.cli.failure import CommandFailed

_BACKLOG: Final = 2048


def listen(host: str, port: int) -> socket.socket:
    """Open the port before anything else, so that a busy one costs nothing."""
    listener = socket.socket(socket.AF_INET6 if ":" in host else socket.AF_INET)
    listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        listener.bind((host, port))
        listener.listen(_BACKLOG)
    except (OSError, OverflowError) as error:
        listener.close()
        taken = isinstance(error, OSError) and error.errno == errno.EADDRINUSE
        reason = "is in use; choose another with --port" if taken else f"({error})"
        raise CommandFailed(f"port {port} on {host} {reason}") from None
    listener.settimeout(0)
    return listener


class Server(uvicorn.Server):
    """A uvicorn server that can also run beside another, without signals."""

    async def serve_beside(self, inner: socket.socket) -> None:
        """Serve one socket until `should_exit`; signals belong to the other one."""
        await self._serve(sockets=[inner])


def make_server(app: object) -> Server:
    """Return a server for one application, set as production sets it."""
    return Server(
        uvicorn.Config(
            app,  # type: ignore[arg-type] # Litestar's ASGI types are its own
            lifespan="off",
            access_log=False,
            log_config=None,
            server_header=False,
            date_header=True,
            timeout_graceful_shutdown=5,
            proxy_headers=False,
        )
    )
