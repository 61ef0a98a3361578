"""``audit``: check the whole ledger and its log, or one proof without either."""

from __future__ import annotations

import argparse
import secrets
import sys
from pathlib import Path
from typing import assert_never

import msgspec
from sqlalchemy import Connection

from gateway.cli.failure import CommandFailed
from gateway.cli.options import Commands, add_json, add_settings, settings_of
from gateway.keys import open_keyring
from gateway.settings import Settings
from permissions.audit import Audit, StateDiverged
from permissions.ledger import ChainBroken
from permissions.merkle.audit import LogAudit, LogBroken
from permissions.merkle.checkpoint import Checkpoint, open_checkpoint
from permissions.merkle.document import (
    ConsistencyProof,
    InclusionProof,
    LogProof,
    check_kept,
    read_proof,
    verify_proof,
)
from permissions.merkle.note import NoteInvalid, Signer, Verifier, parse_key
from permissions.merkle.proof import ProofInvalid
from permissions.store import log
from permissions.store.audit import verify_store
from permissions.store.log_audit import verify_log
from permissions.store.sqlite import read_only


def add(commands: Commands) -> None:
    """Add the command."""
    parser = commands.add_parser("audit", help="check the ledger")
    verbs = parser.add_subparsers(dest="verb", required=True, metavar="VERB")
    verify = verbs.add_parser(
        "verify", help="check every hash, every signature, and the state against them"
    )
    add_settings(verify)
    verify.add_argument(
        "--key", metavar="KEY", help="the log's key, as a line or in a file"
    )
    _add_kept(verify)
    add_json(verify)
    verify.set_defaults(run=run)
    proof = verbs.add_parser("proof", help="verify a proof, without any gateway")
    proof.add_argument("file", type=Path, help="the JSON that /log/proof/… answered")
    proof.add_argument(
        "--key", metavar="KEY", required=True, help="the log's key, a line or a file"
    )
    proof.add_argument(
        "--leaf", metavar="SHA256", help="the entry_sha256 that your receipt names"
    )
    _add_kept(proof)
    proof.set_defaults(run=run_proof)


def _add_kept(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "--checkpoint",
        type=Path,
        action="append",
        default=[],
        metavar="FILE",
        help="a signed checkpoint that you have kept; may be given several times",
    )


def run(chosen: argparse.Namespace) -> int:
    """Verify; reads beside a running server and changes nothing."""
    found, in_log = _verified(settings_of(chosen), chosen.key, chosen.checkpoint)
    if chosen.json:
        told = msgspec.structs.asdict(found) | {"log": in_log}
        sys.stdout.write(msgspec.json.encode(told).decode() + "\n")
    else:
        sys.stdout.write(f"audit: ok, {sentence(found)}\n")
        sys.stdout.write(
            f"log: ok, {in_log.size} entries under {in_log.checkpoints} signed "
            f"checkpoints, {in_log.waiting} waiting\n"
        )
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


def run_proof(chosen: argparse.Namespace) -> int:
    """Verify a proof from a file; opens no database and asks nobody."""
    key = _key(chosen.key)
    try:
        proof = read_proof(_read(chosen.file))
        shown = verify_proof(proof, key)
        if chosen.leaf is not None:
            _check_leaf(proof, chosen.leaf)
        for file in chosen.checkpoint:
            _check_shown(_kept(file, key), shown)
    except (ProofInvalid, NoteInvalid) as error:
        raise CommandFailed(f"{chosen.file}: {error}") from None
    sys.stdout.write(f"proof: ok, {_proven(proof)} of {key.name}\n")
    return 0


def _verified(
    settings: Settings, named: str | None, files: list[Path]
) -> tuple[Audit, LogAudit]:
    engine = read_only(settings.data_dir)
    try:
        with engine.begin() as connection:
            whole = verify_store(connection)
            key = _key_of(connection, settings, named)
            return whole, verify_log(connection, key, _all_kept(files, key))
    except (ChainBroken, StateDiverged, LogBroken) as error:
        raise CommandFailed(str(error)) from None
    finally:
        engine.dispose()


def _key_of(
    connection: Connection, settings: Settings, named: str | None
) -> Verifier | None:
    """Return the key to judge by: the one named, else that of the key ring."""
    if named is not None:
        return _key(named)
    head = log.head(connection)
    if head is None:
        return None
    keys = open_keyring(
        settings.keyring or settings.data_dir / "keyring.json",
        secrets.token_bytes,
        may_generate=False,
    )
    return Signer(head.origin, keys.signing_seed("log")).verifier


def _key(named: str) -> Verifier:
    """Read a key from a line, or from the file of that name."""
    try:
        return parse_key(named if "+" in named else _read(Path(named)).decode())
    except (NoteInvalid, UnicodeDecodeError) as error:
        raise CommandFailed(f"--key: {error}") from None


def _all_kept(files: list[Path], key: Verifier | None) -> list[Checkpoint]:
    if files and key is None:
        raise LogBroken("truncated", "size 0", "there is no log any more")
    return [] if key is None else [_kept(file, key) for file in files]


def _kept(file: Path, key: Verifier) -> Checkpoint:
    try:
        return open_checkpoint(_read(file), key)
    except NoteInvalid as error:
        raise CommandFailed(f"{file}: {error}") from None


def _read(file: Path) -> bytes:
    try:
        return file.read_bytes()
    except OSError as error:
        raise CommandFailed(f"{file}: {error.strerror}") from None


def _check_leaf(proof: LogProof, leaf: str) -> None:
    if not isinstance(proof, InclusionProof) or proof.leaf_sha256 != leaf.lower():
        raise ProofInvalid("it proves something else than the entry named by --leaf")


def _check_shown(kept: Checkpoint, shown: tuple[Checkpoint, ...]) -> None:
    if check_kept(kept, shown):
        return
    newest = shown[-1].size
    old, new = sorted((kept.size, newest))
    raise ProofInvalid(
        f"it says nothing about your checkpoint of size {kept.size}; fetch "
        f"/log/proof/consistency?from={old}&to={new} and verify that as well"
    )


def _proven(proof: LogProof) -> str:
    match proof:
        case InclusionProof():
            return (
                f"entry {proof.leaf_sha256} is number {proof.leaf_index} "
                f"among the {proof.tree_size}"
            )
        case ConsistencyProof():
            return f"all {proof.first} entries are still the first of {proof.second}"
        case _:
            assert_never(proof)
