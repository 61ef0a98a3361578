"""What must hold in and between the parts of a catalogue: one rule, one function."""

from __future__ import annotations

import re
from datetime import timedelta
from typing import TYPE_CHECKING

from permissions.catalogue.pair_rules import check_pairs, check_sign_in
from permissions.catalogue.problems import Place
from permissions.catalogue.references import LONGEST, check_length, known, no_repeats
from permissions.catalogue.shape import ID, ID_RULE, shown
from permissions.catalogue.source import LOCALE, VERSION

if TYPE_CHECKING:
    from permissions.catalogue.draft import Draft
    from permissions.catalogue.problems import Problem

_COUNTRY = re.compile(r"[A-Z]{2}")  # ISO 3166-1 alpha-2
_CALENDAR = re.compile(r"[a-z]{2}")
_EMAIL = re.compile(r"[^@\s]+@[^@\s]+")

_SECONDS = {
    "seconds": 1,
    "hours": 3600,
    "days": 86_400,
    "working_days": 86_400,
    "years": 31_557_600,
}

# The gateway itself counts by it, and without a calendar.
_ASK_AGAIN = "ask_again_after_refusal"


def check(draft: Draft, problems: list[Problem]) -> None:
    """Note every broken rule; parts that could not be read are passed over."""
    for rule in (
        _operator,
        _policy,
        _purposes,
        _categories,
        check_pairs,
        check_sign_in,
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
    _country(operator.region, place.at("region"))
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


def _country(code: str, place: Place) -> None:
    if not _COUNTRY.fullmatch(code):
        place.wrong(
            f"{shown(code)} is no country code", "use two capital letters, as in CN"
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
    no_repeats(header.locales, place.at("locales"))
    for right in header.rights.values():
        if right.clock:
            known(
                right.clock,
                draft.names("clocks.toml"),
                place.at("rights", right.id, "clock"),
                "clock",
                "clocks.toml",
            )
    if header.locales:
        known(
            header.authoritative,
            header.locales,
            place.at("authoritative"),
            "language",
            "locales of policy.toml",
        )


def _purposes(draft: Draft, problems: list[Problem]) -> None:
    """Hold that each purpose serves a function that exists (R02)."""
    for purpose in draft.purposes.values():
        known(
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
        check_length(category.retention, place.at("retention"))
        if category.retention % timedelta(days=1):
            place.at("retention").wrong(
                "the time is no whole number of days", 'write days, as in "P30D"'
            )
        if category.region:
            _country(category.region, place.at("region"))
        if not category.elements:
            place.at("elements").wrong("no element is declared", "declare at least one")


def _sdks(draft: Draft, problems: list[Problem]) -> None:
    """Hold that an SDK has what its function needs, and no more (G3, R08, R76)."""
    for sdk in draft.sdks.values():
        place = Place(problems, "sdks.toml", (sdk.id,))
        known(
            sdk.function,
            draft.names("functions.toml"),
            place.at("function"),
            "function",
            "functions.toml",
        )
        known(
            sdk.purpose,
            draft.names("purposes.toml"),
            place.at("purpose"),
            "purpose",
            "purposes.toml",
        )
        if not sdk.link.startswith("https://"):
            place.at("link").wrong(
                f"{shown(sdk.link)} is no https address", "link to the SDK's own page"
            )
        if sdk.region:
            _country(sdk.region, place.at("region"))
        no_repeats(sdk.holds, place.at("holds"))
        if sdk.function not in (draft.names("functions.toml") or ()):
            continue  # said above, or nobody can know; what it needs is open
        purpose = draft.purposes.get(sdk.purpose)
        if purpose is not None and purpose.function != sdk.function:
            place.at("purpose").wrong(
                f"{sdk.purpose} belongs to the function {shown(purpose.function)}",
                f"use a purpose of {shown(sdk.function)}",
            )
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
    declared = draft.element_names(category)
    of_category = f"{category} in categories.toml"
    if not (
        known(capability, draft.capabilities(), place, "capability", "categories.toml")
        and known(element, declared, place, "element", of_category)
    ):
        return
    purposes = draft.purposes_of(function)
    if purposes is None or not draft.has_every_pair(capability):
        return
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
    declared, place = draft.names("clocks.toml"), Place(problems, "clocks.toml")
    if declared is not None and _ASK_AGAIN not in declared:
        place.at(_ASK_AGAIN).wrong("the clock is missing", "add it: asks wait for it")
    ask_again = draft.clocks.get(_ASK_AGAIN)
    if ask_again is not None and ask_again.unit in ("working_days", "years"):
        place.at(_ASK_AGAIN, "unit").wrong(
            f"asks cannot wait for {ask_again.unit}", "use seconds, hours or days"
        )
    for clock in draft.clocks.values():
        place = Place(problems, "clocks.toml", (clock.rule_id,))
        if clock.duration < 0:
            place.at("duration").wrong("it is negative", "write 0 for at once, or more")
        if clock.duration * _SECONDS[clock.unit] > LONGEST.total_seconds():
            place.at("duration").wrong(
                "the time is longer than a century", "write a shorter one"
            )
        _country(clock.jurisdiction, place.at("jurisdiction"))
        if clock.unit == "working_days" and not _CALENDAR.fullmatch(clock.calendar):
            place.at("calendar").wrong(
                f"{shown(clock.calendar)} names no calendar of working days",
                "name the country's, as in cn",
            )
        if clock.unit != "working_days" and clock.calendar != "none":
            place.at("calendar").wrong(
                f"{clock.unit} are counted without a calendar", 'write "none"'
            )
