"""How much a change of a pair matters: what may be used for what, and how."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta
from typing import TYPE_CHECKING, Final

from permissions.catalogue import model
from permissions.catalogue.change import Kind
from permissions.catalogue.weighed import (
    Both,
    Weighed,
    Weights,
    added_in,
    asked,
    is_high,
    minor,
    parts_of,
    removed_in,
    words,
)

if TYPE_CHECKING:
    from permissions.catalogue.edits import Edit

_WHOLE: Final = "*"  # what a capability without elements is judged by
_LEVELS: Final = ("none", "write_only", "limited", "full")


def _pair(
    edit: Edit,
    both: Both,
    meaning: str,
    elements: tuple[str, ...] = (),
    *,
    rests: bool = True,
    kind: Kind = "mode",
) -> Weighed:
    pair = both.new.pairs[edit.path[0], edit.path[1]]
    return asked(parts_of([pair], elements, rests=rests), meaning, kind)


def _whole_pair(edit: Edit, both: Both) -> Iterator[Weighed]:
    if edit.after is None:
        yield Weighed("minor", "no longer used for this purpose")
    else:
        # A yes from before an earlier removal does not come back to life.
        yield _pair(edit, both, "used for this purpose from now on")


def _pair_elements(edit: Edit, both: Both) -> Iterator[Weighed]:
    if added := added_in(edit):
        yield _pair(edit, both, "more is used", added, rests=False)
    if removed_in(edit):
        yield Weighed("minor", "less is used")


def _basis(edit: Edit, both: Both) -> Iterator[Weighed]:
    key = (edit.path[0], edit.path[1])
    before, after = both.old.pairs[key], both.new.pairs[key]
    shared = [name for name in after.elements if name in before.elements]
    moved = [
        (element, before.basis_of(element), after.basis_of(element))
        for element in shared or [_WHOLE]
    ]
    freed = tuple(name for name, was, is_ in moved if was == "consent" != is_)
    if freed:
        yield _pair(edit, both, "used without a yes", freed, rests=False)
    if any(was != is_ and "consent" not in (was, is_) for _, was, is_ in moved):
        yield Weighed("mode", "used on another ground")
    if any(was != "consent" == is_ for _, was, is_ in moved):
        yield Weighed("minor", "asked for from now on")


def _separate(edit: Edit, both: Both) -> Iterator[Weighed]:
    if edit.after == "none":
        yield Weighed("mode", "no longer asked on a screen of its own")
    else:
        yield _pair(edit, both, "an earlier yes was not given to this alone")


def _one_time(edit: Edit, both: Both) -> Iterator[Weighed]:
    if edit.after:
        yield Weighed("minor", "a yes counts once from now on")
    else:
        yield _pair(edit, both, "a yes lasts from now on", rests=False)


def _max_life(edit: Edit, both: Both) -> Iterator[Weighed]:
    before, after = edit.before, edit.after
    longer = after is None or (
        isinstance(before, timedelta)
        and isinstance(after, timedelta)
        and after > before
    )
    if longer:
        yield _pair(edit, both, "a yes lasts longer", rests=False)
    else:
        yield Weighed("minor", "a yes ends earlier")


def _prefer(edit: Edit, both: Both) -> Iterator[Weighed]:
    if edit.after:
        yield Weighed("minor", "another way without the permission", review=True)
    else:
        yield _pair(edit, both, "the way without the permission is gone")


def _level(edit: Edit, both: Both) -> Iterator[Weighed]:
    if _LEVELS.index(str(edit.after)) > _LEVELS.index(str(edit.before)):
        yield _pair(edit, both, "more of the phone is opened")
    else:
        yield Weighed("minor", "less of the phone is opened")


def _os_report(edit: Edit, both: Both) -> Iterator[Weighed]:
    if edit.after:
        yield Weighed("minor", "the phone has to allow it, too")
    else:
        yield _pair(edit, both, "used without asking the phone")


def _scenes(edit: Edit, both: Both) -> Iterator[Weighed]:
    anywhere = not edit.after
    if anywhere or (edit.before and added_in(edit)):
        yield _pair(edit, both, "used in more places of the app")
    if not anywhere and (not edit.before or removed_in(edit)):
        yield Weighed("minor", "used in fewer places of the app")


def _changed_in(edit: Edit, both: Both) -> Iterator[Weighed]:
    if str(edit.after) > str(edit.before):
        yield _pair(edit, both, "its author says that the meaning changed")
    else:
        yield _pair(edit, both, "resting consents would live again without a yes")


def _required(edit: Edit, both: Both) -> Iterator[Weighed]:
    if added := added_in(edit):
        meaning = "can no longer be refused apart"
        yield _pair(edit, both, meaning, added, rests=False, kind="rights")
    if removed_in(edit):
        yield Weighed("minor", "can be refused apart from now on")


def _also_uses(edit: Edit, both: Both) -> Iterator[Weighed]:
    before = edit.before if isinstance(edit.before, dict) else {}
    after = edit.after if isinstance(edit.after, dict) else {}
    if after.keys() - before.keys():
        yield _pair(edit, both, "something else is used beside it")
    if before.keys() - after.keys():
        yield Weighed("minor", "less is used beside it")
    if any(after[name] != before[name] for name in after.keys() & before.keys()):
        yield from words(edit, both)


def _pair_assessment(edit: Edit, both: Both) -> Iterator[Weighed]:
    if is_high(both.new, edit.after) and not is_high(both.old, edit.before):
        yield Weighed("risk", "its impact assessment shows a high risk")
    else:
        yield Weighed("minor", "another impact assessment stands behind it")


PAIR_WEIGHTS: Final[Weights] = {
    (model.Pair, ""): _whole_pair,
    (model.Pair, "question"): words,
    (model.Pair, "fallback"): words,
    (model.Pair, "elements"): _pair_elements,
    (model.Pair, "basis"): _basis,
    (model.Pair, "separate"): _separate,
    (model.Pair, "one_time"): _one_time,
    (model.Pair, "max_life"): _max_life,
    (model.Pair, "prefer"): _prefer,
    (model.Pair, "level"): _level,
    (model.Pair, "needs_os_report"): _os_report,
    (model.Pair, "scenes"): _scenes,
    (model.Pair, "changed_in"): _changed_in,
    (model.Pair, "required"): _required,
    (model.Pair, "also_uses"): _also_uses,
    (model.Pair, "assessment"): _pair_assessment,
    (model.Pair, "basis_approved_by"): minor("approved by another officer"),
    (model.Pair, "basis_approved_on"): minor("approved on another day"),
}
