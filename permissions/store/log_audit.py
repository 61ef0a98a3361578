"""The audit of the stored log: against the shard chains, and against its signatures."""

from __future__ import annotations

import heapq
from collections.abc import Iterable, Iterator
from itertools import islice
from typing import Final

from sqlalchemy import Connection, Table, and_, func, select

from permissions.ids import SHARDS
from permissions.merkle.audit import LogAudit, LogBroken, TreeAudit
from permissions.merkle.checkpoint import Checkpoint, open_checkpoint
from permissions.merkle.note import NoteInvalid, Verifier
from permissions.merkle.tree import Node
from permissions.store import log, rows, tables

_CHUNK: Final = 1000  # leaves whose nodes are compared at once


def verify_log(
    connection: Connection, key: Verifier | None, kept: Iterable[Checkpoint] = ()
) -> LogAudit:
    """Check that the log is the shard chains, and all that was ever signed.

    ``kept`` are checkpoints that somebody else holds, already verified: they find
    what an operator has rewritten together with its own signatures. ``key`` may be
    missing only where no log was begun. Run it after `verify_store`, inside the same
    transaction. Raises LogBroken at the first thing that is not as signed.
    """
    found = log.head(connection)
    kept = sorted(kept, key=lambda one: one.size)
    if found is None:
        return _nothing(connection, kept)
    if key is None:
        raise LogBroken("unsigned", "its head", "there is no key to judge it by")
    if key.name != found.origin:
        raise LogBroken("unsigned", "its head", f"its name is not {key.name}")
    waiting = _compare_shards(connection, found)
    for one in kept:
        _compare_signed(connection, one, key)
    stored = _checkpoints(connection, key)
    tree = TreeAudit(heapq.merge(stored, kept, key=lambda one: one.size))
    _compare_tree(connection, tree)
    if tree.size != found.size:
        raise LogBroken(
            "truncated", f"size {tree.size}", f"the head says {found.size} leaves"
        )
    return LogAudit(
        size=tree.size, checkpoints=tree.compared - len(kept), waiting=waiting
    )


def _nothing(connection: Connection, kept: list[Checkpoint]) -> LogAudit:
    """Say that there is no log, and make sure that there never was one."""
    used = any(
        _count(connection, table)
        for table in (tables.log_leaves, tables.log_nodes, tables.checkpoints)
    )
    if used or kept:
        raise LogBroken("truncated", "size 0", "the log's head is gone")
    waiting = sum(seq for _, seq, _ in rows.heads(connection))
    return LogAudit(size=0, checkpoints=0, waiting=waiting)


def _compare_shards(connection: Connection, found: log.Head) -> int:
    """Hold each shard's chain against its leaves; return what is not in yet."""
    heads = {shard: seq for shard, seq, _ in rows.heads(connection)}
    waiting = 0
    for shard in range(SHARDS):
        last = _compare_shard(connection, shard)
        if last != found.taken[shard]:
            raise LogBroken(
                "truncated",
                f"{shard}.{last + 1}",
                f"the log's head says that it goes to {found.taken[shard]}",
            )
        waiting += heads[shard] - last
    return waiting


def _compare_shard(connection: Connection, shard: int) -> int:
    leaf, entry = tables.log_leaves.c, tables.ledger.c
    same = and_(entry.shard == leaf.shard, entry.seq == leaf.seq)
    query = (
        select(leaf.seq, leaf.position, leaf.sha256, entry.sha256.label("entry"))
        .join_from(tables.log_leaves, tables.ledger, same, isouter=True)
        .where(leaf.shard == shard)
        .order_by(leaf.seq)
    )
    seq, before = 0, -1
    for row in connection.execute(query.execution_options(yield_per=_CHUNK)):
        seq += 1
        where = f"{shard}.{seq}"
        if row.seq != seq:
            raise LogBroken("truncated", where, "the log has no such entry")
        if row.entry is None:
            raise LogBroken("truncated", where, "the ledger lost what the log holds")
        if row.entry != row.sha256:
            raise LogBroken(
                "rewritten", where, "the ledger holds another entry than the log"
            )
        if not isinstance(row.position, int) or row.position <= before:
            raise LogBroken("rewritten", where, "it stands before its predecessor")
        before = row.position
    return seq


def _compare_signed(connection: Connection, kept: Checkpoint, key: Verifier) -> None:
    stored = log.checkpoint_at(connection, kept.size)
    if stored is not None and _opened(stored, key).root != kept.root:
        raise LogBroken(
            "equivocation",
            f"size {kept.size}",
            "the store holds another signed checkpoint than the one that was kept",
        )


def _checkpoints(connection: Connection, key: Verifier) -> Iterator[Checkpoint]:
    query = select(tables.checkpoints).order_by(tables.checkpoints.c.size)
    for row in connection.execute(query.execution_options(yield_per=_CHUNK)):
        yield _opened(log.Published(row.size, row.body), key)


def _opened(stored: log.Published, key: Verifier) -> Checkpoint:
    where = f"size {stored.size}"
    try:
        found = open_checkpoint(stored.body, key)
    except NoteInvalid as error:
        raise LogBroken("unsigned", where, str(error)) from None
    if found.size != stored.size:
        raise LogBroken("unsigned", where, f"it is the one of size {found.size}")
    return found


def _compare_tree(connection: Connection, tree: TreeAudit) -> None:
    """Grow the tree from its leaves, and hold the stored nodes against it."""
    leaves = _leaves(connection)
    count = 0
    while chunk := list(islice(leaves, _CHUNK)):
        completed = dict(pair for leaf in chunk for pair in tree.append(leaf))
        count += len(completed)
        _compare_nodes(connection, completed)
    tree.end()
    if _count(connection, tables.log_nodes) != count:
        raise LogBroken("damaged", f"size {tree.size}", "there are nodes too many")


def _compare_nodes(connection: Connection, completed: dict[Node, bytes]) -> None:
    stored = log.read_nodes(connection, list(completed))
    for node, folded in completed.items():
        if stored[node] != folded:
            raise LogBroken(
                "damaged",
                f"level {node.level}, position {node.position}",
                "the stored node is not the hash of what is below it",
            )


def _leaves(connection: Connection) -> Iterator[bytes]:
    leaf = tables.log_leaves.c
    query = select(leaf.position, leaf.sha256).order_by(leaf.position)
    result = connection.execute(query.execution_options(yield_per=_CHUNK))
    for expected, row in enumerate(result):
        if row.position != expected:
            raise LogBroken("truncated", f"size {expected}", "a leaf is missing")
        yield row.sha256


def _count(connection: Connection, table: Table) -> int:
    return connection.scalar(select(func.count()).select_from(table)) or 0
