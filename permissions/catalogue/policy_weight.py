"""How much a change of operator, policy, rights or deadlines matters."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Final

from permissions.catalogue import model
from permissions.catalogue.weighed import (
    Both,
    Weighed,
    Weights,
    added_in,
    asked,
    everyone,
    is_high,
    kept_pairs,
    minor,
    notice,
    parts_of,
    removed_in,
    words,
)

if TYPE_CHECKING:
    from permissions.catalogue.edits import Edit
    from permissions.catalogue.model import Clock

_SECONDS: Final = {"seconds": 1, "hours": 3600, "days": 86_400, "years": 31_557_600}
# Waiting longer before asking again is better for people; every other wait is not.
_LONGER_IS_BETTER: Final = frozenset({"ask_again_after_refusal"})


def _operator_region(_edit: Edit, both: Both) -> Iterator[Weighed]:
    pairs = (pair for pair in kept_pairs(both) if pair.capability.startswith("data."))
    yield asked(parts_of(pairs), "data rests in another country")


def _locales(edit: Edit, both: Both) -> Iterator[Weighed]:
    if removed_in(edit):
        yield Weighed("rights", "a language is gone")
    if added_in(edit):
        yield Weighed("minor", "a new language")
    if both.old.locales[:1] != both.new.locales[:1] and not removed_in(edit):
        yield Weighed("minor", "another language is shown first")


def _guardian_under(edit: Edit, both: Both) -> Iterator[Weighed]:
    if both.new.policy.guardian_under < both.old.policy.guardian_under:
        meaning = "children answer without a guardian"
        yield from everyone("rights", meaning)(edit, both)
    else:
        yield Weighed("minor", "more children have a guardian beside them")


def _whole_right(edit: Edit, both: Both) -> Iterator[Weighed]:
    if edit.after is None:
        yield from everyone("rights", "a right is gone")(edit, both)
    else:
        yield Weighed("minor", "a new right")


def _whole_section(edit: Edit, both: Both) -> Iterator[Weighed]:
    if edit.after is None:
        yield from everyone("rights", "the policy no longer has it")(edit, both)
    else:
        yield Weighed("minor", "the policy has a new section", review=True)


def _right_clock(edit: Edit, both: Both) -> Iterator[Weighed]:
    old = both.old.clocks.get(str(edit.before))
    new = both.new.clocks.get(str(edit.after))
    yield _deadline(old, new)


def _clock(edit: Edit, both: Both) -> Iterator[Weighed]:
    rule = edit.path[0]
    old, new = both.old.clocks[rule], both.new.clocks[rule]
    if rule not in _LONGER_IS_BETTER:
        yield _deadline(old, new)
    elif _deadline(new, old).kind == "minor":
        yield Weighed("minor", "the app stays quiet for longer")
    else:
        yield Weighed("rights", "people are asked again sooner", consent=True)


def _deadline(old: Clock | None, new: Clock | None) -> Weighed:
    """Weigh a deadline; none is at once, and unlike calendars count as longer."""
    was, is_ = _length(old), _length(new)
    if old is not None and new is not None and _same_calendar(old, new):
        was, is_ = old.duration, new.duration
    if was is not None and is_ is not None and is_ <= was:
        return Weighed("minor", "nothing takes longer than before")
    return Weighed("rights", "it takes longer, or may", consent=True)


def _length(clock: Clock | None) -> int | None:
    """Return seconds; None where a calendar of working days decides."""
    if clock is None:
        return 0
    per_unit = _SECONDS.get(clock.unit)
    return None if per_unit is None else clock.duration * per_unit


def _same_calendar(old: Clock, new: Clock) -> bool:
    return (old.unit, old.calendar) == (new.unit, new.calendar)


def _whole_clock(edit: Edit, _both: Both) -> Iterator[Weighed]:
    if edit.after is None:
        yield Weighed("rights", "a deadline is gone", consent=True)
    else:
        yield Weighed("minor", "a new deadline")


def _result(edit: Edit, _both: Both) -> Iterator[Weighed]:
    if edit.after == "high":
        yield Weighed("risk", "an impact assessment shows a high risk")
    else:
        yield Weighed("minor", "an impact assessment was made again")


def _whole_assessment(edit: Edit, both: Both) -> Iterator[Weighed]:
    if is_high(both.new, edit.path[1]):
        yield Weighed("risk", "an impact assessment shows a high risk")
    else:
        yield Weighed("minor", "an impact assessment came or went")


_ORGANISATION: Final = notice("organisation", "the operator is another, or renamed")
_CONTACT: Final = notice("contact", "people reach somebody else, or elsewhere")

POLICY_WEIGHTS: Final[Weights] = {
    (model.Catalogue, "locales"): _locales,
    (model.Operator, "id"): _ORGANISATION,
    (model.Operator, "name"): _ORGANISATION,
    (model.Operator, "legal_name"): _ORGANISATION,
    (model.Operator, "registry_number"): _ORGANISATION,
    (model.Operator, "address"): _CONTACT,
    (model.Operator, "email"): _CONTACT,
    (model.Operator, "phone"): _CONTACT,
    (model.Operator, "officer"): _CONTACT,
    (model.Operator, "complaint"): _CONTACT,
    (model.Operator, "region"): _operator_region,
    (model.Policy, "version"): minor("a new version"),
    (model.Policy, "effective_on"): minor("in force from another day"),
    (model.Policy, "authoritative"): notice("rights", "another language decides"),
    (model.Policy, "text"): words,
    (model.Policy, "notice"): words,
    (model.Policy, "guardian_under"): _guardian_under,
    (model.Section, ""): _whole_section,
    (model.Section, "opens"): words,
    (model.Right, ""): _whole_right,
    (model.Right, "title"): words,
    (model.Right, "route"): notice("rights", "used in another place"),
    (model.Right, "clock"): _right_clock,
    (model.Assessment, ""): _whole_assessment,
    (model.Assessment, "title"): words,
    (model.Assessment, "result"): _result,
    (model.Assessment, "assessed_on"): minor("an impact assessment was made again"),
    (model.Clock, ""): _whole_clock,
    (model.Clock, "jurisdiction"): notice("rights", "a deadline of another country"),
    (model.Clock, "trigger"): words,
    (model.Clock, "duration"): _clock,
    (model.Clock, "unit"): _clock,
    (model.Clock, "calendar"): _clock,
    (model.Clock, "citation"): minor("another source of a deadline"),
    (model.Clock, "verified_on"): minor("a source was read again"),
}
