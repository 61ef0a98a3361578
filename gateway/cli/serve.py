"""``serve``: run the gateway on this machine, with its officer's socket."""

from __future__ import annotations

import argparse
import asyncio
import gc
import socket
import sys
from typing import Final

import msgspec
import structlog
import uvloop

from gateway.admin import create_admin
from gateway.app import create_app, open_services
from gateway.cli.failure import CommandFailed
from gateway.cli.listening import listen, serve_until_told
from gateway.cli.options import Commands, add_settings, settings_of
from gateway.jobs.sequencer import sequencing
from gateway.logs import configure_logs
from gateway.services import Services
from gateway.settings import Settings

SOCKET: Final = "admin.sock"  # in the data folder

log = structlog.get_logger("gateway")


def add(commands: Commands) -> None:
    """Add the command."""
    parser = commands.add_parser("serve", help="run the gateway")
    add_settings(parser)
    parser.add_argument("--host", default="127.0.0.1", help="default: 127.0.0.1")
    parser.add_argument("--port", type=int, default=8400, help="default: 8400")
    parser.add_argument(
        "--log-requests", action="store_true", help="one log line for each request"
    )
    parser.set_defaults(run=run)


def run(chosen: argparse.Namespace) -> int:
    """Serve until told to stop."""
    configure_logs()
    settings = _with_issuer(settings_of(chosen), chosen.host, chosen.port)
    listener = listen(chosen.host, chosen.port)
    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        runner.run(_serve(settings, listener, log_requests=chosen.log_requests))
    return 0


def _with_issuer(settings: Settings, host: str, port: int) -> Settings:
    """In development, where nobody chose an issuer, it follows the port."""
    if settings.env == "production" or settings.issuer != Settings().issuer:
        return settings
    named = "127.0.0.1" if host in {"", "0.0.0.0"} else host  # noqa: S104 - a name
    return msgspec.structs.replace(settings, issuer=f"http://{named}:{port}")


async def _serve(
    settings: Settings, listener: socket.socket, *, log_requests: bool
) -> None:
    async with open_services(settings) as services, sequencing(services):
        public = create_app(services, log_requests=log_requests)
        officer = create_admin(services)
        # What is loaded now stays: a full collection need not look at it again.
        gc.collect()
        gc.freeze()
        with listener, _officer_socket(settings) as inner:
            await serve_until_told(
                (public, listener),
                (officer, inner),
                ready=lambda: _say_ready(services),
            )


def _say_ready(services: Services) -> None:
    settings = services.settings
    log.info(
        "serving",
        issuer=settings.issuer,
        env=settings.env,
        data_dir=str(settings.data_dir),
        policy_version=services.catalogue.policy.version,
    )
    sys.stdout.write(f"serving {settings.issuer}\n")
    sys.stdout.flush()


def _officer_socket(settings: Settings) -> socket.socket:
    path = settings.data_dir / SOCKET
    path.unlink(missing_ok=True)  # the lock on the folder says that it is ours
    inner = socket.socket(socket.AF_UNIX)
    try:
        inner.bind(str(path))
    except OSError as error:
        inner.close()
        raise CommandFailed(f"{path}: {error.strerror}; use a shorter path") from None
    path.chmod(0o600)
    inner.listen()
    inner.settimeout(0)
    return inner
