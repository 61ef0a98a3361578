"""The words of the pages: translations, dates and names in a person's language.

Message ids are the English texts; other languages come from ``locale/*.po``. Texts
of the domain (purposes, questions, fallbacks) come from the catalogue instead.
"""

from __future__ import annotations

import unicodedata
from collections.abc import Iterable, Mapping
from datetime import date, datetime, timedelta, timezone
from functools import cache
from pathlib import Path
from typing import Final

from babel import Locale
from babel.core import negotiate_locale
from babel.dates import format_date, format_time
from babel.messages.pofile import read_po
from markupsafe import Markup

FOLDER: Final = Path(__file__).parent / "locale"

# None of these changes its clocks, so an offset is enough, and needs no zone files.
_OFFSETS: Final = {
    "BN": 8, "CN": 8, "HK": 8, "ID": 7, "KH": 7, "LA": 7, "MO": 8, "MY": 8, "PH": 8,
    "SG": 8, "TH": 7, "TW": 8, "VN": 7,
}  # fmt: skip

_LANGUAGES: Final = {"en": "English", "zh-CN": "简体中文"}

# What turns the reading direction or hides: a name must not pretend to be another.
_CONTROLS: Final = frozenset({"Cc", "Cf", "Cs", "Co", "Zl", "Zp"})


def plain(text: str) -> str:
    """Strip controls, bidirectional and invisible ones included, from outside text."""
    return "".join(
        " " if character in "\t\r\n" else character
        for character in text
        if character in "\t\r\n" or unicodedata.category(character) not in _CONTROLS
    ).strip()


class Words:
    """Everything that a page says in one language."""

    def __init__(self, locale: str, region: str, messages: Mapping[str, str]) -> None:
        self.locale = locale
        self._babel = Locale.parse(locale, sep="-")
        self._messages = messages
        self._zone = timezone(timedelta(hours=_OFFSETS.get(region, 0)))

    def say(self, message: str, **values: object) -> Markup:
        """Return a message with its ``%(name)s`` filled in and escaped."""
        text = Markup(self._messages.get(message) or message)  # noqa: S704 - our own text
        return text % values if values else text

    def count(self, one: str, many: str, number: int) -> Markup:
        """Return the message for a number; it may name it as ``%(num)s``."""
        return self.say(one if number == 1 else many, num=number)

    def day(self, at: datetime | date) -> str:
        """Return a date as people write it."""
        if isinstance(at, datetime):
            at = at.astimezone(self._zone).date()
        return format_date(at, format="long", locale=self._babel)

    def moment(self, at: datetime) -> str:
        """Return a date with its time of day, in the operator's own zone."""
        time = format_time(at, "HH:mm", tzinfo=self._zone, locale=self._babel)
        return f"{self.day(at)} {time}"

    @property
    def zone(self) -> str:
        """The zone of every time on the page, such as ``UTC+08:00``."""
        return str(self._zone)

    def territory(self, code: str) -> str:
        """Return the name of a country or region."""
        return str(self._babel.territories.get(code, code))

    def language(self, locale: str) -> str:
        """Return what a language calls itself."""
        return _LANGUAGES.get(locale, locale)

    def join(self, texts: Iterable[str]) -> str:
        """Join names in a row as the language does."""
        return ("、" if self.locale.startswith("zh") else ", ").join(texts)


@cache
def words(locale: str, region: str) -> Words:
    """Return the words of one language, reading its translations once."""
    return Words(locale, region, _messages(locale))


def _messages(locale: str) -> dict[str, str]:
    path = FOLDER / f"{locale.replace('-', '_')}.po"
    if not path.exists():
        return {}
    with path.open("rb") as file:
        found = read_po(file, locale=locale.replace("-", "_"))
    return {
        str(message.id): str(message.string)
        for message in found
        if message.id and message.string and not message.fuzzy
    }


def preferred(accept_language: str | None, locales: tuple[str, ...]) -> str:
    """Return the best of our languages for an Accept-Language header.

    Falls back to the first; a header too long or too odd to read counts as absent.
    """
    wanted = _ranked((accept_language or "")[:200])
    found = negotiate_locale(wanted, [tag.replace("-", "_") for tag in locales])
    if found is None:
        for tag in wanted:
            for ours in locales:
                if tag.split("_")[0] == ours.split("-")[0]:
                    return ours
        return locales[0]
    return found.replace("_", "-")


def _ranked(header: str) -> list[str]:
    ranked: list[tuple[float, int, str]] = []
    for place, part in enumerate(header.split(",")):
        tag, _, quality = part.partition(";")
        try:
            weight = float(quality.strip().removeprefix("q=")) if quality else 1.0
        except ValueError:
            continue
        if tag.strip() and weight > 0:
            ranked.append((-weight, place, tag.strip().replace("-", "_")))
    return [tag for _, _, tag in sorted(ranked)]
