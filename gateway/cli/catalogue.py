"""``catalogue lint``: read a catalogue and name every mistake in it."""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

from gateway.cli.options import Commands
from permissions.catalogue.load import load


def add(commands: Commands) -> None:
    """Add the command."""
    parser = commands.add_parser("catalogue", help="check a catalogue")
    verbs = parser.add_subparsers(dest="verb", required=True, metavar="VERB")
    lint = verbs.add_parser("lint", help="name every mistake in a catalogue")
    lint.add_argument(
        "folder", type=Path, nargs="?", help="default: the one that ships"
    )
    lint.set_defaults(run=run)


def run(chosen: argparse.Namespace) -> int:
    """Load the catalogue; a mistake ends the command with all of them."""
    found = load(chosen.folder)
    sys.stdout.write(
        f"catalogue: ok, policy {found.policy.version}, {len(found.pairs)} pairs, "
        f"sha256 {found.sha256}\n"
    )
    return 0
