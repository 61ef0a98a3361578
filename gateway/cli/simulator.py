"""``wechat-sim``: a WeChat to try log-in with, on this machine alone."""

from __future__ import annotations

import argparse
import asyncio
import os
import secrets
import sys
import tomllib
from datetime import UTC, datetime
from pathlib import Path
from typing import Final

import msgspec

from gateway.cli.failure import CommandFailed
from gateway.cli.listening import listen, serve_until_told
from gateway.cli.options import Commands
from oauth_wechat.simulator import SimulatedApp, SimulatedUser, create_simulator

ADMIN_TOKEN: Final = "WECHAT_SIM_ADMIN_TOKEN"  # noqa: S105 - a variable's name


class World(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Who exists in the simulated WeChat: apps and people."""

    apps: tuple[SimulatedApp, ...] = (
        SimulatedApp(
            appid="wxsim0000000000001",
            secret="simulated-secret-not-for-real-use",  # noqa: S106 - made up
            name="AseanBiz",
            domains=("127.0.0.1", "localhost"),
        ),
    )
    users: tuple[SimulatedUser, ...] = (
        SimulatedUser(id="mei", nickname="Mei"),
        SimulatedUser(id="wei", nickname="Wei"),
        SimulatedUser(id="siti", nickname="Siti"),
    )


def add(commands: Commands) -> None:
    """Add the command."""
    parser = commands.add_parser("wechat-sim", help="run the WeChat simulator")
    parser.add_argument("--host", default="127.0.0.1", help="default: 127.0.0.1")
    parser.add_argument("--port", type=int, default=8410, help="default: 8410")
    parser.add_argument(
        "--world", type=Path, metavar="FILE", help="apps and users as TOML"
    )
    parser.set_defaults(run=run)


def run(chosen: argparse.Namespace) -> int:
    """Serve the simulator until told to stop; refuses production."""
    if os.environ.get("GATEWAY_ENV") == "production":
        raise CommandFailed("the WeChat simulator does not run in production")
    world = World() if chosen.world is None else _read(chosen.world)
    token = os.environ.get(ADMIN_TOKEN) or secrets.token_urlsafe(16)
    listener = listen(chosen.host, chosen.port)
    app = create_simulator(
        apps=world.apps,
        users=world.users,
        clock=lambda: datetime.now(UTC),
        random=secrets.token_bytes,
        admin_token=token,
    )

    def say_ready() -> None:
        sys.stdout.write(f"simulating WeChat on http://{chosen.host}:{chosen.port}\n")
        if ADMIN_TOKEN not in os.environ:
            sys.stdout.write(f"admin token: {token}\n")
        sys.stdout.flush()

    with listener:
        asyncio.run(serve_until_told((app, listener), ready=say_ready))
    return 0


def _read(file: Path) -> World:
    try:
        return msgspec.convert(tomllib.loads(file.read_text("utf-8")), World)
    except OSError as error:
        raise CommandFailed(f"{file}: {error.strerror}") from None
    except (
        UnicodeDecodeError,
        tomllib.TOMLDecodeError,
        msgspec.ValidationError,
    ) as error:
        raise CommandFailed(f"{file}: {error}") from None
