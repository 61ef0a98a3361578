"""``migrate``: bring a data folder to the schema of this version."""

from __future__ import annotations

import argparse
import sys

from gateway.cli.options import Commands, add_settings, settings_of
from permissions.store.sqlite import upgrade


def add(commands: Commands) -> None:
    """Add the command."""
    parser = commands.add_parser("migrate", help="bring the database up to date")
    add_settings(parser)
    parser.set_defaults(run=run)


def run(chosen: argparse.Namespace) -> int:
    """Upgrade the schema; the server has to be stopped for it."""
    before, after = upgrade(settings_of(chosen).data_dir)
    sys.stdout.write(
        f"schema {after}: nothing to do\n"
        if before == after
        else f"schema {before or 'none'} -> {after}\n"
    )
    return 0
