"""Listening sockets and the server behind them, as every command here runs one."""

from __future__ import annotations

import asyncio
import errno
import signal
import socket
from collections.abc import Callable
from typing import Final

import uvicorn

from gateway.cli.connection import BoundedConnection
from gateway.cli.failure import CommandFailed

_BACKLOG: Final = 2048
_MOMENT: Final = 0.005  # seconds


def listen(host: str, port: int) -> socket.socket:
    """Open the port before anything else, so that a busy one costs nothing."""
    listener = socket.socket(socket.AF_INET6 if ":" in host else socket.AF_INET)
    listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        listener.bind((host, port))
        listener.listen(_BACKLOG)
    except (OSError, OverflowError) as error:
        listener.close()
        raise CommandFailed(_refused(host, port, error)) from None
    listener.settimeout(0)
    return listener


def _refused(host: str, port: int, error: OSError | OverflowError) -> str:
    if isinstance(error, OverflowError):
        return f"--port {port}: expected 0 to 65535"
    if isinstance(error, socket.gaierror) or error.errno == errno.EADDRNOTAVAIL:
        return f"--host {host}: is no address of this machine"
    reason = {errno.EADDRINUSE: "in use", errno.EACCES: "not open to this user"}.get(
        error.errno or 0, f"not to be had ({error.strerror})"
    )
    return f"port {port} on {host} is {reason}; choose another with --port"


async def serve_until_told(
    *served: tuple[object, socket.socket], ready: Callable[[], None]
) -> None:
    """Serve each application on its socket until SIGINT or SIGTERM.

    ``ready`` is called once, when all of them answer. A signal is an ordinary end:
    requests in hand are finished, then this returns.
    """
    servers = [(_server(app), listener) for app, listener in served]
    loop = asyncio.get_running_loop()

    def stop() -> None:
        for server, _ in servers:
            server.should_exit = True

    for number in (signal.SIGINT, signal.SIGTERM):
        loop.add_signal_handler(number, stop)
    async with asyncio.TaskGroup() as group:
        for server, listener in servers:
            # uvicorn's `serve` would take the signals for itself and raise them again.
            group.create_task(server._serve(sockets=[listener]))  # noqa: SLF001
        while not all(server.started for server, _ in servers):  # noqa: ASYNC110
            await asyncio.sleep(_MOMENT)  # uvicorn has no event for it
        ready()


def _server(app: object) -> uvicorn.Server:
    return uvicorn.Server(
        uvicorn.Config(
            app,  # type: ignore[arg-type] # Litestar's ASGI types are its own
            http=BoundedConnection,
            lifespan="off",
            access_log=False,
            log_config=None,
            log_level="critical",  # strangers could fill its log; ours says what failed
            server_header=False,
            timeout_graceful_shutdown=5,
            proxy_headers=False,
        )
    )
