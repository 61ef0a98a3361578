"""The schema, in SQLAlchemy Core; every table carries its ledger shard.

The shard is part of every unique key, so that one database can become many
without moving a rule; the few tables that are one for all shards are declared
reference tables, with ``info={"reference": True}``. Instants are integers,
microseconds since 1970 UTC: equal on every engine, ordered, and without a time zone
to lose.
"""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any, Final

import msgspec
from sqlalchemy import (
    BigInteger,
    Boolean,
    Column,
    Dialect,
    Index,
    Integer,
    LargeBinary,
    MetaData,
    Table,
    Text,
    TypeDecorator,
)

_EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)
_MICROSECOND: Final = timedelta(microseconds=1)


class Instant(TypeDecorator[datetime]):
    """An aware UTC datetime, stored as microseconds since 1970."""

    impl = BigInteger
    cache_ok = True

    def process_bind_param(
        self,
        value: datetime | None,
        dialect: Dialect,  # noqa: ARG002 - the same on every engine
    ) -> int | None:
        """Turn an aware datetime into microseconds; a naive one is an error."""
        return None if value is None else (value - _EPOCH) // _MICROSECOND

    def process_result_value(
        self,
        value: int | None,
        dialect: Dialect,  # noqa: ARG002 - the same on every engine
    ) -> datetime | None:
        """Turn microseconds back into an aware UTC datetime."""
        return None if value is None else _EPOCH + value * _MICROSECOND


class Json(TypeDecorator[Any]):
    """A plain value (dicts, lists, strings, numbers) as JSON text."""

    impl = Text
    cache_ok = True

    def process_bind_param(
        self,
        value: Any,  # noqa: ANN401 - the edge: any JSON value
        dialect: Dialect,  # noqa: ARG002 - the same on every engine
    ) -> str:
        """Encode with sorted keys, so that equal values are equal text."""
        return msgspec.json.encode(value, order="sorted").decode()

    def process_result_value(
        self,
        value: str | None,
        dialect: Dialect,  # noqa: ARG002 - the same on every engine
    ) -> Any:  # noqa: ANN401 - the edge: any JSON value
        """Decode; None stays None."""
        return None if value is None else msgspec.json.decode(value)


metadata = MetaData(
    naming_convention={
        "pk": "pk_%(table_name)s",
        "ix": "ix_%(table_name)s_%(column_0_N_name)s",
        "uq": "uq_%(table_name)s_%(column_0_N_name)s",
    }
)


def _shard() -> Column[int]:
    return Column("shard", Integer, primary_key=True, autoincrement=False)


def _key(name: str) -> Column[str]:
    return Column(name, Text, primary_key=True)


def _text(name: str, *, null: bool = False) -> Column[str]:
    return Column(name, Text, nullable=null)


def _at(name: str, *, null: bool = False) -> Column[datetime]:
    return Column(name, Instant, nullable=null)


def _json(name: str) -> Column[Any]:
    return Column(name, Json, nullable=False)


# --- the ledger ---------------------------------------------------------------

shard_heads = Table(
    "shard_heads",
    metadata,
    _shard(),
    Column("seq", BigInteger, nullable=False),
    Column("effect_seq", BigInteger, nullable=False),
    Column("sha256", LargeBinary, nullable=False),
)

ledger = Table(
    "ledger",
    metadata,
    _shard(),
    Column("seq", BigInteger, primary_key=True, autoincrement=False),
    _text("effect"),
    Column("prev_effect_seq", BigInteger, nullable=False),
    _text("owner_kind"),
    _text("owner"),
    _text("act"),
    _at("at"),
    Column("body", LargeBinary, nullable=False),
    Column("sha256", LargeBinary, nullable=False),
    Index(None, "shard", "owner", "seq"),
)

# --- the Merkle log: one for all shards -----------------------------------------

_REFERENCE: Final = {"reference": True}

log_head = Table(  # one row, locked by whoever sequences
    "log_head",
    metadata,
    Column("id", Integer, primary_key=True, autoincrement=False),
    _text("origin"),  # the log's name for ever, whatever the issuer becomes
    Column("size", BigInteger, nullable=False),
    _json("taken"),  # the last seq in the log, by shard
    info=_REFERENCE,
)

log_leaves = Table(
    "log_leaves",
    metadata,
    Column("position", BigInteger, primary_key=True, autoincrement=False),
    Column("shard", Integer, nullable=False),
    Column("seq", BigInteger, nullable=False),
    Column("sha256", LargeBinary, nullable=False),
    Index(None, "shard", "seq", unique=True),
    Index(None, "sha256"),
    info=_REFERENCE,
)

log_nodes = Table(  # complete subtrees above the leaves
    "log_nodes",
    metadata,
    # Level and position in one number: SQLite scans the table for a list of pairs.
    Column("number", BigInteger, primary_key=True, autoincrement=False),
    Column("sha256", LargeBinary, nullable=False),
    info=_REFERENCE,
)

checkpoints = Table(  # signed notes; one for each size, the first one for ever
    "checkpoints",
    metadata,
    Column("size", BigInteger, primary_key=True, autoincrement=False),
    _text("body"),
    info=_REFERENCE,
)

# --- state: the fold of the ledger ----------------------------------------------

subjects = Table(
    "subjects",
    metadata,
    _shard(),
    _key("id"),
    _at("since"),
    _text("notice_version", null=True),
    _at("notice_at", null=True),
    Column("seq", BigInteger, nullable=False),
)

