"""What a new version changes is found, weighed, and held against its author's word."""

from __future__ import annotations

import tomllib
from collections import Counter
from functools import cache
from pathlib import Path
from typing import Any, get_args

import msgspec
import pytest

from permissions.catalogue import Catalogue, Diff, Kind, load, model
from permissions.catalogue.diff import diff, publishable
from permissions.catalogue.edits import Edit
from permissions.catalogue.weighed import Both
from permissions.catalogue.weight import WEIGHTS, weigh
from tests.permissions.catalogue.changed import GONE, Author, put

SHIPPED = load()
NEXT = "2024-01-01"
GOLDEN: dict[str, dict[str, Any]] = {
    case["name"]: case
    for case in tomllib.loads(
        Path(__file__).with_name("golden.toml").read_text("utf-8")
    )["case"]
}


@cache
def edited(name: str) -> Catalogue:
    """Make the next version as a golden case says, and load it."""
    case, author = GOLDEN[name], Author()
    author.set("policy.toml", ["version"], NEXT)
    if "languages" in case:
        author.speak(case["languages"])
    for edit in case.get("edits", ()):
        value = GONE if edit.get("gone") else edit["to"]
        author.set(edit["file"], edit["at"], value)
    for words in case.get("reword", ()):
        author.reword(**words)
    return author.load()


def compared(name: str) -> Diff:
    """Compare the shipped catalogue with a golden one, without the version itself."""
    found = diff(SHIPPED, edited(name))
    kept = tuple(c for c in found.changes if c.place != "policy.toml: version")
    assert len(kept) == len(found.changes) - 1
    return msgspec.structs.replace(found, changes=kept)


def asked(found: Diff) -> list[str]:
    """Return who is asked, as the golden cases write it."""
    said = []
    for change in found.changes:
        said += [
            f"{part}: {'rests' if part.rests else 'goes on'}" for part in change.parts
        ]
        if change.consent and not change.parts:
            said.append("everyone")
    return said


class TestGolden:
    def test_there_are_enough(self) -> None:
        """Each of the six kinds and the minor ones has several cases."""
        kinds = Counter(
            line.split()[0] for case in GOLDEN.values() for line in case["changes"]
        )

        assert len(GOLDEN) >= 60
        assert set(kinds) == set(get_args(Kind))
        assert min(kinds.values()) >= 2

    @pytest.mark.parametrize("name", GOLDEN)
    def test_classified(self, name: str) -> None:
        """Kind, place, and who is asked for which part, as a person would say."""
        case, found = GOLDEN[name], compared(name)

        said = [f"{change.kind} {change.place}" for change in found.changes]

        assert said == case["changes"]
        assert asked(found) == case.get("ask", [])
        assert sum(c.review for c in found.changes) == case.get("review", 0)

    @pytest.mark.parametrize("name", GOLDEN)
    def test_only_the_material_is_announced(self, name: str) -> None:
        """A prominent notice goes with each of the six kinds, and with no other."""
        found = compared(name)

        assert all(c.notice == (c.kind != "minor") for c in found.changes)
        assert found.is_material == any(c.kind != "minor" for c in found.changes)

    @pytest.mark.parametrize("name", GOLDEN)
    def test_material_passes_as_nothing_less(self, name: str) -> None:
        """Declared minor, a version is refused for each material change (R68)."""
        found = compared(name)

        refused = [
            finding.place
            for finding in publishable(found, "minor")
            if finding.rule == "material_declared_minor"
        ]

        assert refused == [c.place for c in found.changes if c.notice]

    @pytest.mark.parametrize("name", GOLDEN)
    def test_what_rests_has_to_say_so(self, name: str) -> None:
        """A pair that pauses names the version, or it cannot be published (R71)."""
        found = compared(name)
        resting = {
            f'pairs.toml: "{part.capability}".{part.purpose}.changed_in'
            for change in found.changes
            for part in change.parts
            if part.rests and part.changed_in != NEXT
        }

        refused = publishable(found, "material")

        assert {finding.place for finding in refused} == resting
        assert {finding.rule for finding in refused} <= {"yes_does_not_rest"}

    @pytest.mark.parametrize("name", GOLDEN)
    def test_saying_so_makes_it_publishable(self, name: str) -> None:
        """The fix that a finding names is the fix."""
        new = edited(name)
        for change in diff(SHIPPED, new).changes:
            for part in change.parts:
                if part.rests:
                    pair = (part.capability, part.purpose)
                    new = put(new, ("pairs", pair, "changed_in"), NEXT)

        assert publishable(diff(SHIPPED, new), "material") == ()


