"""Random single edits of a catalogue, each of which the decision could still run."""

from __future__ import annotations

from collections.abc import Callable
from datetime import date, timedelta
from typing import Any, Final, Literal, get_args, get_origin

import msgspec
from hypothesis import strategies as st

from permissions.catalogue import model
from permissions.catalogue.model import Catalogue
from tests.permissions.catalogue.changed import GONE, put

Draw = Callable[[st.SearchStrategy[Any]], Any]
Path = tuple[object, ...]

VERSIONS: Final = ("", "2022-01-01", "2023-04-07", "2024-01-01")
READ_BY_DECISIONS: Final = (
    "elements",
    "basis",
    "needs_os_report",
    "scenes",
    "changed_in",
)
_BASES: Final = get_args(model.Basis)
_TABLES: Final = (
    "functions", "purposes", "categories", "permissions", "fallbacks", "pairs", "sdks",
    "clocks",
)  # fmt: skip
_IDS: Final = {"id", "rule_id", "capability"}
_TITLE: Final = {"zh-CN": "新", "en": "New"}
_FLASH: Final = {"flash": {"zh-CN": "闪光灯", "en": "flash"}}
_VALUES: Final = {"rights", "sections", "assessments"}  # changed one by one


def mutate(
    draw: Draw, catalogue: Catalogue, about: tuple[str, str] | None = None
) -> Catalogue:
    """Return the catalogue with one thing changed; sometimes it comes out the same.

    With ``about``, the change is to that pair, mostly to what a decision reads, or
    to its purpose.
    """
    if about is not None and about in catalogue.pairs:
        return _about(draw, catalogue, about)
    whole = draw(st.integers(0, 4)) == 0
    return _whole(draw, catalogue) if whole else _field(draw, catalogue)


def mutate_read(
    draw: Draw, catalogue: Catalogue, pair: tuple[str, str], name: str
) -> Catalogue:
    """Change one field of a pair, of those that decisions read."""
    if pair not in catalogue.pairs:
        return catalogue
    return _change(draw, catalogue, ("pairs", pair), name)


def _about(draw: Draw, catalogue: Catalogue, pair: tuple[str, str]) -> Catalogue:
    match draw(st.sampled_from(["read", "read", "read", "any", "purpose", "gone"])):
        case "read":
            name = draw(st.sampled_from(READ_BY_DECISIONS))
            return _change(draw, catalogue, ("pairs", pair), name)
        case "any":
            return _field_of(draw, catalogue, ("pairs", pair))
        case "purpose":
            return _change(draw, catalogue, ("purposes", pair[1]), "function")
        case _:
            return _put(catalogue, ("pairs", pair), GONE)


def _whole(draw: Draw, catalogue: Catalogue) -> Catalogue:
    """Remove a value that nothing else points to, or add a copy of one."""
    path: Path
    path = draw(
        st.sampled_from(
            [("pairs",), ("sdks",), ("clocks",), ("policy", "rights"),
             ("policy", "sections"), ("policy", "assessments"), ("functions",)]
        )
    )  # fmt: skip
    table = _at(catalogue, path)
    if path == ("pairs",):
        return _whole_pair(draw, catalogue)
    if not table:
        return catalogue
    key = draw(st.sampled_from(sorted(table)))
    if draw(st.booleans()):
        name = table[key].__struct_fields__[0]
        added = msgspec.structs.replace(table[key], **{name: "added"})
        return _put(catalogue, (*path, "added"), added)
    if path == ("functions",) or key == "ask_again_after_refusal":
        return catalogue
    return _put(catalogue, (*path, key), GONE)


def _whole_pair(draw: Draw, catalogue: Catalogue) -> Catalogue:
    key = draw(st.sampled_from(sorted(catalogue.pairs)))
    if draw(st.booleans()):
        return _put(catalogue, ("pairs", key), GONE)
    purpose = draw(st.sampled_from(sorted(catalogue.purposes)))
    pair = msgspec.structs.replace(catalogue.pairs[key], purpose=purpose)
    return _put(catalogue, ("pairs", (key[0], purpose)), pair)


def _field(draw: Draw, catalogue: Catalogue) -> Catalogue:
    """Change one field of one value."""
    return _field_of(draw, catalogue, _value(draw, catalogue))


def _field_of(draw: Draw, catalogue: Catalogue, path: Path) -> Catalogue:
    value = _at(catalogue, path)
    names = [
        name
        for name in value.__struct_fields__
        if name not in _IDS | _VALUES and (type(value), name) != _PURPOSE_OF_PAIR
    ]
    return _change(draw, catalogue, path, draw(st.sampled_from(names)))


def _change(draw: Draw, catalogue: Catalogue, path: Path, name: str) -> Catalogue:
    value = _at(catalogue, path)
    (field,) = (f for f in msgspec.structs.fields(value) if f.name == name)
    new = _other(draw, catalogue, value, field)
    return _put(catalogue, (*path, name), new)


_PURPOSE_OF_PAIR: Final = (model.Pair, "purpose")


