"""The embedded store: one SQLite file, one writer thread, groups of acts per commit.

SQLite has one writer at a time, so there is exactly one: a thread that takes all
waiting units of work into one transaction, each behind a savepoint of its own, and
commits them with one fsync. Nobody is answered before that commit has returned and
the memory of what changed has been dropped.
"""

from __future__ import annotations

import asyncio
import fcntl
import os
import queue
import sqlite3
import threading
from collections.abc import Callable, Iterable
from datetime import datetime
from functools import partial
from pathlib import Path
from types import TracebackType
from typing import Any, Final, Generic, Self, TypeVar

from sqlalchemy import Connection, Engine, QueuePool, create_engine, event
from sqlalchemy.exc import SQLAlchemyError
from sqlalchemy.orm import Session

from permissions.acts import OwnerKind, SwitchFunction, effect_of, owner_of
from permissions.catalogue.model import Catalogue
from permissions.decision import Standing
from permissions.errors import StoreUnavailable, StoreUnusable
from permissions.ids import Random
from permissions.ledger import Entry
from permissions.standings import Standings
from permissions.state import Client, FunctionState, Owner
from permissions.store import rows
from permissions.store.schema import HEAD, migrate, revision
from permissions.store.transaction import Transaction

T = TypeVar("T")
Clock = Callable[[], datetime]

FILE: Final = "gateway.sqlite3"
LOCK: Final = "gateway.lock"
_GROUP: Final = 64  # units of work per commit; more only makes the first one wait


class SqliteStore:
    """The only authority of an embedded gateway: a SQLite file and its writer.

    Open it with `open_store`; use it in one event loop; `close` it. ``standings``
    is the memory that decisions are made from.
    """

    def __init__(
        self, folder: Path, catalogue: Catalogue, clock: Clock, random: Random
    ) -> None:
        self.catalogue = catalogue
        self.clock = clock
        self.random = random
        self.standings = Standings()
        self._folder = folder
        self._jobs: queue.SimpleQueue[_Job[Any] | None] = queue.SimpleQueue()
        self._closing = False
        self._lock = _take_lock(folder)
        self._writer = _engine(folder / FILE, begin="BEGIN IMMEDIATE")
        self._reader = _engine(folder / FILE, begin="BEGIN", read_only=True)
        try:
            _prepare(self._writer, folder / FILE)
            self._near = self._reader.connect()  # for reads within the loop
            with self._near.begin():
                self.standings.start(
                    ((shard, seq) for shard, seq, _ in rows.heads(self._near)),
                    rows.closed_functions(self._near),
                )
        except BaseException:
            self._reader.dispose()
            self._writer.dispose()
            self._lock.close()
            raise
        self._thread = threading.Thread(target=self._work, name="sqlite-writer")
        self._thread.start()

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        await self.close()

    @property
    def is_writable(self) -> bool:
        """Whether the writer still takes work."""
        return self._thread.is_alive() and not self._closing

    async def write(self, work: Callable[[Transaction], T]) -> T:
        """Run a unit of work in the writer thread; return once it is durable.

        ``work`` must not block on anything but the database, and may be run again
        when a neighbour spoils the group: only what it returns last counts. What it
        raises is raised here, and then nothing of it is written. Raises
        StoreUnavailable when the commit fails: nothing is acknowledged then.
        """
        if not self.is_writable:
            raise StoreUnavailable
        loop = asyncio.get_running_loop()
        job = _Job(work, loop.create_future(), loop)
        self._jobs.put(job)
        # A caller that goes away does not undo what is being committed.
        return await asyncio.shield(job.future)

    async def read(self, query: Callable[[Connection], T]) -> T:
        """Run a query that may be long (a list, an export) in a thread."""

        def run() -> T:
            with self._reader.begin() as connection:
                return query(connection)

        return await asyncio.to_thread(run)

    def near(self, query: Callable[[Connection], T]) -> T:
        """Run a query about one row or subject right here, in the event loop."""
        with self._near.begin():
            return query(self._near)

    async def standing(self, subject: str, client: str) -> Standing:
        """Return what a decision about these two needs, reading what is missing."""
        # Again, because a full memory may have given up one for the other.
        while True:
            try:
                return self.standings.standing(subject, client)
            except KeyError:
                for kind, name in self.standings.missing(subject, client):
                    state = self.near(partial(_owner, kind=kind, key=name))
                    self.standings.keep((kind, name), state)

    async def client(self, client: str) -> Client | None:
        """Return a client from memory, reading it when it is missing."""
        try:
            return self.standings.client(client)
        except KeyError:
            state = self.near(lambda near: rows.client(near, client))
            self.standings.keep(("client", client), state)
            return state

    async def close(self) -> None:
        """Finish what is queued, then close; safe to call twice."""
        if not self._closing:
            self._closing = True  # nothing may queue behind the end: who would run it
            self._jobs.put(None)
            await asyncio.to_thread(self._thread.join)
            self._near.close()
            self._reader.dispose()
            self._writer.dispose()
            self._lock.close()

    def _work(self) -> None:
        going = True
        while going:
            group: list[_Job[Any]] = []
            job = self._jobs.get()
            while job is not None:
                group.append(job)
                if len(group) == _GROUP or self._jobs.empty():
                    break
                job = self._jobs.get()
            going = job is not None
            if group:
                self._commit(group)

    def _commit(self, group: list[_Job[Any]]) -> None:
        entries: list[Entry] = []
        try:
            with self._writer.begin() as connection:
                for job in group:
                    entries += job.run(connection, self)
        except Exception as error:  # noqa: BLE001 - the writer outlives it, and tells
            if isinstance(error, _GroupLost) and len(group) > 1:
                for job in group:
                    self._commit([job])
                return
            entries.clear()
            for job in group:
                job.fail(error)
        loop = group[0].loop
        try:
            loop.call_soon_threadsafe(self._deliver, group, entries)
        except RuntimeError:
            # The loop is gone: nobody waits for these answers any more.
            return

    def _deliver(self, group: Iterable[_Job[Any]], entries: list[Entry]) -> None:
        """Forget what changed, and only then answer those who changed it."""
        for entry in entries:
            act = entry.act
            changed = None if effect_of(act) == "none" else owner_of(act)
            self.standings.acted(entry.shard, entry.seq, changed)
            if isinstance(act, SwitchFunction):
                self.standings.switched(
                    FunctionState(id=act.function, is_open=act.is_open, seq=entry.seq)
                )
        for job in group:
            job.deliver()


