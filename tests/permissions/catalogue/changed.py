"""The shipped catalogue with a few things changed, by value or as an author would."""

from __future__ import annotations

import copy
from pathlib import Path
from typing import Any, Final

import msgspec

import permissions.catalogue
from permissions.catalogue.load import build
from permissions.catalogue.model import Catalogue
from permissions.catalogue.problems import Problem
from permissions.catalogue.source import Source, read_source

SHIPPED: Final = Path(permissions.catalogue.__file__).parent / "default"
GONE: Final = object()  # in place of a value: remove it


def put(value: Any, path: tuple[object, ...], new: Any) -> Any:  # noqa: ANN401
    """Return a copy of a value in which what lies at ``path`` is ``new``.

    A function is called with what was there; GONE removes it from its table. The
    result is not checked: a catalogue may so become one that no loader would take.
    """
    if not path:
        return new(value) if callable(new) else new
    step, rest = path[0], path[1:]
    if isinstance(value, msgspec.Struct):
        inner = put(getattr(value, str(step)), rest, new)
        return msgspec.structs.replace(value, **{str(step): inner})
    table = dict(value)
    if new is GONE and not rest:
        del table[step]
    else:
        table[step] = put(table.get(step), rest, new)
    return table


class Author:
    """Edits the shipped files in memory and loads them, as the loader checks them."""

    def __init__(self) -> None:
        problems: list[Problem] = []
        source = read_source(SHIPPED, problems)
        assert source is not None
        assert not problems
        self._sha256 = source.sha256
        self.tables: dict[str, Any] = copy.deepcopy(source.tables)
        self.texts = {"policy": dict(source.text), "notice": dict(source.notice)}

    def set(self, file: str, path: list[str], value: object) -> None:
        """Write a key, or with GONE remove it; it must be there to be removed."""
        table = self.tables[file]
        for step in path[:-1]:
            table = table.setdefault(step, {})
        if value is GONE:
            del table[path[-1]]
        else:
            table[path[-1]] = value

    def reword(self, kind: str, locale: str, old: str, new: str) -> None:
        """Replace words of the policy or the notice, which must be there once."""
        text = self.texts[kind][locale]
        assert text.count(old) == 1
        self.texts[kind][locale] = text.replace(old, new)

    def speak(self, locales: list[str]) -> None:
        """Write every text in these languages; a new one is copied from English."""
        for tables in (self.tables, self.texts):
            _speak(tables, locales)
        self.tables["policy.toml"]["locales"] = locales

    def load(self) -> Catalogue:
        """Load what stands in the files; raises CatalogueError for a mistake."""
        source = Source(
            tables=self.tables,
            text=self.texts["policy"],
            notice=self.texts["notice"],
            sha256=self._sha256,
        )
        return build(source, [])


def _speak(value: object, locales: list[str]) -> None:
    if not isinstance(value, dict):
        return
    if "en" in value and "zh-CN" in value:
        texts = {locale: value.get(locale, value["en"]) for locale in locales}
        value.clear()
        value.update(texts)
    else:
        for item in value.values():
            _speak(item, locales)
