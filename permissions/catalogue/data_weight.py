"""How much a change of purposes, functions, data or recipients matters."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta
from typing import TYPE_CHECKING, Final

from permissions.catalogue import model
from permissions.catalogue.change import Part
from permissions.catalogue.weighed import (
    Both,
    Weigh,
    Weighed,
    Weights,
    added_in,
    asked,
    flag,
    kept_pairs,
    minor,
    parts_of,
    region_of,
    removed_in,
    words,
)

if TYPE_CHECKING:
    from permissions.catalogue.edits import Edit
    from permissions.catalogue.model import Pair, Sdk


def _whole_purpose(edit: Edit, _both: Both) -> Iterator[Weighed]:
    if edit.after is None:
        yield Weighed("minor", "nothing is used for this any more")
    else:
        yield Weighed("mode", "a new purpose")  # its pairs say who is asked


def _purpose_function(edit: Edit, both: Both) -> Iterator[Weighed]:
    parts = parts_of(kept_pairs(both, purpose=edit.path[0]))
    yield asked(parts, "used in another function of the app")


def _of_function(edit: Edit, both: Both) -> Iterator[Pair]:
    for pair in kept_pairs(both):
        purpose = both.new.purposes.get(pair.purpose)
        if purpose is not None and purpose.function == edit.path[0]:
            yield pair


def _function_kind(edit: Edit, both: Both) -> Iterator[Weighed]:
    if edit.after == "basic":
        parts = parts_of(_of_function(edit, both), rests=False)
        yield asked(parts, "can no longer be left out", "rights")
    else:
        yield Weighed("minor", "can be left out from now on")


def _needs(edit: Edit, both: Both) -> Iterator[Weighed]:
    for need in added_in(edit):
        capability, _, element = need.partition("/")
        pairs = (
            pair
            for pair in _of_function(edit, both)
            if pair.capability == capability and element in pair.elements
        )
        parts = parts_of(pairs, (element,), rests=False)
        yield asked(parts, "the function no longer works without it", "rights")
    if removed_in(edit):
        yield Weighed("minor", "the function works without it from now on")


def _shape(edit: Edit, both: Both) -> Iterator[Weighed]:
    parts = parts_of(kept_pairs(both, capability=f"data.{edit.path[0]}"))
    yield asked(parts, "kept in another form: one object, or a list of records")


def _retention(edit: Edit, both: Both) -> Iterator[Weighed]:
    before, after = edit.before, edit.after
    if (
        isinstance(before, timedelta)
        and isinstance(after, timedelta)
        and after < before
    ):
        yield Weighed("minor", "kept for a shorter time")
    else:
        parts = parts_of(kept_pairs(both, capability=f"data.{edit.path[0]}"))
        yield asked(parts, "kept for longer")


def _category_region(edit: Edit, both: Both) -> Iterator[Weighed]:
    was, is_ = region_of(edit.before, both.old), region_of(edit.after, both.new)
    if is_ in (was, both.new.operator.region):
        yield Weighed("minor", "rests no farther away")
    else:
        parts = parts_of(kept_pairs(both, capability=f"data.{edit.path[0]}"))
        yield asked(parts, f"rests in {is_} from now on")


def _element_type(edit: Edit, both: Both) -> Iterator[Weighed]:
    capability, element = f"data.{edit.path[0]}", edit.path[2]
    pairs = (
        pair
        for pair in kept_pairs(both, capability=capability)
        if element in pair.elements
    )
    yield asked(parts_of(pairs, (element,)), "another kind of information")


def _held_by(sdk: Sdk, holds: tuple[str, ...], both: Both) -> tuple[Part, ...]:
    """Return the pairs from which an SDK takes what it holds, with the elements."""
    parts: list[Part] = []
    for capability in dict.fromkeys(held.partition("/")[0] for held in holds):
        elements = tuple(
            held.partition("/")[2]
            for held in holds
            if held.startswith(f"{capability}/")
        )
        pair = both.new.pairs.get((capability, sdk.purpose))
        if pair is not None:
            parts += parts_of([pair], elements)
    return tuple(parts)


def _whole_sdk(edit: Edit, both: Both) -> Iterator[Weighed]:
    if edit.after is None:
        yield Weighed("minor", "receives nothing any more")
    else:
        sdk = both.new.sdks[edit.path[0]]
        yield asked(_held_by(sdk, sdk.holds, both), "a new recipient", "recipients")


def _recipient(meaning: str) -> Weigh:
    def weigh(edit: Edit, both: Both) -> Iterator[Weighed]:
        sdk = both.new.sdks[edit.path[0]]
        yield asked(_held_by(sdk, sdk.holds, both), meaning, "recipients")

    return weigh


def _holds(edit: Edit, both: Both) -> Iterator[Weighed]:
    if added := added_in(edit):
        parts = _held_by(both.new.sdks[edit.path[0]], added, both)
        yield asked(parts, "a recipient holds more", "recipients")
    if removed_in(edit):
        yield Weighed("minor", "a recipient holds less")


def _sdk_region(edit: Edit, both: Both) -> Iterator[Weighed]:
    was, is_ = region_of(edit.before, both.old), region_of(edit.after, both.new)
    if is_ in (was, both.new.operator.region):
        yield Weighed("minor", "a recipient takes it no farther away")
    else:
        yield from _recipient(f"a recipient takes it to {is_}")(edit, both)


_UNUSED: Final = minor("nothing is used by this alone; its pairs say what is")

DATA_WEIGHTS: Final[Weights] = {
    (model.Function, ""): _UNUSED,
    (model.Function, "kind"): _function_kind,
    (model.Function, "title"): words,
    (model.Function, "still_works"): words,
    (model.Function, "needs"): _needs,
    (model.Purpose, ""): _whole_purpose,
    (model.Purpose, "function"): _purpose_function,
    (model.Purpose, "title"): words,
    (model.Purpose, "text"): words,
    (model.Category, ""): _UNUSED,
    (model.Category, "title"): words,
    (model.Category, "shape"): _shape,
    (model.Category, "retention"): _retention,
    (model.Category, "region"): _category_region,
    (model.Element, ""): _UNUSED,
    (model.Element, "title"): words,
    (model.Element, "type"): _element_type,
    (model.Element, "sensitive"): flag(
        worse=False,
        if_worse=Weighed("mode", "no longer protected as sensitive"),
        if_better="protected as sensitive",
    ),
    (model.Element, "biometric"): flag(
        worse=False,
        if_worse=Weighed("mode", "no longer treated as biometric"),
        if_better="treated as biometric",
    ),
    (model.Permission, ""): _UNUSED,
    (model.Permission, "title"): words,
    (model.Permission, "levels"): minor(
        "what phones can allow; its pairs say how much"
    ),
    (model.Fallback, ""): _UNUSED,
    (model.Fallback, "text"): words,
    (model.Fallback, "without_biometrics"): flag(
        worse=False,
        if_worse=Weighed("rights", "no longer a way without biometrics"),
        if_better="a way without biometrics",
    ),
    (model.Sdk, ""): _whole_sdk,
    (model.Sdk, "name"): words,
    (model.Sdk, "company"): _recipient("another company receives it"),
    (model.Sdk, "purpose"): _recipient("a recipient has another purpose"),
    (model.Sdk, "function"): _recipient("a recipient serves another function"),
    (model.Sdk, "holds"): _holds,
    (model.Sdk, "link"): minor("another page about a recipient"),
    (model.Sdk, "region"): _sdk_region,
}
