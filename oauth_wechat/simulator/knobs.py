"""The levers of the simulator: what should go wrong, for whom, how often."""

from typing import Annotated, Literal

import msgspec

UserAction = Literal["manual", "allow", "cancel", "disallow", "ignore"]
DenyStyle = Literal["none", "state_only", "authdeny"]
DuplicateCallback = Literal["off", "same_code", "second_code"]
CodeFate = Literal["ok", "expired", "used", "foreign_app"]
Fault = Literal["http_502", "reset", "truncated", "html_body"]
Encoding = Literal[
    "text_plain_nocharset",
    "utf8",
    "encoding_param",
    "gbk_bytes",
    "bom",
    "control_chars",
    "pua_emoji",
]
ErrmsgSuffix = Literal["none", "rid", "hints"]
_Count = Annotated[int, msgspec.Meta(ge=0, le=1000)]


class Knobs(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """All levers in force for one request; the defaults are an ordinary day.

    ``user_action``, ``deny_style`` and ``duplicate_callback`` are read when a
    QR page is opened, the others at each call of the API. ``fault`` is an
    errcode or the name of a broken transport.
    """

    user_action: UserAction = "manual"
    deny_style: DenyStyle = "none"
    duplicate_callback: DuplicateCallback = "off"
    code: CodeFate = "ok"
    fault: int | Fault | None = None
    busy_times: _Count = 0
    consume_code_on_busy: bool = False
    latency_ms: Annotated[int, msgspec.Meta(ge=0, le=60_000)] = 0
    encoding: Encoding = "text_plain_nocharset"
    errmsg_suffix: ErrmsgSuffix = "rid"
    errcode_zero_on_success: bool = False
    snapshot: bool = False
    omit_unionid: bool = False


class KnobChange(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A change of some knobs, for all requests or for fewer.

    ``appid`` limits it to one app; ``next`` to that many QR pages and API
    calls, after which it is gone.
    """

    values: dict[str, bool | int | str | None]
    appid: str | None = None
    next: Annotated[int, msgspec.Meta(ge=1)] | None = None


class KnobBoard:
    """Hold the changes made and say what is in force; the newest wins."""

    def __init__(self) -> None:
        self._changes: list[_Live] = []

    def turn(self, change: KnobChange) -> None:
        """Apply a change.

        Raises msgspec.ValidationError for an unknown knob or value.
        """
        msgspec.convert(change.values, Knobs)
        self._changes.append(_Live(change))

    def peek(self, appid: str | None) -> Knobs:
        """Return what is in force for this app; `read` also counts."""
        values: dict[str, bool | int | str | None] = {}
        for live in self._changes:
            if live.concerns(appid):
                values.update(live.values)
        return msgspec.convert(values, Knobs)

    def read(self, appid: str | None) -> Knobs:
        """Return what is in force for a request of this app, and count it."""
        knobs = self.peek(appid)
        for live in self._changes:
            if live.concerns(appid):
                live.count()
        self._changes = [live for live in self._changes if not live.is_spent()]
        return knobs

    def take_busy(self, appid: str | None) -> bool:
        """Say whether this call is answered "busy", and use up one of them."""
        for live in reversed(self._changes):
            left = live.values.get("busy_times")
            if live.concerns(appid) and isinstance(left, int):
                live.values["busy_times"] = max(0, left - 1)
                return left > 0
        return False


class _Live:
    """A change in force, with what is left of it."""

    def __init__(self, change: KnobChange) -> None:
        self.values = dict(change.values)
        self._appid, self._left = change.appid, change.next

    def concerns(self, appid: str | None) -> bool:
        return self._appid is None or self._appid == appid

    def count(self) -> None:
        if self._left is not None:
            self._left -= 1

    def is_spent(self) -> bool:
        return self._left is not None and self._left <= 0