grants = Table(
    "grants",
    metadata,
    _shard(),
    _key("id"),
    _text("subject"),
    _text("grant_set"),
    _text("client"),
    _text("capability"),
    _text("purpose"),
    _text("state"),
    _json("elements"),
    _text("policy_version"),
    _at("since"),
    _at("until", null=True),
    _at("expires_at", null=True),
    Column("one_time", Boolean, nullable=False),
    _json("records"),
    _text("scene", null=True),
    _text("receipt"),
    Column("seq", BigInteger, nullable=False),
    Index(None, "shard", "subject"),
)

grant_sets = Table(
    "grant_sets",
    metadata,
    _shard(),
    _key("id"),
    _text("subject"),
    _text("client"),
    _text("pairwise"),
    Column("acts", BigInteger, nullable=False),
    Index(None, "shard", "subject", "client", unique=True),
)

clients = Table(
    "clients",
    metadata,
    _shard(),
    _key("id"),
    _json("registration"),  # the whole Client; looked up by id alone
    Column("seq", BigInteger, nullable=False),
)

functions = Table(
    "functions",
    metadata,
    _shard(),
    _key("id"),
    Column("is_open", Boolean, nullable=False),
    Column("seq", BigInteger, nullable=False),
)

# --- what belongs to subjects beside their rights -----------------------------------

directory = Table(  # outside names of subjects: keyed hashes, in the hash's shard
    "directory",
    metadata,
    _shard(),
    _key("kind"),
    _key("value"),
    _text("subject"),
)

asks = Table(  # tickets; in the shard of their own id
    "asks",
    metadata,
    _shard(),
    _key("id"),
    _text("subject"),
    _text("client"),
    _text("capability"),
    _text("purpose"),
    _text("scene"),
    _text("device", null=True),
    _json("sha256"),  # of the text shown, by locale
    _text("policy_version"),
    _at("opened_at"),
    _at("expires_at"),
    _text("answer", null=True),
    _at("answered_at", null=True),
    Index(None, "subject", "client"),
)

data = Table(  # collected personal data; one row per record, "" for an object
    "data",
    metadata,
    _shard(),
    _key("subject"),
    _key("category"),
    _key("record"),
    _at("at"),
    _at("updated_at"),
    _json("elements"),
)

# --- the gateway's own rows: secrets only as SHA-256 of 256 random bits ------------

credentials = Table(
    "credentials",
    metadata,
    _shard(),
    _key("client"),
    _key("sha256"),
    _at("created_at"),
)

tokens = Table(
    "tokens",
    metadata,
    _shard(),
    _key("sha256"),
    _text("kind"),  # client, user, access
    _text("client"),
    _text("subject", null=True),
    _text("family", null=True),  # all tokens of one authorization
    _json("scope"),
    _text("grant_set", null=True),
    Column("epoch", BigInteger, nullable=False),
    Column("client_epoch", BigInteger, nullable=False),
    _json("rights"),  # elements by grant id
    _at("issued_at"),
    _at("expires_at"),
    _at("revoked_at", null=True),
)

token_families = Table(
    "token_families",
    metadata,
    _shard(),
    _key("id"),
    _text("client"),
    _at("revoked_at", null=True),
)

authorization_requests = Table(
    "authorization_requests",
    metadata,
    _shard(),
    _key("id"),
    _text("client"),
    _json("parameters"),
    _json("items"),
    _json("choices"),
    _text("browser", null=True),  # the web session's browser, from the first visit
    _text("nonce", null=True),  # SHA-256 of the form's single-use nonce
    _text("text_sha256", null=True),  # of everything the form showed
    _text("subject", null=True),
    _at("created_at"),
    _at("expires_at"),
    _at("completed_at", null=True),
    _text("outcome", null=True),  # the redirect that ended it
)

authorization_codes = Table(
    "authorization_codes",
    metadata,
    _shard(),
    _key("sha256"),
    _text("client"),
    _text("subject"),
    _text("request"),
    _text("family"),
    _text("redirect_uri"),
    _text("code_challenge"),
    _json("scope"),
    _json("details"),  # authorization_details as granted
    _text("grant_set"),
    Column("epoch", BigInteger, nullable=False),
    Column("client_epoch", BigInteger, nullable=False),
    _json("rights"),
    _at("expires_at"),
    _at("used_at", null=True),
)

web_sessions = Table(
    "web_sessions",
    metadata,
    _shard(),
    _key("sha256"),
    _text("browser"),  # stays when the id rotates; what a flow is bound to
    _text("locale", null=True),
    _text("subject", null=True),
    _text("authentication", null=True),
    _at("auth_time", null=True),
    _json("notice"),  # what was shown before log-in, or null
    _at("created_at"),
    _at("seen_at"),
    _at("expires_at"),
)

handovers = Table(
    "handovers",
    metadata,
    _shard(),
    _key("sha256"),
    _text("subject"),
    _text("client"),
    _at("expires_at"),
    _at("used_at", null=True),
)

login_attempts = Table(
    "login_attempts",
    metadata,
    _shard(),
    _key("sha256"),  # of the state
    _text("channel"),
    _text("app"),
    _text("browser"),  # the web session's browser
    _text("next"),
    _at("expires_at"),
    _at("used_at", null=True),
    _text("outcome", null=True),
)

idempotency = Table(
    "idempotency",
    metadata,
    _shard(),
    _key("principal"),
    _key("route"),
    _key("key"),
    _text("fingerprint"),
    Column("status", Integer, nullable=False),
    _text("answer"),
    _at("at"),
)
