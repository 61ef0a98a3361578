"""Words: nothing untranslated, the right language, and names that cannot pretend."""

from __future__ import annotations

import re
from collections.abc import Iterator
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Final

import pytest
from babel.messages.catalog import Catalog
from babel.messages.extract import extract
from babel.messages.pofile import read_po
from jinja2.ext import babel_extract

from gateway.web.pages import TEMPLATES
from gateway.web.words import FOLDER, plain, preferred, words
from permissions.catalogue.model import Catalogue

PACKAGE: Final = TEMPLATES.parents[1]
FILES: Final = sorted(FOLDER.glob("*.po"))
KEYWORDS: Final = {"_": None, "_n": (1, 2), "say": None}
OPTIONS: Final = {"trim_blocks": "true", "lstrip_blocks": "true"}
PLACE: Final = re.compile(r"%\((\w+)\)s")


def said() -> set[str]:
    """Return every message that templates and code of the pages speak."""
    return set(_messages())


def _messages() -> Iterator[str]:
    found: list[object] = []
    for path in TEMPLATES.glob("*.html"):
        with path.open("rb") as file:
            found += [item[2] for item in babel_extract(file, [*KEYWORDS], [], OPTIONS)]
    for folder in ("web", "oauth"):
        for path in (PACKAGE / folder).glob("*.py"):
            with path.open("rb") as file:
                found += [item[1] for item in extract("python", file, KEYWORDS)]
    for message in found:
        for text in message if isinstance(message, tuple) else (message,):
            if isinstance(text, str):  # a variable has been marked elsewhere
                yield text


def translations(path: Path) -> Catalog:
    """Read one language's file, with whatever is wrong with it."""
    with path.open("rb") as file:
        return read_po(file, abort_invalid=True)


class TestTranslations:
    def test_there_are_messages(self) -> None:
        """The extraction finds templates, code and both forms of a number."""
        assert {
            "Take back",
            "This page does not exist",
            "%(num)s day",
            "%(num)s days",
        } <= said()

    def test_each_other_language_of_the_catalogue_has_a_file(
        self, catalogue: Catalogue
    ) -> None:
        """English is in the code; the rest has to be somewhere."""
        others = {tag.replace("-", "_") for tag in catalogue.locales} - {"en"}

        assert {path.stem for path in FOLDER.glob("*.po")} == others

    @pytest.mark.parametrize("path", FILES, ids=lambda path: path.stem)
    def test_every_message_is_translated_and_none_is_left_over(
        self, path: Path
    ) -> None:
        """Whoever adds a sentence adds its translation; whoever drops one, both."""
        found = translations(path)
        done = {str(item.id) for item in found if item.id and item.string}

        assert said() - done == set()
        assert done - said() == set()
        assert [item.id for item in found if item.id and item.fuzzy] == []
        assert not found.obsolete

    @pytest.mark.parametrize("path", FILES, ids=lambda path: path.stem)
    def test_a_translation_names_what_the_message_names(self, path: Path) -> None:
        """A lost placeholder loses a name; a new one is a 500."""
        for item in translations(path):
            assert set(PLACE.findall(str(item.id))) == set(
                PLACE.findall(str(item.string))
            ), item.id


class TestPreferred:
    @pytest.mark.parametrize(
        ("header", "tag"),
        [
            (None, "zh-CN"),
            ("", "zh-CN"),
            ("en", "en"),
            ("en-GB,en;q=0.9", "en"),
            ("zh", "zh-CN"),
            ("zh-TW", "zh-CN"),
            ("zh-CN;q=0.2,en;q=0.9", "en"),
            ("de,en;q=0.5", "en"),
            ("de", "zh-CN"),
            ("en;q=0,zh", "zh-CN"),
            ("en;q=high", "zh-CN"),
            ("*", "zh-CN"),
            (",;=,;;", "zh-CN"),
            ("x" * 100_000, "zh-CN"),
            ("../../etc/passwd", "zh-CN"),
        ],
    )
    def test_the_browser_is_heard_where_it_makes_sense(
        self, header: str | None, tag: str
    ) -> None:
        """Order, weights and regions count; nonsense means the default."""
        assert preferred(header, ("zh-CN", "en")) == tag


class TestPlain:
    @pytest.mark.parametrize(
        ("text", "expected"),
        [
            ("Sample \u202egnisrever\u202c", "Sample gnisrever"),
            ("\u2066\u2067\u2068\u2069\u200e\u200f\u061c", ""),
            ("a\u200bb\ufeffc\u00add", "abcd"),
            ("a\x00b\x1bc\x7fd\x85e", "abcde"),
            (" two\nlines\t", "two lines"),
            ("南宁快送 · Größe é", "南宁快送 · Größe é"),
        ],
    )
    def test_controls_go_and_letters_stay(self, text: str, expected: str) -> None:
        """What turns, hides or breaks a line is no part of a name (A7)."""
        assert plain(text) == expected


class TestWords:
    def test_values_are_escaped_and_messages_are_not(self) -> None:
        """Outside text cannot become markup through a translation."""
        said_in = words("zh-CN", "CN").say("You said yes to %(who)s", who="<b>")

        assert said_in == "您同意了 &lt;b&gt;"

    def test_dates_are_of_the_operators_place(self) -> None:
        """Late in the evening in London it is tomorrow in Nanning."""
        late = datetime(2026, 11, 22, 20, 30, tzinfo=UTC)

        assert words("en", "CN").moment(late) == "November 23, 2026 04:30"
        assert words("zh-CN", "CN").moment(late) == "2026年11月23日 04:30"
        assert words("en", "CN").zone == "UTC+08:00"
        assert words("en", "XX").zone == "UTC"
        assert words("en", "XX").day(date(2023, 4, 7)) == "April 7, 2023"

    @pytest.mark.parametrize(("number", "text"), [(0, "0 days"), (1, "1 day")])
    def test_numbers_take_their_form(self, number: int, text: str) -> None:
        """One is one; none is many."""
        assert words("en", "CN").count("%(num)s day", "%(num)s days", number) == text
