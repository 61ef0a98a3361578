"""What a pair owes before it may be published: least data, a way out, a reason."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import TYPE_CHECKING, Final

from permissions.catalogue.finding import Flaw, Rule, place_of
from permissions.catalogue.model import Category, Permission

if TYPE_CHECKING:
    from permissions.catalogue.model import Catalogue, Element, Function, Level, Pair

LEVELS: Final[tuple[Level, ...]] = ("none", "write_only", "limited", "full")

# Names by which a biometric element, or a recording with sound, gives itself away
# though nobody declared it. Only hints: they can demand a declaration, never lift one.
_BIOMETRIC: Final = frozenset(
    {"face", "fingerprint", "iris", "retina", "voiceprint", "palmprint", "gait"}
)
_RECORDING: Final = frozenset({"video", "record", "recording", "film", "livestream"})
_RECORDS: Final = re.compile(r"\bvideos?\b|视频|录像|录制", re.IGNORECASE)
_AT_START: Final = frozenset(
    {"start", "app_start", "cold_start", "launch", "app_launch", "splash"}
)


def _place(pair: Pair, *path: str | int) -> str:
    return place_of("pairs.toml", pair.capability, pair.purpose, *path)


def _elements(pair: Pair, catalogue: Catalogue) -> Iterator[Element]:
    category = catalogue.capabilities.get(pair.capability)
    if isinstance(category, Category):
        for name in pair.elements:
            if name in category.elements:
                yield category.elements[name]


def _function(pair: Pair, catalogue: Catalogue) -> Function | None:
    purpose = catalogue.purposes.get(pair.purpose)
    return None if purpose is None else catalogue.functions.get(purpose.function)


def _biometric_undeclared(catalogue: Catalogue) -> Iterator[Flaw]:
    for category in catalogue.categories.values():
        for element in category.elements.values():
            place = place_of("categories.toml", category.id, "elements", element.id)
            if element.biometric and not element.sensitive:
                yield Flaw(
                    place, "biometric, but not sensitive", "set sensitive = true"
                )
            looks = not _BIOMETRIC.isdisjoint(element.id.split("_"))
            if looks and element.sensitive and not element.biometric:
                yield Flaw(
                    place,
                    "it looks biometric and is not declared so",
                    "set biometric = true, or give it a name that says what it is",
                )


def _no_alternative(catalogue: Catalogue) -> Iterator[Flaw]:
    for pair in catalogue.pairs.values():
        if not any(element.biometric for element in _elements(pair, catalogue)):
            continue
        fallback = catalogue.fallbacks.get(pair.fallback)
        if fallback is None or not fallback.without_biometrics:
            yield Flaw(
                _place(pair, "fallback"),
                f"{pair.fallback} is not declared as a way without biometrics",
                "offer one, and set without_biometrics = true in fallbacks.toml",
            )
        if pair.required:
            yield Flaw(
                _place(pair, "required"),
                "a biometric check would be the only way",
                "remove required",
            )


def _biometric_bundled(catalogue: Catalogue) -> Iterator[Flaw]:
    for pair in catalogue.pairs.values():
        biometric = any(element.biometric for element in _elements(pair, catalogue))
        if biometric and len(pair.elements) > 1:
            yield Flaw(
                _place(pair, "elements"),
                "a biometric check is asked together with something else",
                "declare a pair and a purpose of its own",
            )


def _biometric_lasting(catalogue: Catalogue) -> Iterator[Flaw]:
    for pair in catalogue.pairs.values():
        biometric = any(element.biometric for element in _elements(pair, catalogue))
        if biometric and not pair.one_time:
            yield Flaw(
                _place(pair, "one_time"),
                "a yes to a biometric check would last",
                "set one_time = true, unless it has to",
            )


def _records_sound(pair: Pair, catalogue: Catalogue) -> bool:
    """Say whether a camera pair records, by its purpose or by what people are told."""
    if pair.capability != "device.camera":
        return False
    purpose = catalogue.purposes.get(pair.purpose)
    told = [pair.question] + ([] if purpose is None else [purpose.title, purpose.text])
    return not _RECORDING.isdisjoint(pair.purpose.split("_")) or any(
        _RECORDS.search(words) for text in told for words in text.values()
    )


def _microphone(catalogue: Catalogue) -> Iterator[Flaw]:
    for pair in catalogue.pairs.values():
        if _records_sound(pair, catalogue) and "microphone" not in pair.also_uses:
            yield Flaw(
                _place(pair, "also_uses"),
                "a video takes sound, and the microphone is not declared",
                "set also_uses.microphone to the words of the policy",
            )


def _not_told(catalogue: Catalogue) -> Iterator[Flaw]:
    for pair in catalogue.pairs.values():
        for also, words in pair.also_uses.items():
            for locale in catalogue.locales:
                said = words.get(locale, "").strip().casefold()
                told = (catalogue.policy.text, pair.question)
                if not said or any(
                    said not in text.get(locale, "").casefold() for text in told
                ):
                    yield Flaw(
                        _place(pair, "also_uses", also, locale),
                        f"policy and question do not both name it in {locale}",
                        "say it in both, in these words",
                    )


def _needed(catalogue: Catalogue) -> Iterator[Flaw]:
    """Hold that a basic function demands no more than it needs (R09, PIPL art. 16)."""
    for pair in catalogue.pairs.values():
        function = _function(pair, catalogue)
        if function is None or function.kind != "basic":
            continue
        for element in pair.elements:
            if f"{pair.capability}/{element}" in function.needs:
                continue
            if element in pair.required:
                key, reason = "required", "required of a person"
            elif pair.basis_of(element) == "contract":
                key, reason = (
                    "basis",
                    "used without asking, as if needed for the contract",
                )
            else:
                continue
            yield Flaw(
                _place(pair, key),
                f"{element} is {reason}, but {function.id} does not need it",
                "ask for consent, or name it among the needs of the function",
            )


def _needs_unknown(catalogue: Catalogue) -> Iterator[Flaw]:
    declared = {
        (purpose.function, f"{pair.capability}/{element}")
        for pair in catalogue.pairs.values()
        if (purpose := catalogue.purposes.get(pair.purpose)) is not None
        for element in pair.elements
    }
    for function in catalogue.functions.values():
        for number, need in enumerate(function.needs):
            if (function.id, need) not in declared:
                yield Flaw(
                    place_of("functions.toml", function.id, "needs", number),
                    f"no pair of the function names {need}",
                    "remove it, or declare the pair that uses it",
                )


def _assessed(catalogue: Catalogue) -> Iterator[Flaw]:
    for pair in catalogue.pairs.values():
        apart = pair.separate != "none"
        if pair.assessment in catalogue.policy.assessments:
            continue
        if apart or any(element.sensitive for element in _elements(pair, catalogue)):
            yield Flaw(
                _place(pair, "assessment"),
                "no impact assessment stands behind it",
                "assess it, add the result to policy.toml, and name it here",
            )


def _approved(catalogue: Catalogue) -> Iterator[Flaw]:
    for pair in catalogue.pairs.values():
        if all(pair.basis_of(element) == "consent" for element in pair.elements):
            continue
        if not pair.basis_approved_by.strip() or pair.basis_approved_on is None:
            yield Flaw(
                _place(pair, "basis"),
                "no officer has approved to go without consent",
                "set basis_approved_by and basis_approved_on",
            )
        elif pair.basis_approved_on > catalogue.policy.effective_on:
            yield Flaw(
                _place(pair, "basis_approved_on"),
                "the approval is later than the version that rests on it",
                "let the officer approve before the version is in force",
            )


def _full(catalogue: Catalogue) -> Iterator[Flaw]:
    for pair in catalogue.pairs.values():
        item = catalogue.capabilities.get(pair.capability)
        if isinstance(item, Permission) and pair.prefer and pair.level == "full":
            less = [level for level in item.levels if level not in ("none", "full")]
            if less:
                yield Flaw(
                    _place(pair, "level"),
                    f"full, though {pair.prefer} suffices and phones know less",
                    f"use {less[-1]}",
                )


def _no_picker(catalogue: Catalogue) -> Iterator[Flaw]:
    for pair in catalogue.pairs.values():
        item = catalogue.capabilities.get(pair.capability)
        if isinstance(item, Permission) and not pair.prefer:
            yield Flaw(
                _place(pair, "prefer"),
                "there is no way without the permission",
                "prefer a picker or the system's own app, where there is one",
            )


def _in_context(catalogue: Catalogue) -> Iterator[Flaw]:
    for pair in catalogue.pairs.values():
        for number, scene in enumerate(pair.scenes):
            if scene in _AT_START:
                yield Flaw(
                    _place(pair, "scenes", number),
                    "asked when the app starts, not when it is needed",
                    "ask where the person uses the function",
                )


def _any_scene(catalogue: Catalogue) -> Iterator[Flaw]:
    for pair in catalogue.pairs.values():
        if pair.capability.startswith("device.") and not pair.scenes:
            yield Flaw(
                _place(pair, "scenes"),
                "the permission may be asked for anywhere",
                "name the places in the app that may ask",
            )


def _changed_later(catalogue: Catalogue) -> Iterator[Flaw]:
    for pair in catalogue.pairs.values():
        if pair.changed_in > catalogue.policy.version:
            yield Flaw(
                _place(pair, "changed_in"),
                "changed in a version later than this one: no yes would ever count",
                f"write {catalogue.policy.version}, or an earlier version",
            )


PAIR_RULES: Final = (
    Rule("biometric_undeclared", "blocker", "R16", _biometric_undeclared),
    Rule("biometric_without_alternative", "blocker", "R16", _no_alternative),
    Rule("biometric_bundled", "blocker", "R13", _biometric_bundled),
    Rule("microphone_undeclared", "blocker", "R22", _microphone),
    Rule("also_used_not_told", "blocker", "R22", _not_told),
    Rule("not_needed_required", "blocker", "R09", _needed),
    Rule("need_without_pair", "blocker", "R09", _needs_unknown),
    Rule("assessment_missing", "blocker", "R69", _assessed),
    Rule("basis_not_approved", "blocker", "G12", _approved),
    Rule("full_where_picker_suffices", "blocker", "R21", _full),
    Rule("asked_at_start", "blocker", "R25", _in_context),
    Rule("changed_in_future", "blocker", "R71", _changed_later),
    Rule("biometric_lasting", "warning", "R13", _biometric_lasting),
    Rule("no_way_without_permission", "warning", "R24", _no_picker),
    Rule("asked_anywhere", "warning", "R25", _any_scene),
)
