"""``audit verify``: check the whole ledger, and the state against it."""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

import msgspec

from gateway.cli.failure import CommandFailed
from gateway.cli.options import Commands, add_json, add_settings, settings_of
from permissions.audit import Audit, StateDiverged
from permissions.ledger import ChainBroken
from permissions.store.audit import verify_store
from permissions.store.sqlite import read_only


def add(commands: Commands) -> None:
    """Add the command."""
    parser = commands.add_parser("audit", help="check the ledger")
    verbs = parser.add_subparsers(dest="verb", required=True, metavar="VERB")
    verify = verbs.add_parser(
        "verify", help="check every hash, and that the state is the ledger's fold"
    )
    add_settings(verify)
    add_json(verify)
    verify.set_defaults(run=run)


def run(chosen: argparse.Namespace) -> int:
    """Verify; reads beside a running server and changes nothing."""
    found = verified(settings_of(chosen).data_dir)
    if chosen.json:
        sys.stdout.write(msgspec.json.encode(found).decode() + "\n")
    else:
        sys.stdout.write(f"audit: ok, {sentence(found)}\n")
    return 0


def verified(folder: Path) -> Audit:
    """Return what was found whole; raises CommandFailed where something is not."""
    engine = read_only(folder)
    try:
        with engine.begin() as connection:
            return verify_store(connection)
    except (ChainBroken, StateDiverged) as error:
        raise CommandFailed(str(error)) from None
    finally:
        engine.dispose()


def sentence(found: Audit) -> str:
    """Return the numbers of an audit in words."""
    return f"{found.entries} entries in {found.shards} shards, {found.owners} owners"