class TestPublishable:
    def test_the_same_is_publishable(self) -> None:
        """Nothing changed, nothing to say."""
        assert publishable(diff(SHIPPED, SHIPPED), "minor") == ()

    @pytest.mark.parametrize("version", ["2023-04-07", "2022-01-01"])
    def test_a_change_needs_a_later_version(self, version: str) -> None:
        """A published version never changes (R70)."""
        new = put(SHIPPED, ("functions", "scanning", "title", "en"), "Scan")
        new = put(new, ("policy", "version"), version)

        (finding,) = publishable(diff(SHIPPED, new), "minor")

        assert finding.rule == "version_not_raised"

    def test_a_high_risk_opens_the_change_alone(self) -> None:
        """An assessment that turns high may not pass as minor (R69)."""
        new = put(SHIPPED, ("policy", "version"), NEXT)
        new = put(new, ("policy", "assessments", "credit", "result"), "high")

        (finding,) = publishable(diff(SHIPPED, new), "minor")

        assert finding.rule == "material_declared_minor"
        assert "(risk)" in finding.reason


class TestWeights:
    def test_every_field_of_the_model_is_weighed(self) -> None:
        """A field that is added later has to be judged before it can be minor."""
        weighed = {
            (kind, field)
            for kind in set(structs_of(model.Catalogue)) - {model.Catalogue}
            for field in kind.__struct_fields__
            if not is_id(kind, field) and not holds_values(kind, field)
        }
        single = {model.Operator, model.Policy}
        whole = {(kind, "") for kind in structs_of(model.Catalogue)} - {
            (kind, "") for kind in (*single, model.Catalogue)
        }

        assert set(WEIGHTS) == weighed | whole | {(model.Catalogue, "locales")}

    def test_an_unknown_field_is_material_for_everyone(self) -> None:
        """What no rule knows is asked about, not overlooked."""
        edit = Edit(model.Pair, "new_field", "pairs.toml", ("a", "b"), 1, 2)

        (weighed,) = weigh(edit, Both(SHIPPED, SHIPPED))

        assert (weighed.kind, weighed.consent, weighed.parts) == ("mode", True, ())


def structs_of(kind: type[msgspec.Struct]) -> list[type[msgspec.Struct]]:
    """Return a type of the model and all that it holds."""
    found = [kind]
    for field in msgspec.structs.fields(kind):
        for inner in (field.type, *getattr(field.type, "__args__", ())):
            if isinstance(inner, type) and issubclass(inner, msgspec.Struct):
                found += structs_of(inner)
    return found


def is_id(kind: type[msgspec.Struct], field: str) -> bool:
    """Say whether a field is the key under which a value stands."""
    if kind is model.Pair:
        return field in ("capability", "purpose")
    return kind not in (model.Operator, model.Policy) and field in ("id", "rule_id")


def holds_values(kind: type[msgspec.Struct], field: str) -> bool:
    """Say whether a field is a table of values that are compared by themselves."""
    (found,) = (item for item in msgspec.structs.fields(kind) if item.name == field)
    return any(
        isinstance(inner, type) and issubclass(inner, msgspec.Struct)
        for inner in getattr(found.type, "__args__", ())
    )
