"""The first-use notice: seen once, before anything else is decided (R01)."""

from __future__ import annotations

from datetime import datetime

from litestar import get, post
from litestar.di import NamedDependency
from litestar.params import JSONBody

from gateway.api.guards import person
from gateway.api.requests import problems
from gateway.api.shapes import Answer, Shown
from gateway.idempotency import Key, note
from gateway.principals import Principal
from gateway.services import Services
from permissions.acts import Actor, SeeNotice
from permissions.catalogue.model import Catalogue
from permissions.errors import SubjectUnknown
from permissions.evidence import Evidence
from permissions.state import Subject
from permissions.store.transaction import Transaction
from permissions.texts import sentence_sha256


class Notice(Answer, frozen=True, kw_only=True):
    """The notice in every locale, and whether this person has seen it."""

    policy_version: str
    seen: bool
    seen_at: datetime | None
    text: dict[str, str]
    sha256: dict[str, str]


def _view(catalogue: Catalogue, subject: Subject | None) -> Notice:
    if subject is None:
        raise SubjectUnknown
    text = catalogue.policy.notice
    return Notice(
        policy_version=catalogue.policy.version,
        seen=subject.notice_version is not None,
        seen_at=subject.notice_at,
        text=text,
        sha256={locale: sentence_sha256(words) for locale, words in text.items()},
    )


@get(
    "/v1/notice",
    guards=[person],
    security=[{"user": []}],
    summary="The first-use notice",
    tags=["user"],
    responses=problems(s404="not_found"),
)
async def get_notice(
    principal: NamedDependency[Principal], services: NamedDependency[Services]
) -> Notice:
    """Return the notice to show, with the hashes by which it is answered."""
    standing = await services.store.standing(principal.subject, principal.client.id)
    return _view(services.catalogue, standing.subject)


@post(
    "/v1/notice",
    status_code=200,
    guards=[person],
    security=[{"user": []}],
    summary="The first-use notice has been seen",
    tags=["user"],
    responses=problems(
        s404="not_found", s422="text_not_published or evidence_incomplete"
    ),
)
async def see_notice(
    data: JSONBody[Shown],
    principal: NamedDependency[Principal],
    services: NamedDependency[Services],
    key: NamedDependency[Key | None],
) -> Notice:
    """Record that the person saw the notice; doing it twice does it once."""
    catalogue = services.catalogue
    act = SeeNotice(
        actor=Actor(kind="subject", id=principal.subject),
        subject=principal.subject,
        evidence=evidence_of(data, "notice", catalogue.policy.version),
    )

    def work(transaction: Transaction) -> Notice:
        note(transaction, key)
        transaction.perform(act)
        return _view(catalogue, transaction.subject(principal.subject))

    return await services.store.write(work)


def evidence_of(shown: Shown, screen: str, policy_version: str) -> Evidence:
    """Return the evidence of what a person did on the app's own screen."""
    return Evidence(
        kind="app_rendered",
        screen=screen,
        text_sha256=shown.text,
        locale=shown.locale,
        control=shown.control.id,
        initial=shown.control.initial,
        channel="app",
        authentication="user_token",
        policy_version=policy_version,
        shown_at=shown.shown_at,
    )