class _GroupLost(Exception):
    """SQLite has rolled back the whole group, neighbours included."""


class _Job(Generic[T]):
    """One unit of work on its way through the writer thread."""

    def __init__(
        self,
        work: Callable[[Transaction], T],
        future: asyncio.Future[T],
        loop: asyncio.AbstractEventLoop,
    ) -> None:
        self.work = work
        self.future = future
        self.loop = loop
        self._result: T | None = None
        self._error: BaseException | None = None

    def run(self, connection: Connection, store: SqliteStore) -> list[Entry]:
        """Run behind a savepoint; a bad neighbour rolls back alone."""
        self._error = None
        # A library may commit or roll back its session as it likes: this savepoint
        # decides what stays, and the COMMIT of the group whether it lasts.
        whole = connection.begin_nested()
        try:
            with Session(
                connection,
                join_transaction_mode="create_savepoint",
                expire_on_commit=False,
            ) as session:
                transaction = Transaction(
                    session, store.catalogue, store.clock(), store.random
                )
                self._result = self.work(transaction)
                session.commit()
            whole.commit()
        except BaseException as error:
            # On some errors (disk full) SQLite rolls everything back by itself.
            driver = connection.connection.dbapi_connection
            if driver is None or not driver.in_transaction:
                raise _GroupLost from error
            whole.rollback()
            self._error = error
            if isinstance(error, StopIteration):  # no future takes one
                self._error = RuntimeError("the work raised StopIteration")
                self._error.__cause__ = error
            return []
        return transaction.entries

    def fail(self, error: Exception) -> None:
        """Note that the commit of the whole group failed."""
        self._error = StoreUnavailable()
        self._error.__cause__ = error

    def deliver(self) -> None:
        """Answer the caller, in the event loop."""
        if self.future.cancelled():
            return
        if self._error is not None:
            self.future.set_exception(self._error)
        else:
            self.future.set_result(self._result)  # type: ignore[arg-type]


