"""The client of the AseanBiz Gateway: ask before you use, and know why not.

Names are loaded when they are first used, so importing this package costs
next to nothing and loads no HTTP client.
"""

from importlib import import_module
from typing import TYPE_CHECKING

from aseanbiz._version import __version__

if TYPE_CHECKING:
    from aseanbiz._aio.gateway import AsyncGateway
    from aseanbiz._aio.pager import AsyncPager
    from aseanbiz._blocking.gateway import Gateway
    from aseanbiz._blocking.pager import Pager
    from aseanbiz._clock import AsyncClock, Clock
    from aseanbiz._core.token_store import (
        GrantTokens,
        MemoryTokenStore,
        TokenStore,
        Versioned,
    )
    from aseanbiz._decisions import Allow, Ask, AskOffer, Decision, Deny, Origin, Reason
    from aseanbiz._drive.httpx2_aio import AsyncHttpx2Transport
    from aseanbiz._drive.httpx2_blocking import Httpx2Transport
    from aseanbiz._errors import (
        ApiError,
        AskRequired,
        CallbackRejected,
        ConfigError,
        Conflict,
        ConnectFailed,
        DeadlineExceeded,
        DecisionError,
        Denied,
        GatewayError,
        Gone,
        GrantEnded,
        IdempotencyMismatch,
        InvalidRequest,
        NotAllowed,
        NotAuthenticated,
        NotFound,
        OAuthFailure,
        Problem,
        ProtocolViolation,
        RateLimited,
        ReleaseExpired,
        ServerFault,
        TransportFailure,
    )
    from aseanbiz._ids import (
        AskId,
        GrantId,
        GrantSetId,
        ReceiptId,
        ReleaseId,
        SubjectId,
    )
    from aseanbiz._models import (
        AskResult,
        AskTicket,
        Client,
        Control,
        Flow,
        FlowState,
        Grant,
        GrantedItem,
        GrantSet,
        Introspection,
        Notice,
        Page,
        RawResponse,
        Receipt,
        Release,
        Session,
        Stored,
        Subject,
        Want,
        Withdrawal,
        Withheld,
    )
    from aseanbiz._secret import Secret
    from aseanbiz._settings import Auth, ClientSecret, Retries, Timeout
    from aseanbiz._transport import AsyncTransport, Request, Response, Transport

__all__ = [
    "Allow",
    "ApiError",
    "Ask",
    "AskId",
    "AskOffer",
    "AskRequired",
    "AskResult",
    "AskTicket",
    "AsyncClock",
    "AsyncGateway",
    "AsyncHttpx2Transport",
    "AsyncPager",
    "AsyncTransport",
    "Auth",
    "CallbackRejected",
    "Client",
    "ClientSecret",
    "Clock",
    "ConfigError",
    "Conflict",
    "ConnectFailed",
    "Control",
    "DeadlineExceeded",
    "Decision",
    "DecisionError",
    "Denied",
    "Deny",
    "Flow",
    "FlowState",
    "Gateway",
    "GatewayError",
    "Gone",
    "Grant",
    "GrantEnded",
    "GrantId",
    "GrantSet",
    "GrantSetId",
    "GrantTokens",
    "GrantedItem",
    "Httpx2Transport",
    "IdempotencyMismatch",
    "Introspection",
    "InvalidRequest",
    "MemoryTokenStore",
    "NotAllowed",
    "NotAuthenticated",
    "NotFound",
    "Notice",
    "OAuthFailure",
    "Origin",
    "Page",
    "Pager",
    "Problem",
    "ProtocolViolation",
    "RateLimited",
    "RawResponse",
    "Reason",
    "Receipt",
    "ReceiptId",
    "Release",
    "ReleaseExpired",
    "ReleaseId",
    "Request",
    "Response",
    "Retries",
    "Secret",
    "ServerFault",
    "Session",
    "Stored",
    "Subject",
    "SubjectId",
    "Timeout",
    "TokenStore",
    "Transport",
    "TransportFailure",
    "Versioned",
    "Want",
    "Withdrawal",
    "Withheld",
    "__version__",
]

_HOMES = {
    name: home
    for home, names in {
        "_aio.gateway": "AsyncGateway",
        "_aio.pager": "AsyncPager",
        "_blocking.gateway": "Gateway",
        "_blocking.pager": "Pager",
        "_clock": "AsyncClock Clock",
        "_core.token_store": "GrantTokens MemoryTokenStore TokenStore Versioned",
        "_decisions": "Allow Ask AskOffer Decision Deny Origin Reason",
        "_drive.httpx2_aio": "AsyncHttpx2Transport",
        "_drive.httpx2_blocking": "Httpx2Transport",
        "_errors": (
            "ApiError AskRequired CallbackRejected ConfigError Conflict "
            "ConnectFailed DeadlineExceeded DecisionError Denied GatewayError "
            "Gone GrantEnded IdempotencyMismatch InvalidRequest NotAllowed "
            "NotAuthenticated NotFound OAuthFailure Problem ProtocolViolation "
            "RateLimited ReleaseExpired ServerFault TransportFailure"
        ),
        "_ids": "AskId GrantId GrantSetId ReceiptId ReleaseId SubjectId",
        "_models": (
            "AskResult AskTicket Client Control Flow FlowState Grant "
            "GrantedItem GrantSet Introspection Notice Page RawResponse Receipt "
            "Release Session Stored Subject Want Withdrawal Withheld"
        ),
        "_secret": "Secret",
        "_settings": "Auth ClientSecret Retries Timeout",
        "_transport": "AsyncTransport Request Response Transport",
    }.items()
    for name in names.split()
}


def __getattr__(name: str) -> object:
    home = _HOMES.get(name)
    if home is None:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    value: object = getattr(import_module(f"aseanbiz.{home}"), name)
    globals()[name] = value  # the next time it is found at once
    return value


def __dir__() -> list[str]:
    return sorted(__all__)
