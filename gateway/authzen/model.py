"""AuthZEN's information model, and what it means here (AuthZEN 1.0 §5).

A subject of type ``user``, a resource of type ``capability`` and an action named
after a purpose make one question of ``POST /v1/check``. What is not named here is
ignored, as the standard demands of a receiver (§10.1.1).
"""

from __future__ import annotations

from typing import Annotated, Final

import msgspec
from msgspec import Meta

from gateway.api.check import Check
from gateway.api.shapes import ClientId, Name, Reference
from gateway.problems import Problem
from permissions.decision import Decision
from permissions.ids import is_id

# Judged here as well as in a check, since a search may have nothing to check.
Consistency = Annotated[
    str, Meta(pattern=r"^(lease|confirm|[0-9]{1,2}\.[0-9]{1,18})$", max_length=24)
]

USER: Final = "user"
CAPABILITY: Final = "capability"

# What an entity of a type unknown here becomes, so that the decision itself says no:
# an id that nobody draws (130 zero bits), and a name that no capability has.
_NOBODY: Final = "sub_" + "a" * 26
_NOTHING: Final = ""


class _Received(msgspec.Struct, frozen=True, kw_only=True):
    """A part of a request; fields it does not know are ignored."""


class Properties(_Received, frozen=True, kw_only=True):
    """Whatever the caller likes to add; no decision reads it."""


class Subject(_Received, frozen=True, kw_only=True):
    """Whose right is meant: ``user``, by the gateway's id of the subject."""

    type: str
    id: str
    properties: Properties = Properties()


class ResourceType(_Received, frozen=True, kw_only=True):
    """What is searched for: ``capability``; an id is ignored (§8.5.1)."""

    type: str
    properties: Properties = Properties()


class Resource(ResourceType, frozen=True, kw_only=True):
    """What would be used: ``capability``, such as ``device.camera``."""

    id: str


class Action(_Received, frozen=True, kw_only=True):
    """Why: the name of a purpose."""

    name: str
    properties: Properties = Properties()


class Context(_Received, frozen=True, kw_only=True):
    """The rest of a question; ``client`` is the caller unless another is named."""

    client: ClientId | None = None
    device: Reference | None = None
    scene: Name | None = None
    consistency: Consistency = "lease"


class Evaluation(_Received, frozen=True, kw_only=True):
    """One question (§6.1)."""

    subject: Subject
    resource: Resource
    action: Action
    context: Context = Context()


class Error(msgspec.Struct, frozen=True, kw_only=True):
    """What would have been the answer to one evaluation, had it come alone."""

    status: int
    code: str
    message: str


class Undecided(
    msgspec.Struct, frozen=True, kw_only=True, tag_field="effect", tag="undecided"
):
    """Why one evaluation of a list came to no decision, which is a no (§7.2.1)."""

    error: Error


class Evaluated(msgspec.Struct, frozen=True, kw_only=True):
    """One answer (§6.2): true for allow alone; ``context`` is the whole decision."""

    decision: bool
    context: Decision | Undecided


def check_of(asked: Evaluation, place: str = "") -> Check:
    """Return the question of ``POST /v1/check`` that an evaluation asks.

    ``place`` is the path of the evaluation in the body, such as ``evaluations[2]``.
    Raises Problem for a user's id that is none.
    """
    capability = asked.resource.id if asked.resource.type == CAPABILITY else _NOTHING
    return Check(
        subject=subject_of(asked.subject, place),
        capability=capability,
        purpose=asked.action.name,
        client=asked.context.client,
        device=asked.context.device,
        scene=asked.context.scene,
        consistency=asked.context.consistency,
    )


def subject_of(subject: Subject, place: str = "") -> str:
    """Return a subject's id; raises Problem for a user's id that is none."""
    if subject.type != USER:
        return _NOBODY
    if not is_id("sub", subject.id):
        path = f"{place}.subject.id" if place else "subject.id"
        raise Problem(
            400,
            "invalid_request",
            f"{path}: expected the id that the gateway gave the subject, sub_…",
            extra={"field": path},
        )
    return subject.id
