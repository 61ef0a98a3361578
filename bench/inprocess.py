"""What is measured without HTTP: one decision, and durable withdrawals."""

from __future__ import annotations

import asyncio
import secrets
import sqlite3
import time
from collections import deque
from collections.abc import Callable, Iterable
from datetime import UTC, datetime
from pathlib import Path
from statistics import median
from tempfile import TemporaryDirectory
from typing import Final

import msgspec
import uvloop

from bench.cells import Cell
from bench.seed import CAPABILITY, PURPOSE, give, register_app, settle, take_back
from permissions.catalogue.load import load
from permissions.decision import Allow, Question, Standing, decide
from permissions.ids import new_id
from permissions.state import Client, Grant, Subject
from permissions.store.audit import verify_store
from permissions.store.sqlite import SqliteStore, open_store
from permissions.store.transaction import Transaction

_REPEATS: Final = 7
_CALLERS: Final = 32
_BODY: Final = bytes(700)  # about what the entry of a withdrawal takes
_Act = tuple[str, str]  # a person, and the grant that is taken back


def decide_us(*, grants: int, calls: int) -> float:
    """Return the CPU microseconds of one warm decision: the median of seven."""
    catalogue = load()
    question = Question(client="cli_0", capability=CAPABILITY, purpose=PURPOSE)
    standing = _standing(catalogue.policy.version, grants)
    now = datetime.now(UTC)
    if not isinstance(decide(question, standing, catalogue, now), Allow):
        raise RuntimeError("the question of the bench has to be allowed")  # noqa: TRY004 - a broken bench, not a wrong argument
    costs: list[float] = []
    for _ in range(_REPEATS):
        began = time.thread_time()
        for _ in range(calls):
            decide(question, standing, catalogue, now)
        costs.append((time.thread_time() - began) / calls * 1e6)
    return median(costs)


def _standing(policy: str, grants: int) -> Standing:
    now = datetime.now(UTC)
    held = [
        Grant(
            id=f"gra_{number}",
            grant_set=f"gst_{number}",
            client=f"cli_{number}",
            capability=CAPABILITY,
            purpose=PURPOSE,
            state="granted",
            elements={"*": 1},
            policy_version=policy,
            since=now,
            until=None,
            expires_at=None,
            one_time=False,
            records=(),
            scene=None,
            receipt=f"rcp_{number}",
            seq=1,
        )
        for number in range(grants)
    ]
    return Standing(
        version="0.1",
        subject=Subject(
            id="sub_0",
            since=now,
            notice_version=policy,
            notice_at=now,
            grants={grant.id: grant for grant in held},
            current={grant.key: grant.id for grant in held},
            sets={},
            seq=1,
        ),
        client=Client(
            id="cli_0",
            kind="app",
            name={},
            legal_name="",
            registry_number="",
            contact="",
            scopes=(),
        ),
    )


class Withdrawals(msgspec.Struct, frozen=True, kw_only=True):
    """Cells of durable withdrawals, of bare transactions in turn, and latencies."""

    acts: list[Cell | None]
    bare: list[Cell | None]
    seconds: list[float]  # per act at half the rate, from its scheduled start


def withdrawals(*, pairs: int, acts: int) -> Withdrawals:
    """Take back grants through the store, and compare with three bare statements.

    Afterwards the whole ledger is verified, and holds every act once.
    """
    with (
        TemporaryDirectory(prefix="aseanbiz-bench-") as folder,
        asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner,
    ):
        return runner.run(_withdrawals(Path(folder), pairs, acts))