def open_store(
    folder: Path, *, catalogue: Catalogue, clock: Clock, random: Random
) -> SqliteStore:
    """Open (or make) the store in a folder and become its only writer.

    What it makes only its own user may read. Raises StoreUnusable when the folder
    cannot be written, is in use by another process, or holds a schema that this
    version does not know.
    """
    try:
        folder.mkdir(parents=True, exist_ok=True, mode=0o700)
        # A folder that was there may be open to others; SQLite gives its other
        # files the mode of this one.
        os.close(os.open(folder / FILE, os.O_RDWR | os.O_CREAT, 0o600))
    except OSError as error:
        raise StoreUnusable(str(folder), _reason(error)) from None
    return SqliteStore(folder, catalogue, clock, random)


def upgrade(folder: Path) -> tuple[str | None, str]:
    """Bring a folder's database to the current schema; return (before, after).

    Raises StoreUnusable as `open_store` does; a server must not be running on it.
    """
    if not (folder / FILE).is_file():
        raise StoreUnusable(str(folder), "there is no gateway database in this folder")
    with _take_lock(folder):
        engine = _engine(folder / FILE, begin="BEGIN IMMEDIATE")
        try:
            with engine.begin() as connection:
                before = revision(connection)
                migrate(connection)
        except SQLAlchemyError as error:
            raise StoreUnusable(
                str(folder / FILE), "is not a usable SQLite database"
            ) from error
        finally:
            engine.dispose()
    return before, HEAD


def read_only(folder: Path) -> Engine:
    """Open an existing store beside its writer, for reading alone."""
    if not (folder / FILE).is_file():
        raise StoreUnusable(str(folder), "there is no gateway database in this folder")
    return _engine(folder / FILE, begin="BEGIN", read_only=True)


def _owner(connection: Connection, *, kind: OwnerKind, key: str) -> Owner | None:
    return rows.owner(connection, kind, key)


def _reason(error: OSError) -> str:
    return (error.strerror or type(error).__name__).lower()


def _take_lock(folder: Path) -> Any:  # noqa: ANN401 - an open file of any kind
    try:
        lock = (folder / LOCK).open("w")
    except OSError as error:
        raise StoreUnusable(str(folder), _reason(error)) from None
    try:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError:
        lock.close()
        raise StoreUnusable(
            str(folder), "another process is using this data folder; stop it first"
        ) from None
    return lock


def _prepare(engine: Engine, path: Path) -> None:
    try:
        with engine.begin() as connection:
            found = revision(connection)
            if found is None:
                migrate(connection)
            elif found != HEAD:
                raise StoreUnusable(
                    str(path),
                    f"has schema {found}, this version needs {HEAD}; "
                    "run aseanbiz-gateway migrate",
                )
    except SQLAlchemyError as error:
        raise StoreUnusable(str(path), "is not a usable SQLite database") from error


def _engine(path: Path, *, begin: str, read_only: bool = False) -> Engine:
    def connect() -> sqlite3.Connection:
        mode = "ro" if read_only else "rwc"
        connection = sqlite3.connect(
            f"file:{path.absolute().as_posix()}?mode={mode}",
            uri=True,
            isolation_level=None,  # transactions begin where SQLAlchemy says
            check_same_thread=False,
            timeout=10,
        )
        if not read_only:
            connection.execute("PRAGMA journal_mode=WAL")
            connection.execute("PRAGMA synchronous=FULL")
        connection.execute("PRAGMA foreign_keys=ON")
        return connection

    engine = create_engine(
        "sqlite://", creator=connect, poolclass=QueuePool, hide_parameters=True
    )

    @event.listens_for(engine, "begin")
    def _begin(connection: Connection) -> None:
        connection.exec_driver_sql(begin)

    return engine