def _value(draw: Draw, catalogue: Catalogue) -> Path:
    """Choose a value: the operator, the policy, or an item of a table."""
    part = draw(st.sampled_from(["operator", "policy", "pairs", "pairs", *_TABLES]))
    if part == "operator":
        return (part,)
    if part == "policy":
        inner = draw(st.sampled_from(["", "rights", "sections", "assessments"]))
        table = _at(catalogue, (part, inner)) if inner else {}
        if not table:
            return (part,)
        return (part, inner, draw(st.sampled_from(sorted(table))))
    table = getattr(catalogue, part)
    if not table:
        return ("operator",)
    key = draw(st.sampled_from(sorted(table)))
    if part == "categories" and draw(st.booleans()):
        elements = sorted(catalogue.categories[key].elements)
        return (part, key, "elements", draw(st.sampled_from(elements)))
    return (part, key)


def _other(
    draw: Draw,
    catalogue: Catalogue,
    value: msgspec.Struct,
    field: msgspec.structs.FieldInfo,
) -> Any:  # noqa: ANN401
    """Return another value for a field, of its type and pointing to what there is."""
    old = getattr(value, field.name)
    known = _pointers(catalogue, value).get(field.name)
    if known is not None:
        return draw(st.sampled_from(sorted(known)))
    lists = _lists(catalogue, value).get(field.name)
    if lists is not None:
        least = 1 if isinstance(value, model.Pair) and field.name == "elements" else 0
        chosen = st.lists(st.sampled_from(sorted(lists)), unique=True, min_size=least)
        return tuple(draw(chosen)) if lists else ()
    if field.name == "also_uses":
        return draw(st.sampled_from([{}, _FLASH, {**old, **_FLASH}]))
    if field.name == "elements":  # of a category: one more
        return {**old, "added": model.Element(id="added", title=_TITLE, type="string")}
    if isinstance(value, model.Pair) and field.name == "basis":
        keys = st.sampled_from(["*", *value.elements])
        return draw(st.dictionaries(keys, st.sampled_from(_BASES), max_size=3))
    return draw(_of_type(old, field.type))


def _pointers(
    catalogue: Catalogue, value: msgspec.Struct
) -> dict[str, tuple[str, ...]]:
    match value:
        case model.Purpose():
            return {"function": tuple(catalogue.functions)}
        case model.Pair():
            return {
                "fallback": tuple(catalogue.fallbacks),
                "assessment": ("", *catalogue.policy.assessments),
                "changed_in": VERSIONS,
            }
        case model.Sdk():
            return {
                "purpose": tuple(catalogue.purposes),
                "function": tuple(catalogue.functions),
                "region": ("", "CN", "SG"),
            }
        case model.Right():
            return {"clock": ("", *catalogue.clocks)}
        case model.Policy():
            return {"version": VERSIONS[1:]}
        case model.Category():
            return {"region": ("", "CN", "SG")}
        case _:
            return {}


def _lists(catalogue: Catalogue, value: msgspec.Struct) -> dict[str, tuple[str, ...]]:
    data = tuple(
        f"{category.capability}/{element}"
        for category in catalogue.categories.values()
        for element in category.elements
    )
    match value:
        case model.Pair():
            item = catalogue.capabilities[value.capability]
            scenes = {"scenes": ("scan_screen", "publish_form", "home_screen")}
            if isinstance(item, model.Category):
                elements = tuple(item.elements)
                return {**scenes, "elements": elements, "required": value.elements}
            return {**scenes, "elements": (), "required": ()}
        case model.Sdk():
            return {"holds": data}
        case model.Function():
            return {"needs": data}
        case model.Permission():
            return {"levels": ("write_only", "limited", "full")}
        case _:
            return {}


def _of_type(old: Any, kind: Any) -> st.SearchStrategy[Any]:  # noqa: ANN401
    if get_origin(kind) is Literal:
        return st.sampled_from(get_args(kind))
    if isinstance(old, bool):
        return st.just(not old)
    if kind is int:
        return st.integers(0, 90)
    if kind is timedelta or timedelta in get_args(kind):
        optional = [None] if kind is not timedelta else []
        days = [timedelta(days=count) for count in (1, 30, 200, 4000)]
        return st.sampled_from([*optional, *days])
    if kind is date or date in get_args(kind):
        return st.dates(date(2020, 1, 1), date(2030, 1, 1))
    if kind is str:
        return st.just(f"{old}x")
    if isinstance(old, dict) and all(isinstance(item, str) for item in old.values()):
        return st.sampled_from(sorted(old) or ["en"]).map(
            lambda locale: {**old, locale: f"{old.get(locale, '')} x"}
        )
    raise AssertionError(kind)


def _at(value: Any, path: Path) -> Any:  # noqa: ANN401
    for step in path:
        value = value[step] if isinstance(value, dict) else getattr(value, str(step))
    return value


def _put(catalogue: Catalogue, path: Path, new: object) -> Catalogue:
    changed = put(catalogue, path, new)
    assert isinstance(changed, Catalogue)
    return changed
