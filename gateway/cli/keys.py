"""``keys new``: make a key ring on purpose, as production wants it."""

from __future__ import annotations

import argparse
import secrets
import sys
from pathlib import Path

from gateway.cli.options import Commands
from gateway.keys import write_keyring


def add(commands: Commands) -> None:
    """Add the command."""
    parser = commands.add_parser("keys", help="make a key ring")
    verbs = parser.add_subparsers(dest="verb", required=True, metavar="VERB")
    new = verbs.add_parser("new", help="write a new key ring; never overwrites one")
    new.add_argument("file", type=Path, help="where to write it, outside the database")
    new.set_defaults(run=run)


def run(chosen: argparse.Namespace) -> int:
    """Write the key ring, readable by its owner alone."""
    write_keyring(chosen.file, secrets.token_bytes, generated=False)
    sys.stdout.write(f"wrote {chosen.file}; set GATEWAY_KEYRING to it, back it up\n")
    return 0
