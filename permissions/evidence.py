"""What proves an act: the text shown, the control used, the way it came in."""

from __future__ import annotations

from datetime import datetime
from typing import Literal

import msgspec

EvidenceClass = Literal["gateway_page", "app_rendered"]

# A control that says yes only when a person acts on it (R15).
UNSET_CONTROLS = frozenset({"unticked", "button"})


class Evidence(msgspec.Struct, frozen=True, kw_only=True):
    """What a person was shown and did, without anything about who they are.

    ``text_sha256`` is the lower-case hex SHA-256 of the exact text shown;
    ``initial`` is the state in which the control was shown; ``channel`` is where
    the act came from (``web``, ``app``); ``authentication`` how the person was
    known (``wechat``, ``handover``, ``user_token``).

    Source: R15; GB/T 42574 (keeping evidence); ISO/IEC TS 27560.
    """

    kind: EvidenceClass
    screen: str
    text_sha256: str
    locale: str
    control: str
    initial: str
    channel: str
    authentication: str
    policy_version: str
    shown_at: datetime
