"""What one difference amounts to, and the answers that many rules share."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from typing import TYPE_CHECKING, NamedTuple

import msgspec

from permissions.catalogue.change import Kind, Part

if TYPE_CHECKING:
    from permissions.catalogue.edits import Edit
    from permissions.catalogue.model import Catalogue, Pair


class Weighed(NamedTuple):
    """What one difference amounts to."""

    kind: Kind
    meaning: str
    consent: bool = False
    parts: tuple[Part, ...] = ()
    review: bool = False


class Both(NamedTuple):
    """The two catalogues that are compared."""

    old: Catalogue
    new: Catalogue


Weigh = Callable[["Edit", Both], Iterator[Weighed]]
Weights = dict[tuple[type[msgspec.Struct], str], Weigh]


def minor(meaning: str) -> Weigh:
    """Return a rule: it takes nothing from people and gives nobody more."""

    def weigh(_edit: Edit, _both: Both) -> Iterator[Weighed]:
        yield Weighed("minor", meaning)

    return weigh


def words(_edit: Edit, _both: Both) -> Iterator[Weighed]:
    """Leave words to the author: no machine can say whether the meaning moved."""
    yield Weighed("minor", "words changed; is the meaning the same?", review=True)


def notice(kind: Kind, meaning: str) -> Weigh:
    """Return a rule: people are told, and no yes is asked for."""

    def weigh(_edit: Edit, _both: Both) -> Iterator[Weighed]:
        yield Weighed(kind, meaning)

    return weigh


def everyone(kind: Kind, meaning: str) -> Weigh:
    """Return a rule: nobody is bound by it who has not agreed to it (R68)."""

    def weigh(_edit: Edit, _both: Both) -> Iterator[Weighed]:
        yield Weighed(kind, meaning, consent=True)

    return weigh


def flag(*, worse: bool, if_worse: Weighed, if_better: str) -> Weigh:
    """Return a rule for a switch, by the position that is worse for people."""

    def weigh(edit: Edit, _both: Both) -> Iterator[Weighed]:
        yield if_worse if edit.after is worse else Weighed("minor", if_better)

    return weigh


def asked(parts: tuple[Part, ...], meaning: str, kind: Kind = "mode") -> Weighed:
    """Build an answer: these parts are asked again; with none, people are told."""
    return Weighed(kind, meaning, consent=bool(parts), parts=parts)


def parts_of(
    pairs: Iterable[Pair], elements: tuple[str, ...] = (), *, rests: bool = True
) -> tuple[Part, ...]:
    """Return one part for each pair."""
    return tuple(
        Part(
            capability=pair.capability,
            purpose=pair.purpose,
            elements=elements,
            rests=rests,
            changed_in=pair.changed_in,
        )
        for pair in pairs
    )


def kept_pairs(
    both: Both, *, capability: str = "", purpose: str = ""
) -> Iterator[Pair]:
    """Yield the pairs of the new catalogue that the old one had, too."""
    for key, pair in both.new.pairs.items():
        fits = capability in ("", key[0]) and purpose in ("", key[1])
        if fits and key in both.old.pairs:
            yield pair


def _names(value: object) -> tuple[str, ...]:
    return value if isinstance(value, tuple) else ()


def added_in(edit: Edit) -> tuple[str, ...]:
    """Return the names that a list gained."""
    before = _names(edit.before)
    return tuple(name for name in _names(edit.after) if name not in before)


def removed_in(edit: Edit) -> tuple[str, ...]:
    """Return the names that a list lost."""
    after = _names(edit.after)
    return tuple(name for name in _names(edit.before) if name not in after)


def is_high(catalogue: Catalogue, assessment: object) -> bool:
    """Say whether an assessment, by its id, shows a high risk."""
    found = catalogue.policy.assessments.get(str(assessment))
    return found is not None and found.result == "high"


def region_of(region: object, catalogue: Catalogue) -> str:
    """Return where something rests: as declared, or else where the operator is."""
    return str(region) or catalogue.operator.region
