"""What must hold for the pairs of a catalogue, and between them and the rest."""

from __future__ import annotations

from typing import TYPE_CHECKING

from permissions.catalogue.problems import Place
from permissions.catalogue.references import check_length, known, no_repeats
from permissions.catalogue.shape import ID, ID_RULE, shown

if TYPE_CHECKING:
    from permissions.catalogue.draft import Draft
    from permissions.catalogue.model import Pair
    from permissions.catalogue.problems import Problem

# What a pair for data leaves as it is.
_OF_DEVICES: tuple[tuple[str, object], ...] = (
    ("prefer", ""),
    ("level", "none"),
    ("needs_os_report", False),
    ("also_uses", {}),
)
# The gateway itself signs people in with this one.
_SIGN_IN = ("data.account", "sign_in", "sub")


def check_pairs(draft: Draft, problems: list[Problem]) -> None:
    """Hold that each pair joins things that exist, and says how it is asked."""
    capabilities = draft.capabilities()
    for capability in draft.names("pairs.toml") or ():
        known(
            capability,
            capabilities,
            Place(problems, "pairs.toml", (capability,)),
            "capability",
            "categories.toml or permissions.toml",
        )
    for pair in draft.pairs.values():
        place = Place(problems, "pairs.toml", (pair.capability, pair.purpose))
        known(
            pair.purpose,
            draft.names("purposes.toml"),
            place,
            "purpose",
            "purposes.toml",
        )
        known(
            pair.fallback,
            draft.names("fallbacks.toml"),
            place.at("fallback"),
            "fallback",
            "fallbacks.toml",
        )
        if pair.max_life is not None:
            check_length(pair.max_life, place.at("max_life"))
        for number, scene in enumerate(pair.scenes):
            if not ID.fullmatch(scene):
                place.at("scenes", number).wrong(
                    f"{shown(scene)} cannot be an id", ID_RULE
                )
        no_repeats(pair.scenes, place.at("scenes"))
        if pair.assessment:
            known(
                pair.assessment,
                draft.assessment_names(),
                place.at("assessment"),
                "assessment",
                "policy.toml",
            )
        if capabilities is not None and pair.capability not in capabilities:
            continue  # said above; what kind of pair it is, nobody can know
        if pair.capability.startswith("device."):
            _device_pair(pair, place)
        else:
            _data_pair(pair, draft, place)


def _device_pair(pair: Pair, place: Place) -> None:
    """Hold that a permission has no elements, and that there is a way to use it."""
    for key in ("elements", "basis", "required"):
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
    for key, unused in _OF_DEVICES:
        if getattr(pair, key) != unused:
            place.at(key).wrong(
                "data needs no permission of the phone",
                f"remove {key}: it is for device.*",
            )
    if not pair.elements:
        place.at("elements").wrong(
            "no element is named", "name what may be asked for this purpose"
        )
    no_repeats(pair.elements, place.at("elements"))
    category = pair.capability.removeprefix("data.")
    declared = draft.element_names(category)
    for number, element in enumerate(pair.elements):
        known(
            element,
            declared,
            place.at("elements", number),
            "element",
            f"{category} in categories.toml",
        )
    for number, element in enumerate(pair.required):
        if element not in pair.elements:
            place.at("required", number).wrong(
                f"the pair has no element {shown(element)}", "name one of its elements"
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


def check_sign_in(draft: Draft, problems: list[Problem]) -> None:
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
