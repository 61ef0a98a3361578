"""What must hold in and between the parts of a catalogue: one rule, one function."""

from __future__ import annotations

import re
from collections import Counter
from datetime import timedelta
from difflib import get_close_matches
from typing import TYPE_CHECKING

from permissions.catalogue.problems import Place
from permissions.catalogue.shape import ID, ID_RULE, shown
from permissions.catalogue.source import LOCALE, VERSION

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable

    from permissions.catalogue.draft import Draft
    from permissions.catalogue.model import Pair
    from permissions.catalogue.problems import Problem

_COUNTRY = re.compile(r"[A-Z]{2}")  # ISO 3166-1 alpha-2
_CALENDAR = re.compile(r"[a-z]{2}")
_EMAIL = re.compile(r"[^@\s]+@[^@\s]+")

# The product itself reads these, so a catalogue without them cannot run.
_NEEDED_CLOCKS = ("ask_again_after_refusal",)
_SIGN_IN = ("data.account", "sign_in", "sub")


def check(draft: Draft, problems: list[Problem]) -> None:
    """Note every broken rule; parts that could not be read are passed over."""
    for rule in (
        _operator,
        _policy,
        _purposes,
        _categories,
        _pairs,
        _sign_in,
        _sdks,
        _clocks,
    ):
        rule(draft, problems)


def _operator(draft: Draft, problems: list[Problem]) -> None:
    """Hold that the operator can be reached, and the policy names it alike."""
    operator, place = draft.operator, Place(problems, "operator.toml")
    if operator is None:
        return
    if not ID.fullmatch(operator.id):
        place.at("id").wrong(f"{shown(operator.id)} cannot be an id", ID_RULE)
    if not _COUNTRY.fullmatch(operator.region):
        place.at("region").wrong(
            f"{shown(operator.region)} is no country code",
            "use two capital letters, as in CN",
        )
    if not _EMAIL.fullmatch(operator.email):
        place.at("email").wrong(
            f"{shown(operator.email)} is no e-mail address",
            "write the address at which people reach you",
        )
    for locale, text in draft.text.items():
        contact = (operator.legal_name.get(locale, ""), operator.email, operator.phone)
        for said in contact:
            if said not in text:
                version = draft.header.version if draft.header else ""
                Place(problems, f"policy/{version}/policy.{locale}.md").wrong(
                    f"the text does not contain {shown(said)}",
                    "name the operator as operator.toml does (PIPL art. 17)",
                )


def _policy(draft: Draft, problems: list[Problem]) -> None:
    """Hold that the version and its languages can name folders and files."""
    header, place = draft.header, Place(problems, "policy.toml")
    if header is None:
        return
    if not VERSION.fullmatch(header.version):
        place.at("version").wrong(
            f"{shown(header.version)} cannot name a folder",
            "use letters, digits, dots and hyphens, as in 2023-04-07",
        )
    if not header.locales:
        place.at("locales").wrong("no language is listed", 'list them, as in ["zh-CN"]')
    for number, locale in enumerate(header.locales):
        if not LOCALE.fullmatch(locale):
            place.at("locales", number).wrong(
                f"{shown(locale)} is no language tag", "write it as in zh-CN or en"
            )
    _no_repeats(header.locales, place.at("locales"))
    if header.locales:
        _known(
            header.authoritative,
            header.locales,
            place.at("authoritative"),
            "language",
            "locales of policy.toml",
        )


def _purposes(draft: Draft, problems: list[Problem]) -> None:
    """Hold that each purpose serves a function that exists (R02)."""
    for purpose in draft.purposes.values():
        _known(
            purpose.function,
            draft.names("functions.toml"),
            Place(problems, "purposes.toml", (purpose.id, "function")),
            "function",
            "functions.toml",
        )


def _categories(draft: Draft, problems: list[Problem]) -> None:
    """Hold that each category has elements, and a time after which they go (G10)."""
    for category in draft.categories.values():
        place = Place(problems, "categories.toml", (category.id,))
        if category.retention <= timedelta(0):
            place.at("retention").wrong(
                "the time is not positive", 'write how long data stays, as in "P30D"'
            )
        if not category.elements:
            place.at("elements").wrong("no element is declared", "declare at least one")


