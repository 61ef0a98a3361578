"""What the browser brought back from WeChat, judged before anything is done."""

import re
from collections import Counter
from collections.abc import Iterable
from typing import Final, Literal

import msgspec

from oauth_wechat.authorize import is_state
from oauth_wechat.secret import Secret

Refusal = Literal["state_only", "empty_code", "authdeny", "deny_and_code"]
MalformedReason = Literal[
    "repeated", "state_missing", "state_unreadable", "code_unreadable"
]

_AUTHDENY: Final = "authdeny"
_CODE: Final = re.compile(r"[!-~]{1,512}", re.ASCII)  # visible ASCII, bounded
# Names under which a refusal was seen or may be spelled. A harmless value
# (errcode=0) is no refusal; anything else is, an empty value included.
_DENIALS: Final = frozenset(
    {"error", "errcode", "errmsg", "deny", "authdeny", "auth_deny"}
)
_HARMLESS: Final = frozenset({"0", "ok"})


class Code(msgspec.Struct, frozen=True, kw_only=True):
    """The user said yes; the code is worth one exchange if the state is ours."""

    code: Secret
    state: str


class Refused(msgspec.Struct, frozen=True, kw_only=True):
    """The user said no: consume the state, keep nothing, exchange nothing."""

    state: str
    shape: Refusal


class Malformed(msgspec.Struct, frozen=True, kw_only=True):
    """Not a callback of WeChat's; answer with a generic error."""

    reason: MalformedReason


Callback = Code | Refused | Malformed


def read_callback(parameters: Iterable[tuple[str, str]]) -> Callback:
    """Judge the query parameters of a callback, decoded, in order of arrival.

    A refusal has four shapes: the state alone, an empty code, the word
    ``authdeny`` in place of the code, or a code beside a sign of refusal. In
    the last, the code is dropped here, so that nobody can exchange it (R38).
    The fifth shape, no callback at all, is for the clock: `LOGIN_LIVES`.

    A repeated parameter is malformed whichever it is, because readers differ
    in which of the two they believe. Whether the state is known, unused and
    bound to this browser is for the caller, who stores it.
    """
    pairs = list(parameters)
    if any(count > 1 for count in Counter(name for name, _ in pairs).values()):
        return Malformed(reason="repeated")
    values = dict(pairs)
    state = values.get("state", "")
    if not state:
        return Malformed(reason="state_missing")
    if not is_state(state):
        return Malformed(reason="state_unreadable")
    code = values.get("code")
    shape = _refusal(code, values)
    if shape is not None:
        return Refused(state=state, shape=shape)
    if code is None or _CODE.fullmatch(code) is None:
        return Malformed(reason="code_unreadable")
    return Code(code=Secret(code), state=state)


def _refusal(code: str | None, values: dict[str, str]) -> Refusal | None:
    """Return how the callback says no, None when it does not."""
    if code is None:
        return "state_only"
    if not code.strip():
        return "empty_code"
    if code.strip().lower() == _AUTHDENY:
        return "authdeny"
    denied = any(
        name.lower() in _DENIALS and value.strip().lower() not in _HARMLESS
        for name, value in values.items()
    )
    return "deny_and_code" if denied else None
