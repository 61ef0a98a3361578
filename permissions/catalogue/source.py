"""The files of a catalogue, read but not yet understood."""

from __future__ import annotations

import ast
import hashlib
import re
import tomllib
from typing import TYPE_CHECKING

import msgspec

from permissions.catalogue.problems import Place

if TYPE_CHECKING:
    from importlib.resources.abc import Traversable

    from permissions.catalogue.problems import Problem

Table = dict[str, object]

FILES = (
    "operator.toml",
    "policy.toml",
    "functions.toml",
    "purposes.toml",
    "categories.toml",
    "permissions.toml",
    "fallbacks.toml",
    "pairs.toml",
    "sdks.toml",
    "clocks.toml",
)
VERSION = re.compile(r"[0-9A-Za-z][0-9A-Za-z._-]{0,63}")  # it names a folder
LOCALE = re.compile(r"[a-z]{2,3}(-[A-Z][a-z]{3})?(-[A-Z]{2})?")  # RFC 5646, in part
# How tomllib speaks of a table that stands twice: its keys, then its line.
_TWICE = re.compile(r"Cannot declare (\(.*\)) twice \((at line \d+, column \d+)\)")


class Source(msgspec.Struct, frozen=True, kw_only=True):
    """The raw tables by file name, the policy's texts by locale, and their hash.

    A file that could not be read has no table, so that the checks which need it
    stay silent instead of blaming every line that points there.
    """

    tables: dict[str, Table]
    text: dict[str, str]
    notice: dict[str, str]
    sha256: str


def read_source(folder: Traversable, problems: list[Problem]) -> Source | None:
    """Read every file of ``folder``; note each that is missing or unreadable.

    Returns None if there is no such folder.
    """
    whole = Place(problems, str(folder))
    try:
        present = {item.name for item in folder.iterdir()}
    except FileNotFoundError:
        whole.wrong("there is no such folder", "name the folder of a catalogue")
        return None
    except (OSError, ValueError) as error:
        whole.wrong(f"cannot be read as a folder ({_cause(error)})", _ALLOW)
        return None
    for name in sorted(present):
        if name.endswith(".toml") and name not in FILES:
            Place(problems, name).wrong(
                "is no file of a catalogue",
                f"rename or remove it; the files are {', '.join(FILES)}",
            )
    digest = hashlib.sha256()
    tables = {}
    for name in FILES:
        table = _toml(folder, Place(problems, name), digest)
        if table is not None:
            tables[name] = table
    text: dict[str, str] = {}
    notice: dict[str, str] = {}
    version, locales = version_and_locales(tables.get("policy.toml", {}))
    for locale in locales if version else ():
        for kind, suffix, into in (("policy", "md", text), ("notice", "txt", notice)):
            name = f"policy/{version}/{kind}.{locale}.{suffix}"
            found = _text(folder, Place(problems, name), digest)
            if found is not None:
                into[locale] = found
    return Source(tables=tables, text=text, notice=notice, sha256=digest.hexdigest())


def version_and_locales(policy: Table) -> tuple[str, tuple[str, ...]]:
    """Return what the paths of the texts are made of; empty where unusable.

    Only well-formed values are returned, so that no value leads out of the folder.
    """
    version, locales = policy.get("version"), policy.get("locales")
    if not isinstance(version, str) or not VERSION.fullmatch(version):
        version = ""
    if not isinstance(locales, list) or not all(
        isinstance(locale, str) and LOCALE.fullmatch(locale) for locale in locales
    ):
        locales = []
    return version, tuple(dict.fromkeys(locales))


_ALLOW = "make it readable for the account that runs the gateway"


def _cause(error: Exception) -> str:
    return getattr(error, "strerror", None) or str(error)


def _text(folder: Traversable, place: Place, digest: hashlib._Hash) -> str | None:
    """Read one UTF-8 file and add it to the hash; note a missing or empty one."""
    try:
        raw = folder.joinpath(*place.file.split("/")).read_bytes()
    except FileNotFoundError:
        place.wrong("the file is missing", "add it; docs/catalogue.md shows each file")
        return None
    except OSError as error:
        place.wrong(f"cannot be read ({_cause(error)})", _ALLOW)
        return None
    digest.update(f"{place.file}\0{len(raw)}\0".encode() + raw)
    try:
        text = raw.decode("utf-8-sig")  # editors on Windows put a mark in front
    except UnicodeDecodeError as error:
        place.wrong(f"byte {error.start} is not UTF-8", "save the file as UTF-8")
        return None
    if not text.strip() and not place.file.endswith(".toml"):
        place.wrong("the text is empty", "write the text that people are to read")
        return None
    return text


def _toml(folder: Traversable, place: Place, digest: hashlib._Hash) -> Table | None:
    text = _text(folder, place, digest)
    if text is None:
        return None
    try:
        return tomllib.loads(text)
    except RecursionError:
        place.wrong("is nested too deeply", "write it as docs/catalogue.md shows")
    except ValueError as error:  # TOMLDecodeError, and numbers beyond all bounds
        _invalid(str(error), place)
    return None


def _invalid(message: str, place: Place) -> None:
    twice = _TWICE.fullmatch(message)
    if twice is None:
        place.wrong(f"is not valid TOML: {message}", "correct the line")
        return
    place.at(*ast.literal_eval(twice[1])).wrong(
        f"is declared twice {twice[2]}", "declare it once, or give it another id"
    )
