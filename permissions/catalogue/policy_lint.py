"""What operator, policy, functions and clocks owe before they may be published."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from datetime import timedelta
from typing import TYPE_CHECKING, Final

from permissions.catalogue.finding import Flaw, Rule, place_of

if TYPE_CHECKING:
    from permissions.catalogue.model import Catalogue, Text

# PIPL art. 44-48, and what the policy promises beside (R55-R64).
_RIGHTS: Final = (
    "access", "copy", "portability", "correction", "deletion", "withdrawal",
    "cancellation", "explanation",
)  # fmt: skip
_GUARDIAN_UNDER: Final = 14  # PIPL art. 31
_MARKS: Final = "#*->_ \t"  # what Markdown writes before the first word of a line
_QUIET_HOURS: Final = timedelta(hours=48)  # shops reject an app that asks earlier

# Ways to say "then leave". A language that is not here is not judged.
_LEAVING: Final = re.compile(
    r"退出(本?应用|程序)|(无法|不能|停止)(继续)?使用(本?应用|本?软件|任何功能)"
    r"|关闭(本?应用|程序)|卸载"
    r"|\b(exit|quit|leave|close|uninstall)( from)? (the|this|our) app\b"
    r"|\b(cannot|can't|can not|may not) (continue to )?use (the|this|our) app\b"
    r"|^\s*(退出|exit|quit)\s*[.。!！]?\s*$",
    re.IGNORECASE,
)
_LEAVING_IDS: Final = frozenset({"exit", "quit", "leave", "close_app", "uninstall"})


def opens_a_line(words: str, text: str) -> bool:
    """Say whether a line of a Markdown text begins with these words."""
    return any(line.lstrip(_MARKS).startswith(words) for line in text.splitlines())


def says_leave(text: Text) -> bool:
    """Say whether a text tells people to leave the app, in a language known here."""
    return any(_LEAVING.search(words) for words in text.values())


def _section(id_: str) -> Callable[[Catalogue], Iterator[Flaw]]:
    """Return a rule: the policy has this section, in every language."""

    def flaws(catalogue: Catalogue) -> Iterator[Flaw]:
        section = catalogue.policy.sections.get(id_)
        place = place_of("policy.toml", "sections", id_)
        if section is None:
            yield Flaw(
                place,
                "the policy is not known to have this section",
                "write it, and name here the words with which it opens",
            )
            return
        for locale in catalogue.locales:
            words = section.opens.get(locale, "")
            text = catalogue.policy.text.get(locale, "")
            if not words.strip() or not opens_a_line(words, text):
                yield Flaw(
                    f"{place}.opens.{locale}",
                    f"no line of the {locale} policy opens with these words",
                    "write the section, or correct the words",
                )

    return flaws


def _retention(catalogue: Catalogue) -> Iterator[Flaw]:
    for category in catalogue.categories.values():
        if category.retention <= timedelta(0):
            yield Flaw(
                place_of("categories.toml", category.id, "retention"),
                "nothing says how long this is kept",
                "set the days after which it goes",
            )


def _blank(text: Text, catalogue: Catalogue) -> bool:
    return any(not text.get(locale, "").strip() for locale in catalogue.locales)


def _officer(catalogue: Catalogue) -> Iterator[Flaw]:
    if _blank(catalogue.operator.officer, catalogue):
        yield Flaw(
            place_of("operator.toml", "officer"),
            "nobody is named who answers for personal information",
            "name the officer in every language",
        )


def _contact(catalogue: Catalogue) -> Iterator[Flaw]:
    operator = catalogue.operator
    for key, said in (("email", operator.email), ("phone", operator.phone)):
        if not said.strip():
            yield Flaw(
                place_of("operator.toml", key),
                "people cannot reach the operator",
                f"set {key}",
            )


def _complaint(catalogue: Catalogue) -> Iterator[Flaw]:
    if _blank(catalogue.operator.complaint, catalogue):
        yield Flaw(
            place_of("operator.toml", "complaint"),
            "nothing says where to turn beyond the operator",
            "name the consumer body, the authorities and the court",
        )
    yield from _section("complaints")(catalogue)


def _minors(catalogue: Catalogue) -> Iterator[Flaw]:
    age = catalogue.policy.guardian_under
    if age < _GUARDIAN_UNDER:
        yield Flaw(
            place_of("policy.toml", "guardian_under"),
            f"a child of {age} would answer alone",
            f"set {_GUARDIAN_UNDER} or more: below it a guardian consents",
        )
    yield from _section("minors")(catalogue)


def _rights(catalogue: Catalogue) -> Iterator[Flaw]:
    for right in _RIGHTS:
        declared = catalogue.policy.rights.get(right)
        if declared is None or not declared.route.strip():
            yield Flaw(
                place_of("policy.toml", "rights", right),
                "the right has no place where people use it",
                "declare it with its route",
            )


def _languages(catalogue: Catalogue) -> Iterator[Flaw]:
    if catalogue.operator.region == "CN" and "zh-CN" not in catalogue.locales:
        yield Flaw(
            place_of("policy.toml", "locales"),
            "there is no Simplified Chinese version",
            "add zh-CN",
        )


def _exits(catalogue: Catalogue) -> Iterator[Flaw]:
    for function in catalogue.functions.values():
        if says_leave(function.still_works):
            yield Flaw(
                place_of("functions.toml", function.id, "still_works"),
                "a no would cost the whole app",
                "say what still works without the function",
            )
    for fallback in catalogue.fallbacks.values():
        if fallback.id in _LEAVING_IDS or says_leave(fallback.text):
            yield Flaw(
                place_of("fallbacks.toml", fallback.id),
                "leaving is no way to go on",
                "offer something that works without the permission or the data",
            )


def _purposes(catalogue: Catalogue) -> Iterator[Flaw]:
    used = {pair.purpose for pair in catalogue.pairs.values()}
    for purpose in catalogue.purposes:
        if purpose not in used:
            yield Flaw(
                place_of("purposes.toml", purpose),
                "nothing may be used for this purpose",
                "declare a pair, or remove the purpose",
            )


def _quiet(catalogue: Catalogue) -> Iterator[Flaw]:
    clock = catalogue.clocks.get("ask_again_after_refusal")
    seconds = {"seconds": 1, "hours": 3600, "days": 86_400}
    if clock is None or (
        clock.unit in seconds
        and clock.duration * seconds[clock.unit] < _QUIET_HOURS.total_seconds()
    ):
        yield Flaw(
            place_of("clocks.toml", "ask_again_after_refusal"),
            "people would be asked again within 48 hours of a no",
            "set 48 hours or more",
        )


POLICY_RULES: Final = (
    Rule("retention_missing", "blocker", "G10", _retention),
    Rule("retention_not_told", "blocker", "G10", _section("retention")),
    Rule("officer_missing", "blocker", "G10", _officer),
    Rule("contact_missing", "blocker", "R72", _contact),
    Rule("complaint_missing", "blocker", "R73", _complaint),
    Rule("minors_rule_missing", "blocker", "G7", _minors),
    Rule(
        "automated_decisions_missing",
        "blocker",
        "G10",
        _section("automated_decisions"),
    ),
    Rule("portability_missing", "blocker", "G10", _section("portability")),
    Rule("right_missing", "blocker", "R61", _rights),
    Rule("chinese_missing", "blocker", "G11", _languages),
    Rule("refusal_means_exit", "blocker", "R10", _exits),
    Rule("purpose_without_pair", "blocker", "R02", _purposes),
    Rule("asks_too_soon", "warning", "R26", _quiet),
)
