"""Read the command line, run one command, and turn mistakes into one clear line."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Callable, Sequence
from typing import Final

from gateway.app import VERSION
from gateway.cli import (
    audit,
    catalogue,
    clients,
    demo,
    keys,
    migrate,
    openapi,
    serve,
    simulator,
)
from gateway.cli.failure import CommandFailed
from gateway.cli.options import Commands
from gateway.keys import KeyRingError
from gateway.settings import SettingsError
from permissions.errors import PermissionsError
from permissions.ledger import ChainBroken

Add = Callable[[Commands], None]

_COMMANDS: Final[tuple[Add, ...]] = (
    demo.add,
    serve.add,
    clients.add,
    migrate.add,
    audit.add,
    catalogue.add,
    keys.add,
    openapi.add,
    simulator.add,
)


def main(arguments: Sequence[str] | None = None) -> int:
    """Run ``aseanbiz-gateway``; return 0, or 1 after saying what is wrong."""
    parser = argparse.ArgumentParser(
        prog="aseanbiz-gateway",
        description="A consent and permission gateway for mobile back ends.",
    )
    parser.add_argument("--version", action="version", version=VERSION)
    commands = parser.add_subparsers(dest="command", required=True, metavar="COMMAND")
    for add in _COMMANDS:
        add(commands)
    chosen = parser.parse_args(arguments)
    try:
        run: Callable[[argparse.Namespace], int] = chosen.run
        return run(chosen)
    except KeyboardInterrupt:
        return 130
    except (
        CommandFailed,
        SettingsError,
        KeyRingError,
        PermissionsError,
        ChainBroken,
    ) as error:
        sys.stderr.write(f"aseanbiz-gateway: {error}\n")
        return 1
