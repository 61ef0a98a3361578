"""A text that must be asked for by name before it shows itself."""

import hmac
from typing import NoReturn


class Secret:
    """Hold an app secret or a code; print as dots wherever it is printed.

    `reveal` is the only way to the text, so a search for it finds every use.
    Comparing takes the same time wherever the difference lies. Pickling is
    refused: a secret in a queue or a cache is a secret lost.
    """

    __slots__ = ("_text",)

    def __init__(self, text: str) -> None:
        if not text:
            raise ValueError("a secret must not be empty; set it or leave it out")
        self._text = text

    def reveal(self) -> str:
        """Return the text; the caller now answers for where it goes."""
        return self._text

    def __repr__(self) -> str:
        return "Secret(•••)"

    def __str__(self) -> str:
        return "•••"

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, Secret):
            return NotImplemented
        return hmac.compare_digest(self._text.encode(), other._text.encode())

    def __hash__(self) -> int:
        return hash(self._text)

    def __deepcopy__(self, memo: object) -> "Secret":
        return self  # immutable; frameworks copy the settings that hold it

    def __reduce__(self) -> NoReturn:
        raise TypeError("a Secret is not pickled; hand over the text on purpose")
