"""The form of the consent page: what it sends back, read strictly.

Whatever the page did not offer is refused whole; what a person left unclear is
asked once more, for neither a yes nor a no may be guessed.
"""

from __future__ import annotations

from typing import Any, Final

import msgspec
from litestar import Request

from gateway.oauth import forms
from gateway.oauth.completion import Taken
from gateway.oauth.errors import Refusal
from gateway.oauth.plan import Offer
from gateway.problems import Problem


def _(message: str) -> str:
    """Mark a message for translation; it is translated when shown."""
    return message


CHANGED: Final = _(
    "The text has changed since you opened this page. Nothing was stored; "
    "please read it again."
)
_NOTHING_TICKED: Final = _(
    "Nothing is ticked. Nothing was stored; tick what you want to allow, or press "
    "“Do not allow”."
)
_NO_YES_ABOVE: Final = _(
    "You ticked a detail, but not the yes above it. Nothing was stored; tick both, "
    "or neither."
)
_NO_DETAIL_TICKED: Final = _(
    "You said yes without ticking any detail. Nothing was stored; tick at least one "
    "detail, or leave the yes empty."
)


class Again(msgspec.Struct, frozen=True, kw_only=True):
    """A form that is to be shown once more, and why; nothing was done."""

    status: int
    error: str


class Form(msgspec.Struct, frozen=True, kw_only=True):
    """What the page sends back."""

    nonce: str
    csrf: str
    decision: str
    items: tuple[str, ...]
    elements: tuple[str, ...]


async def read(request: Request[Any, Any, Any]) -> Form:
    """Return what the page sent; raises Problem for a form of another shape."""
    try:
        sent = forms.pairs(await forms.read_body(request))
    except Refusal as refusal:
        raise Problem(
            refusal.status, "invalid_form", refusal.description, fix="reload_page"
        ) from None
    single = {"nonce", "csrf", "decision"}
    names = [name for name, _ in sent if name in single]
    several = {"item", "element"}
    if sorted(names) != sorted(single) or not all(
        name in single | several for name, _ in sent
    ):
        raise Problem(400, "invalid_form", "the form does not have its page's fields")
    values = dict(sent)
    return Form(
        nonce=values["nonce"],
        csrf=values["csrf"],
        decision=values["decision"],
        items=tuple(value for name, value in sent if name == "item"),
        elements=tuple(value for name, value in sent if name == "element"),
    )


def chosen(
    form: Form, offers: tuple[Offer, ...], *, may_be_empty: bool
) -> tuple[Taken, ...] | Again:
    """Return each offer with what was ticked; raises Problem for what was not offered.

    Allow without any tick is neither a yes nor a no: a refusal that nobody said would
    keep the page away for two days. ``may_be_empty`` says that something live is left
    to go on with, so that no tick means no more than that. A ticked item brings its
    required elements; one without any, and without a ticked element, says nothing; a
    ticked element of an item that is not ticked would be dropped in silence. All three
    are asked once more.
    """
    boxes = {str(index): offer for index, offer in enumerate(offers)}
    singles = {
        f"{index}:{name}"
        for index, offer in boxes.items()
        for name in offer.item.optional
    }
    if not set(boxes).issuperset(form.items) or not singles.issuperset(form.elements):
        raise not_offered()
    if not {name.partition(":")[0] for name in form.elements} <= set(form.items):
        return Again(status=422, error=_NO_YES_ABOVE)
    if not form.items and not may_be_empty:
        return Again(status=422, error=_NOTHING_TICKED)
    taken: list[Taken] = []
    for index, offer in boxes.items():
        elements: tuple[str, ...] = ()
        if index in form.items:
            elements = (
                *offer.item.required,
                *(
                    name
                    for name in offer.item.optional
                    if f"{index}:{name}" in form.elements
                ),
            )
            if not elements:
                return Again(status=422, error=_NO_DETAIL_TICKED)
        taken.append(Taken(offer=offer, elements=elements))
    return tuple(taken)


def not_offered() -> Problem:
    """Return the answer to a choice that the page did not have."""
    return Problem(
        422,
        "not_offered",
        "the form has a choice that was not offered; nothing was done",
        fix="reload_page",
    )
