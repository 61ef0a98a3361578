"""A value that must not be seen by accident."""

import hmac
from typing import NoReturn


class Secret:
    """Hold a token, key or code; only `reveal` lets it out.

    repr, str and format show a fixed text, so that logs and tracebacks with
    local variables stay clean. It refuses to be pickled: whoever stores it
    must say so, and seal it.
    """

    __slots__ = ("_value",)

    def __init__(self, value: str) -> None:
        self._value = value

    def reveal(self) -> str:
        """Return the value itself; keep it out of logs and exceptions."""
        return self._value

    def __repr__(self) -> str:
        return "Secret(hidden)"

    __str__ = __repr__

    def __format__(self, spec: str) -> str:
        return format(repr(self), spec)

    def __eq__(self, other: object) -> bool:
        # In constant time: a comparison that stops early tells a prefix.
        return isinstance(other, Secret) and hmac.compare_digest(
            self._value.encode(), other._value.encode()
        )

    def __hash__(self) -> int:
        return hash(self._value)

    def __reduce__(self) -> NoReturn:
        raise TypeError("a Secret does not pickle; store reveal() where it is sealed")
