"""The Merkle log as it lies in the database: growing it, and reading proofs from it.

One row is the log's head; whoever appends locks it first, so there is one order of
leaves however many processes sequence. Every read is of O(log n) rows.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from functools import partial
from typing import Any, Final

import msgspec
from sqlalchemy import Connection, Executable, Row, bindparam, insert, select, update

from permissions.ids import SHARDS
from permissions.merkle.audit import LogBroken
from permissions.merkle.checkpoint import Checkpoint, parse_text
from permissions.merkle.note import parse
from permissions.merkle.tree import CompactRange, Node, Read, peaks, root
from permissions.store import rows, tables

_ONLY: Final = 1  # the id of the one row

_HEAD: Final = select(tables.log_head).where(tables.log_head.c.id == _ONLY)
_MOVE: Final = (
    update(tables.log_head)
    .where(tables.log_head.c.id == _ONLY)
    .values(size=bindparam("to"), taken=bindparam("by"))
)
_FRESH: Final = select(tables.ledger.c.seq, tables.ledger.c.sha256).where(
    tables.ledger.c.shard == bindparam("of"),
    tables.ledger.c.seq.between(bindparam("first"), bindparam("last")),
)
_NODES: Final = select(tables.log_nodes).where(
    tables.log_nodes.c.number.in_(bindparam("numbers", expanding=True))
)
_LEAF: Final = select(tables.log_leaves.c.position, tables.log_leaves.c.sha256)
_LEAF_OF: Final = _LEAF.where(
    tables.log_leaves.c.shard == bindparam("of"),
    tables.log_leaves.c.seq == bindparam("at"),
)
_LEAF_WITH: Final = _LEAF.where(tables.log_leaves.c.sha256 == bindparam("hash"))
_LEAVES: Final = _LEAF.where(
    tables.log_leaves.c.position.in_(bindparam("at", expanding=True))
)
_SIGNED: Final = select(tables.checkpoints).where(
    tables.checkpoints.c.size == bindparam("of")
)
_NEWEST: Final = (
    select(tables.checkpoints).order_by(tables.checkpoints.c.size.desc()).limit(1)
)


class Head(msgspec.Struct, frozen=True):
    """How far the log goes: its name, its size, and the last seq by shard."""

    origin: str
    size: int
    taken: tuple[int, ...]


class Leaf(msgspec.Struct, frozen=True):
    """One entry's place in the log."""

    position: int
    sha256: bytes


class Published(msgspec.Struct, frozen=True):
    """A stored checkpoint: its size and the signed note."""

    size: int
    body: str


def head(connection: Connection) -> Head | None:
    """Return the log's head, or None where no log was begun."""
    return _read_head(connection, _HEAD)


def is_behind(connection: Connection) -> bool:
    """Say whether entries wait for the log, or the log for a checkpoint."""
    found = head(connection)
    if found is None:
        return True
    seqs = tuple(seq for _, seq, _ in rows.heads(connection))
    last = newest(connection)
    return seqs != found.taken or last is None or last.size != found.size


def append(connection: Connection, origin: str, *, limit: int) -> int:
    """Put new entries into the log, shard by shard in order; return how many.

    The first call begins the log under the name ``origin``. At most ``limit`` are
    taken, so that other writers do not wait long. Raises LogBroken, with nothing
    written, where the ledger no longer continues what the log holds.
    """
    found = _locked(connection, origin)
    _check_signed(connection, found, newest(connection))
    fresh = list(_fresh(connection, found.taken, limit))
    if not fresh:
        return 0
    edge = peaks(found.size)
    held = read_nodes(connection, edge)
    grown = CompactRange(found.size, [held[node] for node in edge])
    taken, leaves, nodes = list(found.taken), [], []
    for shard, seq, sha256 in fresh:
        place = {"position": grown.size, "shard": shard, "seq": seq}
        leaves.append({**place, "sha256": sha256})
        nodes += [
            {"number": node.number, "sha256": folded}
            for node, folded in grown.append(sha256)
        ]
        taken[shard] = seq
    connection.execute(insert(tables.log_leaves), leaves)
    if nodes:
        connection.execute(insert(tables.log_nodes), nodes)
    connection.execute(_MOVE, {"to": grown.size, "by": taken})
    return len(leaves)


def unsigned(connection: Connection) -> Checkpoint | None:
    """Return what is to be signed: the committed tree, if it has no checkpoint yet.

    Raises LogBroken where the tree does not contain what was signed last: signing it
    would be telling a second history.
    """
    found = head(connection)
    if found is None:
        return None
    last = newest(connection)
    if last is not None and last.size == found.size:
        return None
    _check_signed(connection, found, last)
    return Checkpoint(
        origin=found.origin,
        size=found.size,
        root=root(found.size, reader(connection)),
    )


