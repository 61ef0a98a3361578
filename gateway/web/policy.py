"""What anybody may read: the policy, the list of SDKs, whom to write to."""

from __future__ import annotations

from functools import cache
from typing import Any, Final

from litestar import Request, get
from litestar.di import NamedDependency
from litestar.params import FromPath
from litestar.response import Redirect, Template
from markdown_it import MarkdownIt
from markupsafe import Markup

from gateway.problems import not_found
from gateway.services import Services
from gateway.web.pages import locale_of, page, redirect
from gateway.web.rights import elements_of
from gateway.web.sessions import WebSession
from permissions.catalogue.model import Catalogue, Element, Sdk
from permissions.store import rows

AnyRequest = Request[Any, Any, Any]

# CommonMark with tables; HTML in the source stays text, links must be harmless.
_markdown: Final = MarkdownIt("commonmark", {"html": False}).enable("table")


@cache
def rendered(text: str) -> Markup:
    """Return a policy's Markdown as HTML; anything like HTML in it is shown as text."""
    tokens = _markdown.parse(text)
    for token in tokens:
        if token.type == "table_open":
            token.attrSet("tabindex", "0")  # it may scroll, so a keyboard must reach it
    html = _markdown.renderer.render(tokens, _markdown.options, {})
    return Markup(html)  # noqa: S704 - html is disabled above


@get("/policy", include_in_schema=False)
async def show_policy(
    request: AnyRequest,
    services: NamedDependency[Services],
    visitor: NamedDependency[WebSession | None],
) -> Template:
    """Show the policy in force; nobody has to log in for it (R01)."""
    return _policy_page(request, services, visitor)


@get("/policy/versions/{version:str}", include_in_schema=False)
async def show_policy_version(
    version: FromPath[str],
    request: AnyRequest,
    services: NamedDependency[Services],
    visitor: NamedDependency[WebSession | None],
) -> Template:
    """Show one version under the address that stays its own (R70)."""
    if version != services.catalogue.policy.version:
        raise not_found()
    return _policy_page(request, services, visitor)


@get("/me/policy", include_in_schema=False)
async def show_own_policy() -> Redirect:
    """Lead to the policy; it says when this person was shown the notice."""
    return redirect("/policy")


@get("/sdks", include_in_schema=False)
async def show_sdks(
    request: AnyRequest,
    services: NamedDependency[Services],
    visitor: NamedDependency[WebSession | None],
) -> Template:
    """Show whose code is in the app and what it may hold (R76)."""
    catalogue = services.catalogue
    return page(
        request,
        services,
        visitor,
        "sdks.html",
        sdks=[
            (sdk, catalogue.purposes[sdk.purpose], held_by(sdk, catalogue))
            for sdk in catalogue.sdks.values()
        ],
    )


@get("/contact", include_in_schema=False)
async def show_contact(
    request: AnyRequest,
    services: NamedDependency[Services],
    visitor: NamedDependency[WebSession | None],
) -> Template:
    """Show who answers for the data, and who else to turn to (R73)."""
    return page(request, services, visitor, "contact.html")


def _policy_page(
    request: AnyRequest, services: Services, visitor: WebSession | None
) -> Template:
    policy = services.catalogue.policy
    subject = None if visitor is None else visitor.subject
    person = subject and services.store.near(lambda near: rows.subject(near, subject))
    return page(
        request,
        services,
        visitor,
        "policy.html",
        policy=policy,
        text=rendered(policy.text[locale_of(request, services, visitor)]),
        notice_at=person.notice_at if person else None,
    )


def held_by(sdk: Sdk, catalogue: Catalogue) -> list[Element]:
    """Return the elements that an SDK may hold."""
    found: list[Element] = []
    for name in sdk.holds:
        capability, _, element = name.partition("/")
        found.extend(elements_of(catalogue, capability, [element]))
    return found