async def _withdrawals(folder: Path, pairs: int, acts: int) -> Withdrawals:
    bare = _Bare(folder / "bare.sqlite3")
    ours: list[Cell | None] = []
    theirs: list[Cell | None] = []
    async with open_store(
        folder / "store", catalogue=load(), clock=_now, random=secrets.token_bytes
    ) as store:
        client = await register_app(store)
        people = [new_id("sub", secrets.token_bytes) for _ in range(acts)]
        await asyncio.gather(
            *(settle(store, person, client, "never asked") for person in people)
        )
        for _ in range(pairs + 1):
            planned = await _grants(store, client, people)
            theirs.append(_cell(acts, *_timed(lambda: bare.run(acts))))
            ours.append(_cell(acts, *await _taken(store, planned)))
        planned = await _grants(store, client, people)
        rates = [cell.rate for cell in ours if cell is not None]
        seconds = await _paced(store, planned, median(rates) / 2)
        found = await store.read(
            lambda connection: (
                verify_store(connection),
                connection.exec_driver_sql(
                    "SELECT count(*) FROM ledger WHERE act = 'grant.withdraw'"
                ).scalar_one(),
            )
        )
        if found[1] != acts * (pairs + 2):
            raise RuntimeError(f"{found[1]} withdrawals in the ledger")
    bare.close()
    return Withdrawals(acts=ours[1:], bare=theirs[1:], seconds=seconds)


async def _grants(
    store: SqliteStore, client: Client, people: Iterable[str]
) -> list[_Act]:
    def yes(person: str) -> Callable[[Transaction], str]:
        def work(transaction: Transaction) -> str:
            act = give(transaction, person, client)
            transaction.perform(act)
            return act.grant

        return work

    people = list(people)
    grants = await asyncio.gather(*(store.write(yes(person)) for person in people))
    return list(zip(people, grants, strict=True))


async def _withdraw(store: SqliteStore, act: _Act) -> None:
    planned = take_back(*act, lambda prefix: new_id(prefix, store.random))
    done = await store.write(lambda transaction: transaction.perform(planned))
    if done is None:
        raise RuntimeError("a grant in force was not withdrawn")


async def _taken(store: SqliteStore, planned: list[_Act]) -> tuple[float, float]:
    """Withdraw all with many callers; return wall and CPU seconds."""
    left = deque(planned)

    async def caller() -> None:
        while left:
            await _withdraw(store, left.popleft())

    began, cpu = time.perf_counter(), time.process_time()
    await asyncio.gather(*(caller() for _ in range(_CALLERS)))
    return time.perf_counter() - began, time.process_time() - cpu


async def _paced(store: SqliteStore, planned: list[_Act], rate: float) -> list[float]:
    """Withdraw at a constant rate; return each one's seconds from its due time."""
    began = time.perf_counter()

    async def one(number: int, act: _Act) -> float:
        due = began + number / rate
        await asyncio.sleep(due - time.perf_counter())
        await _withdraw(store, act)
        return time.perf_counter() - due

    return await asyncio.gather(*(one(*numbered) for numbered in enumerate(planned)))


class _Bare:
    """The least a durable act can be: ledger, grant and message, one COMMIT each."""

    def __init__(self, path: Path) -> None:
        self._connection = sqlite3.connect(path, isolation_level=None)
        for statement in (
            "PRAGMA journal_mode=WAL",
            "PRAGMA synchronous=FULL",
            "CREATE TABLE ledger (seq INTEGER PRIMARY KEY, body BLOB)",
            "CREATE TABLE grants (id INTEGER PRIMARY KEY, state TEXT)",
            "CREATE TABLE outbox (id INTEGER PRIMARY KEY, body BLOB)",
        ):
            self._connection.execute(statement)
        self._seq = 0

    def run(self, count: int) -> None:
        execute = self._connection.execute
        for _ in range(count):
            self._seq += 1
            execute("BEGIN IMMEDIATE")
            execute("INSERT INTO ledger VALUES (?, ?)", (self._seq, _BODY))
            execute(
                "INSERT OR REPLACE INTO grants VALUES (?, 'withdrawn')",
                (self._seq % 1000,),
            )
            execute("INSERT INTO outbox VALUES (?, ?)", (self._seq, _BODY))
            execute("COMMIT")

    def close(self) -> None:
        self._connection.close()


def _timed(work: Callable[[], None]) -> tuple[float, float]:
    began, cpu = time.perf_counter(), time.process_time()
    work()
    return time.perf_counter() - began, time.process_time() - cpu


def _cell(acts: int, seconds: float, cpu_seconds: float) -> Cell:
    return Cell(answers=acts, seconds=seconds, cpu_seconds=cpu_seconds)


def _now() -> datetime:
    return datetime.now(UTC)