def publish(connection: Connection, checkpoint: Checkpoint, body: str) -> None:
    """Store a signed checkpoint; of two for one size the first one stays."""
    held = tables.checkpoints
    size = checkpoint.size
    if checkpoint_at(connection, size) is None:
        connection.execute(insert(held).values(size=size, body=body))


def newest(connection: Connection) -> Published | None:
    """Return the checkpoint of the largest size."""
    row = connection.execute(_NEWEST).one_or_none()
    return None if row is None else Published(row.size, row.body)


def checkpoint_at(connection: Connection, size: int) -> Published | None:
    """Return the checkpoint of one size; most sizes have none."""
    row = connection.execute(_SIGNED, {"of": size}).one_or_none()
    return None if row is None else Published(row.size, row.body)


def leaf_of(connection: Connection, shard: int, seq: int) -> Leaf | None:
    """Return the place of a ledger entry in the log."""
    return _leaf(connection.execute(_LEAF_OF, {"of": shard, "at": seq}).one_or_none())


def leaf_with(connection: Connection, sha256: bytes) -> Leaf | None:
    """Return the place of the entry with a leaf hash."""
    return _leaf(connection.execute(_LEAF_WITH, {"hash": sha256}).first())


def read_nodes(connection: Connection, nodes: Sequence[Node]) -> Mapping[Node, bytes]:
    """Return the hashes of complete subtrees.

    Raises LogBroken where one is missing.
    """
    found: dict[Node, bytes] = {}
    if inner := {node.number: node for node in nodes if node.level}:
        for row in connection.execute(_NODES, {"numbers": list(inner)}):
            found[inner[row.number]] = row.sha256
    if at := [node.position for node in nodes if not node.level]:
        for row in connection.execute(_LEAVES, {"at": at}):
            found[Node(0, row.position)] = row.sha256
    for node in nodes:
        if node not in found:
            raise LogBroken(
                "damaged",
                f"level {node.level}, position {node.position}",
                "the node is missing",
            )
    return found


def reader(connection: Connection) -> Read:
    """Return `read_nodes` of one connection, as proofs are made with."""
    return partial(read_nodes, connection)


def _read_head(connection: Connection, query: Executable) -> Head | None:
    try:
        row = connection.execute(query).one_or_none()
        found = None if row is None else Head(row.origin, row.size, tuple(row.taken))
        is_whole = found is None or len(found.taken) == SHARDS
    except (msgspec.DecodeError, TypeError):
        is_whole = False  # a column that nobody can read
    if not is_whole:
        raise LogBroken("damaged", "its head", "it does not say how far each shard is")
    return found


def _locked(connection: Connection, origin: str) -> Head:
    found = _read_head(connection, _HEAD.with_for_update())
    if found is not None:
        return found
    begun = Head(origin, 0, (0,) * SHARDS)
    values = {"id": _ONLY, **msgspec.structs.asdict(begun)}
    connection.execute(insert(tables.log_head).values(values))
    return begun


def _fresh(
    connection: Connection, taken: tuple[int, ...], limit: int
) -> Iterator[tuple[int, int, bytes]]:
    for shard, seq, _ in rows.heads(connection):
        last = taken[shard]
        if seq < last:
            raise LogBroken(
                "truncated", f"{shard}.{last}", f"the ledger's shard ends at {seq}"
            )
        wanted = range(last + 1, min(seq, last + limit) + 1)
        if not wanted:
            continue
        asked = {"of": shard, "first": wanted[0], "last": wanted[-1]}
        held = {row.seq: row.sha256 for row in connection.execute(_FRESH, asked)}
        for number in wanted:
            if number not in held:
                raise LogBroken(
                    "truncated", f"{shard}.{number}", "the ledger has no such entry"
                )
            yield shard, number, held[number]
        limit -= len(wanted)


def _check_signed(connection: Connection, found: Head, last: Published | None) -> None:
    if last is None:
        return
    if last.size > found.size:
        raise LogBroken(
            "truncated",
            f"size {found.size}",
            f"a checkpoint of size {last.size} is signed",
        )
    signed = parse_text(parse(last.body).text)
    if root(last.size, reader(connection)) != signed.root:
        raise LogBroken(
            "rewritten",
            f"size {last.size}",
            "the signed checkpoint of this size has another root",
        )


def _leaf(row: Row[Any, Any] | None) -> Leaf | None:
    return None if row is None else Leaf(row.position, row.sha256)
