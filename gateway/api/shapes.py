"""The shapes that requests and answers share; requests forbid unknown fields."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Literal

import msgspec
from msgspec import Meta

# The length stops what `$` lets through: a line break at the end.
SubjectId = Annotated[str, Meta(pattern="^sub_[a-z2-7]{26}$", max_length=30)]
ClientId = Annotated[str, Meta(pattern="^cli_[a-z2-7]{26}$", max_length=30)]
Name = Annotated[str, Meta(min_length=1, max_length=64)]
Reference = Annotated[str, Meta(min_length=1, max_length=128)]
Sha256 = Annotated[str, Meta(pattern="^[0-9a-f]{64}$", max_length=64)]
Instant = Annotated[datetime, Meta(tz=True)]


class Body(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A request body; what it does not know is an error."""


class Answer(msgspec.Struct, frozen=True, kw_only=True):
    """An answer's body."""


class Control(Body, frozen=True, kw_only=True):
    """The control a person touched: never one that was set before (R15)."""

    id: Name
    initial: Literal["unticked", "button"]
    action: Literal["tap", "tick"]


class Shown(Body, frozen=True, kw_only=True):
    """What was on the screen: the text by its SHA-256, when, and the control."""

    text: Sha256
    locale: Name
    shown_at: Instant
    control: Control


class Receipt(Answer, frozen=True, kw_only=True):
    """The record of one act: its place in the ledger and the hash of its entry."""

    id: str
    version: str
    entry_sha256: str
    act: str
    at: datetime


class ProblemDocument(Answer, frozen=True, kw_only=True):
    """An error (RFC 9457); ``code`` is stable, ``fix`` names the next step."""

    type: str
    title: str
    status: int
    detail: str
    code: str
    request_id: str
    fix: str | None = None