def _pairs(draft: Draft, problems: list[Problem]) -> None:
    """Hold that each pair joins things that exist, and says how it is asked."""
    capabilities = _capabilities(draft)
    for capability in draft.names("pairs.toml") or ():
        _known(
            capability,
            capabilities,
            Place(problems, "pairs.toml", (capability,)),
            "capability",
            "categories.toml or permissions.toml",
        )
    for pair in draft.pairs.values():
        place = Place(problems, "pairs.toml", (pair.capability, pair.purpose))
        _known(
            pair.purpose,
            draft.names("purposes.toml"),
            place,
            "purpose",
            "purposes.toml",
        )
        _known(
            pair.fallback,
            draft.names("fallbacks.toml"),
            place.at("fallback"),
            "fallback",
            "fallbacks.toml",
        )
        if pair.max_life is not None and pair.max_life <= timedelta(0):
            place.at("max_life").wrong(
                "the time is not positive", "write a longer one, or remove the key"
            )
        for number, scene in enumerate(pair.scenes):
            if not ID.fullmatch(scene):
                place.at("scenes", number).wrong(
                    f"{shown(scene)} cannot be an id", ID_RULE
                )
        _no_repeats(pair.scenes, place.at("scenes"))
        if pair.capability.startswith("device."):
            _device_pair(pair, place)
        else:
            _data_pair(pair, draft, place)


def _capabilities(draft: Draft) -> frozenset[str] | None:
    categories = draft.names("categories.toml")
    permissions = draft.names("permissions.toml")
    if categories is None or permissions is None:
        return None
    return frozenset(
        {f"data.{name}" for name in categories}
        | {f"device.{name}" for name in permissions}
    )


def _device_pair(pair: Pair, place: Place) -> None:
    """Hold that a permission has no elements, and that there is a way to use it."""
    for key in ("elements", "basis"):
        if getattr(pair, key):
            place.at(key).wrong(
                "a permission of the phone has none", f"remove {key}: it is for data.*"
            )
    if pair.prefer and not ID.fullmatch(pair.prefer):
        place.at("prefer").wrong(f"{shown(pair.prefer)} cannot be an id", ID_RULE)
    if pair.level == "none" and (pair.needs_os_report or not pair.prefer):
        place.at("level").wrong(
            "the pair names no way to use the permission",
            "set level, or prefer a way that needs no permission",
        )


def _data_pair(pair: Pair, draft: Draft, place: Place) -> None:
    """Hold that data is named by element, and the sensitive asked apart (PIPL 29)."""
    for key, unused in (("prefer", ""), ("level", "none"), ("needs_os_report", False)):
        if getattr(pair, key) != unused:
            place.at(key).wrong(
                "data needs no permission of the phone",
                f"remove {key}: it is for device.*",
            )
    if not pair.elements:
        place.at("elements").wrong(
            "no element is named", "name what may be asked for this purpose"
        )
    _no_repeats(pair.elements, place.at("elements"))
    category = pair.capability.removeprefix("data.")
    declared = draft.element_names(category)
    for number, element in enumerate(pair.elements):
        _known(
            element,
            declared,
            place.at("elements", number),
            "element",
            f"{category} in categories.toml",
        )
    for element in pair.basis:
        if element != "*" and element not in pair.elements:
            place.at("basis", element).wrong(
                "the pair has no such element",
                'name an element of the pair, or "*" for all others',
            )
    if pair.separate != "none" or category not in draft.categories:
        return
    elements = draft.categories[category].elements
    sensitive = [
        name for name in pair.elements if name in elements and elements[name].sensitive
    ]
    if sensitive:
        place.at("separate").wrong(
            f"sensitive elements ({', '.join(sensitive)}) need a separate consent",
            'set separate = "sensitive" (PIPL art. 29)',
        )


def _sign_in(draft: Draft, problems: list[Problem]) -> None:
    """Hold that there is a pair with which a person can sign in (scope ``openid``)."""
    capability, purpose, element = _SIGN_IN
    pair = draft.pairs.get((capability, purpose))
    place = Place(problems, "pairs.toml", (capability, purpose))
    if pair is None:
        if draft.has_every_pair(capability):
            place.wrong("the pair is missing", "declare it: signing in needs it")
    elif element not in pair.elements:
        place.at("elements").wrong(
            f"{element!r} is missing", "add it: signing in names a person by it"
        )


