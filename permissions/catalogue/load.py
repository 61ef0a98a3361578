"""Load a catalogue from a folder of TOML files, or say everything that is wrong."""

from __future__ import annotations

from importlib.resources import files
from typing import TYPE_CHECKING

from permissions.catalogue.draft import read_draft
from permissions.catalogue.model import Catalogue, Policy
from permissions.catalogue.problems import CatalogueError
from permissions.catalogue.rules import check
from permissions.catalogue.source import FILES, read_source

if TYPE_CHECKING:
    from importlib.resources.abc import Traversable
    from pathlib import Path

    from permissions.catalogue.problems import Problem
    from permissions.catalogue.source import Source


def load(folder: Path | None = None) -> Catalogue:
    """Return the catalogue in ``folder``; without one, the catalogue that is shipped.

    Raises CatalogueError with every mistake found; an author's mistake never
    surfaces as anything else.
    """
    problems: list[Problem] = []
    shipped = files("permissions.catalogue") / "default"
    place: Traversable = shipped if folder is None else folder
    source = read_source(place, problems)
    if source is None:
        raise CatalogueError(problems)
    return build(source, problems)


def build(source: Source, problems: list[Problem]) -> Catalogue:
    """Turn a source into a catalogue, if neither it nor ``problems`` has a mistake.

    Raises CatalogueError with all of them, in the order of the files.
    """
    draft = read_draft(source, problems)
    check(draft, problems)
    operator, header = draft.operator, draft.header
    if problems or operator is None or header is None:
        raise CatalogueError(sorted(problems, key=_place_in_folder))
    policy = Policy(
        version=header.version,
        effective_on=header.effective_on,
        authoritative=header.authoritative,
        text=source.text,
        notice=source.notice,
        guardian_under=header.guardian_under,
        sections=header.sections,
        rights=header.rights,
        assessments=header.assessments,
    )
    return Catalogue(
        operator=operator,
        policy=policy,
        locales=header.locales,
        functions=draft.functions,
        purposes=draft.purposes,
        categories=draft.categories,
        permissions=draft.permissions,
        fallbacks=draft.fallbacks,
        pairs=draft.pairs,
        sdks=draft.sdks,
        clocks=draft.clocks,
        sha256=source.sha256,
    )


def _place_in_folder(problem: Problem) -> int:
    return FILES.index(problem.file) if problem.file in FILES else len(FILES)
