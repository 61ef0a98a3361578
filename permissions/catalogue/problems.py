"""What can be wrong with a catalogue, and how it is told."""

from __future__ import annotations

import json
import re
from typing import TYPE_CHECKING

import msgspec

from permissions.errors import PermissionsError

if TYPE_CHECKING:
    from collections.abc import Iterable

_BARE_KEY = re.compile(r"[A-Za-z0-9_-]+")


class Problem(msgspec.Struct, frozen=True):
    """One mistake: where it is, what it is, and what to do about it."""

    file: str  # path inside the catalogue folder
    key: str  # the TOML key path; empty when the whole file is meant
    reason: str
    fix: str

    def __str__(self) -> str:
        place = f"{self.file}: {self.key}" if self.key else self.file
        return f"{place}: {self.reason}; {self.fix}"


class CatalogueError(PermissionsError):
    """The catalogue has mistakes; all that one load could find, in file order."""

    code = "catalogue_invalid"
    fix = "correct_catalogue"

    def __init__(self, problems: Iterable[Problem]) -> None:
        self.problems = tuple(problems)
        super().__init__(self.problems)  # args: it survives pickling

    def __str__(self) -> str:
        count = len(self.problems)
        heading = f"the catalogue has {count} mistake{'' if count == 1 else 's'}:"
        return "\n".join([heading, *(f"  {problem}" for problem in self.problems)])


class Place:
    """A position in a file; mistakes found there go to one shared list."""

    def __init__(
        self, problems: list[Problem], file: str, path: tuple[str | int, ...] = ()
    ) -> None:
        self.problems = problems
        self.file = file
        self._path = path

    def at(self, *steps: str | int) -> Place:
        """Return the place below: a key by its name, an array item by its number."""
        return Place(self.problems, self.file, (*self._path, *steps))

    def wrong(self, reason: str, fix: str) -> None:
        """Note a mistake here."""
        self.problems.append(Problem(self.file, self.key, reason, fix))

    @property
    def key(self) -> str:
        """Return the key path as one would write it in TOML: ``a."b.c".d[2]``."""
        written = ""
        for step in self._path:
            if isinstance(step, int):
                written += f"[{step}]"
            else:
                bare = _BARE_KEY.fullmatch(step)
                written += ("." if written else "") + (
                    step if bare else json.dumps(step, ensure_ascii=False)
                )
        return written