def _sdks(draft: Draft, problems: list[Problem]) -> None:
    """Hold that an SDK has what its function needs, and no more (G3, R08, R76)."""
    for sdk in draft.sdks.values():
        place = Place(problems, "sdks.toml", (sdk.id,))
        _known(
            sdk.function,
            draft.names("functions.toml"),
            place.at("function"),
            "function",
            "functions.toml",
        )
        _known(
            sdk.purpose,
            draft.names("purposes.toml"),
            place.at("purpose"),
            "purpose",
            "purposes.toml",
        )
        purpose = draft.purposes.get(sdk.purpose)
        if purpose is not None and purpose.function != sdk.function:
            place.at("purpose").wrong(
                f"{sdk.purpose} belongs to the function {shown(purpose.function)}",
                f"use a purpose of {shown(sdk.function)}",
            )
        if not sdk.link.startswith("https://"):
            place.at("link").wrong(
                f"{shown(sdk.link)} is no https address", "link to the SDK's own page"
            )
        _no_repeats(sdk.holds, place.at("holds"))
        for number, held in enumerate(sdk.holds):
            _held(held, sdk.function, draft, place.at("holds", number))


def _held(held: str, function: str, draft: Draft, place: Place) -> None:
    capability, slash, element = held.partition("/")
    category = capability.removeprefix("data.")
    if not slash or category == capability:
        place.wrong(
            f"{shown(held)} names no element",
            "write it as in data.account/wechat_openid",
        )
        return
    before = len(place.problems)
    _known(capability, _capabilities(draft), place, "capability", "categories.toml")
    if len(place.problems) == before:
        declared = draft.element_names(category)
        _known(element, declared, place, "element", f"{category} in categories.toml")
    if len(place.problems) > before or not draft.has_every_pair(capability):
        return
    purposes = {
        purpose.id
        for purpose in draft.purposes.values()
        if purpose.function == function
    }
    if not any(
        pair.capability == capability
        and pair.purpose in purposes
        and element in pair.elements
        for pair in draft.pairs.values()
    ):
        place.wrong(
            f"no pair of the function {shown(function)} names {shown(held)}",
            "remove it, or declare the pair that needs it",
        )


def _clocks(draft: Draft, problems: list[Problem]) -> None:
    """Hold that deadlines can be counted, and those the gateway needs are there."""
    declared = draft.names("clocks.toml")
    for name in _NEEDED_CLOCKS:
        if declared is not None and name not in declared:
            Place(problems, "clocks.toml", (name,)).wrong(
                "the clock is missing", "add it: the gateway counts by it"
            )
    for clock in draft.clocks.values():
        place = Place(problems, "clocks.toml", (clock.rule_id,))
        if clock.duration < 0:
            place.at("duration").wrong("it is negative", "write 0 for at once, or more")
        if not _COUNTRY.fullmatch(clock.jurisdiction):
            place.at("jurisdiction").wrong(
                f"{shown(clock.jurisdiction)} is no country code",
                "use two capital letters, as in CN",
            )
        if clock.unit == "working_days" and not _CALENDAR.fullmatch(clock.calendar):
            place.at("calendar").wrong(
                f"{shown(clock.calendar)} names no calendar of working days",
                "name the country's, as in cn",
            )
        if clock.unit != "working_days" and clock.calendar != "none":
            place.at("calendar").wrong(
                f"{clock.unit} are counted without a calendar", 'write "none"'
            )


def _known(
    name: str, among: Collection[str] | None, place: Place, what: str, where: str
) -> None:
    """Note a name that is not declared; ``among`` is None where nobody can know."""
    if among is None or name in among:
        return
    close = get_close_matches(name, sorted(among), n=1)
    place.wrong(
        f"there is no {what} {shown(name)}",
        f"did you mean {close[0]}?" if close else f"declare it in {where}",
    )


def _no_repeats(names: Iterable[str], place: Place) -> None:
    for name, count in Counter(names).items():
        if count > 1:
            place.wrong(f"{shown(name)} is named {count} times", "name it once")
