"""Find every place at which two catalogues differ, without judging it."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Final, NamedTuple

import msgspec

from permissions.catalogue.finding import place_of
from permissions.catalogue.model import Catalogue, Policy

_FILES: Final = {
    "operator": "operator.toml",
    "policy": "policy.toml",
    "functions": "functions.toml",
    "purposes": "purposes.toml",
    "categories": "categories.toml",
    "permissions": "permissions.toml",
    "fallbacks": "fallbacks.toml",
    "pairs": "pairs.toml",
    "sdks": "sdks.toml",
    "clocks": "clocks.toml",
}
_WHOLE_TEXTS: Final = {"text": "policy.{}.md", "notice": "notice.{}.txt"}


class Edit(NamedTuple):
    """One difference: a field of a value, or (``field`` empty) a value come or gone.

    ``of`` is the type of the value and ``path`` leads to it; what was not there
    before, or is no longer, is None.
    """

    of: type[msgspec.Struct]
    field: str
    file: str
    path: tuple[str, ...]
    before: object
    after: object

    @property
    def place(self) -> str:
        """Return where it is, as the loader and the lint write it."""
        if "/" in self.file:  # a text that is a file of its own
            return self.file
        return place_of(self.file, *self.path, *([self.field] if self.field else []))


def edits(old: Catalogue, new: Catalogue) -> Iterator[Edit]:
    """Yield every difference but the hash, which says nothing of its own.

    Texts are compared in the languages that both have; a language come or gone is
    one edit, of ``locales``.
    """
    if old.locales != new.locales:
        yield Edit(Catalogue, "locales", "policy.toml", (), old.locales, new.locales)
    locales = tuple(locale for locale in old.locales if locale in new.locales)
    for part, file in _FILES.items():
        walk = _Walk(file, locales, new.policy.version)
        before, after = getattr(old, part), getattr(new, part)
        if isinstance(before, dict):
            yield from walk.items(before, after, ())
        else:
            yield from walk.fields(before, after, ())


class _Walk:
    """A comparison inside one file."""

    def __init__(self, file: str, locales: tuple[str, ...], version: str) -> None:
        self._file = file
        self._locales = locales
        self._version = version

    def items(
        self,
        old: Mapping[str | tuple[str, ...], msgspec.Struct],
        new: Mapping[str | tuple[str, ...], msgspec.Struct],
        path: tuple[str, ...],
    ) -> Iterator[Edit]:
        """Compare two tables of values by id, in the order of the new one."""
        for key in dict.fromkeys((*new, *old)):
            steps = key if isinstance(key, tuple) else (key,)
            below = (*path, *steps)
            before, after = old.get(key), new.get(key)
            if before is not None and after is not None:
                yield from self.fields(before, after, below)
            else:
                present = before if before is not None else new[key]
                yield Edit(type(present), "", self._file, below, before, after)

    def fields(
        self, old: msgspec.Struct, new: msgspec.Struct, path: tuple[str, ...]
    ) -> Iterator[Edit]:
        """Compare two values field by field."""
        for name in new.__struct_fields__:
            before, after = getattr(old, name), getattr(new, name)
            if before == after:
                continue
            if _is_table(before) or _is_table(after):
                yield from self.items(before, after, (*path, name))
            elif self._file == "policy.toml" and name in _WHOLE_TEXTS:
                yield from self._texts(name, before, after)
            elif not self._same_text(before, after):
                yield Edit(type(new), name, self._file, path, before, after)

    def _texts(
        self, name: str, old: dict[str, str], new: dict[str, str]
    ) -> Iterator[Edit]:
        for locale in self._locales:
            if old.get(locale) != new.get(locale):
                file = f"policy/{self._version}/{_WHOLE_TEXTS[name].format(locale)}"
                yield Edit(Policy, name, file, (), old.get(locale), new.get(locale))

    def _same_text(self, old: object, new: object) -> bool:
        """Say whether texts, or tables of them, differ only by a language come or gone.

        False where the values are no texts, or have no language in common.
        """
        if not isinstance(old, dict) or not isinstance(new, dict) or not self._locales:
            return False
        if {*self._locales} <= old.keys() & new.keys():
            return all(old[locale] == new[locale] for locale in self._locales)
        return (
            bool(new)
            and old.keys() == new.keys()
            and all(self._same_text(old[key], new[key]) for key in new)
        )


def _is_table(value: object) -> bool:
    return isinstance(value, dict) and any(
        isinstance(item, msgspec.Struct) for item in value.values()
    )
