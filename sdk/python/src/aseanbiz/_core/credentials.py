"""Where the Authorization value of a call comes from."""

import msgspec

from aseanbiz._core.answers import read
from aseanbiz._core.commands import Operation, load, lock, now, save, today
from aseanbiz._core.exchange import Answer, Call, Deadline, exchange
from aseanbiz._core.forms import FORM, form
from aseanbiz._core.setup import Setup
from aseanbiz._core.token_store import GrantTokens
from aseanbiz._errors import (
    DeadlineExceeded,
    GrantEnded,
    ProtocolViolation,
    RateLimited,
    ServerFault,
    TransportFailure,
)
from aseanbiz._ids import GrantSetId
from aseanbiz._policy.freshness import refresh_at
from aseanbiz._secret import Secret

RENEWAL_PAUSE = 5.0
"""Seconds after a failed renewal in which a working token is left in peace."""


class TokenAnswer(msgspec.Struct, frozen=True, kw_only=True):
    """What the token endpoint says in every grant type (RFC 6749 §5.1)."""

    access_token: Secret
    token_type: str
    expires_in: int


def bearer(token: Secret) -> Secret:
    """Return the Authorization value for a token."""
    return Secret(f"Bearer {token.reveal()}")


def checked_type(token_type: str) -> None:
    """Refuse a token that is not presented as Bearer (RFC 6749 §7.1)."""
    if token_type.lower() != "bearer":
        raise ProtocolViolation("the token is of an unknown type")


class Given:
    """A value at hand: the client's own Basic, or a token from elsewhere."""

    def __init__(self, value: Secret) -> None:
        self._value = value

    def obtain(self, deadline: Deadline) -> Operation[Secret]:  # noqa: ARG002 - at once
        """Return the value."""
        return self._value
        yield  # an operation, though it has nothing to ask for

    def refused(self, value: Secret) -> bool:  # noqa: ARG002 - there is one
        """Nothing better can be had."""
        return False


class _Fetched(msgspec.Struct, frozen=True):
    value: Secret
    refresh_at: float
    expires_at: float


class ClientToken:
    """The client-credentials token (RFC 6749 §4.4), in memory, fetched by one.

    It is renewed from 80 % of its life on; meanwhile the others go on with
    the one that still works. A failed renewal of a working token is no error.
    """

    def __init__(self, setup: Setup) -> None:
        self._setup = setup
        self._fetched: _Fetched | None = None

    def obtain(self, deadline: Deadline) -> Operation[Secret]:
        """Return the value, fetching it first if none works."""
        moment = yield from now()
        found = self._fetched
        if found and moment < found.refresh_at:
            return found.value
        works = found is not None and moment < found.expires_at
        wait = 0.0 if works else deadline.left(moment, "token")
        held = yield from lock("client token", wait)
        if held is None:
            if found is not None and works:
                return found.value  # somebody else is at it
            raise DeadlineExceeded(deadline=deadline.total, phase="token", sent=False)
        try:
            if self._fetched is not None and self._fetched is not found:
                return self._fetched.value  # fetched while this one waited
            if found is not None and works:
                self._fetched = yield from self._renew(found, moment, deadline)
            else:
                self._fetched = yield from self._fetch(deadline)
            return self._fetched.value
        finally:
            held.release()

    def refused(self, value: Secret) -> bool:
        """Forget the token, unless a newer one is here already."""
        if self._fetched is not None and self._fetched.value == value:
            self._fetched = None
        return True

    def _renew(
        self, found: _Fetched, moment: float, deadline: Deadline
    ) -> Operation[_Fetched]:
        """Return a new token, or the old one if that fails: it still works."""
        half = moment + (deadline.at - moment) / 2  # the call itself needs the rest
        try:
            return (yield from self._fetch(Deadline(deadline.total, half)))
        except (TransportFailure, ServerFault, RateLimited, ProtocolViolation):
            return msgspec.structs.replace(found, refresh_at=half + RENEWAL_PAUSE)

    def _fetch(self, deadline: Deadline) -> Operation[_Fetched]:
        call = Call(
            method="POST",
            path="/oauth/token",
            credentials=Given(self._setup.auth.basic()),
            body=form({"grant_type": "client_credentials"}),
            media_type=FORM,
            oauth=True,
        )
        answer: Answer = yield from exchange(self._setup, call, deadline)
        token = read(answer, TokenAnswer)
        checked_type(token.token_type)
        # Counted from the send: a slow answer must not lengthen the life.
        return _Fetched(
            bearer(token.access_token),
            refresh_at(answer.sent_at, token.expires_in, self._setup.random),
            answer.sent_at + token.expires_in,
        )


class GrantToken:
    """The access token of one grant set, from the token store."""

    def __init__(self, setup: Setup, grant: str) -> None:
        self._grant = GrantSetId(grant)
        self._key = f"{setup.auth.id}:{grant}"

    def obtain(self, deadline: Deadline) -> Operation[Secret]:  # noqa: ARG002 - at once
        """Return the value, or raise `GrantEnded`: only consent brings another."""
        return bearer((yield from self.tokens()).access)

    def refused(self, value: Secret) -> bool:  # noqa: ARG002 - there is one
        """Nothing better can be had; the caller forgets the tokens."""
        return False

    def tokens(self) -> Operation[GrantTokens]:
        """Return the live tokens, or raise `GrantEnded`."""
        found = yield from load(self._key)
        if found is None:
            raise GrantEnded(self._grant, "unknown")
        if (yield from today()) >= found.tokens.expires_at:
            raise GrantEnded(self._grant, "token_expired")
        return found.tokens

    def keep(self, tokens: GrantTokens) -> Operation[None]:
        """Put new tokens in the place of whatever is there."""
        kept = False
        while not kept:  # each failure means that somebody else got through
            found = yield from load(self._key)
            version = found.version if found else None
            kept = yield from save(self._key, version, tokens)

    def forget(self) -> Operation[GrantTokens | None]:
        """Drop the tokens, expired ones too; return what was there."""
        found = yield from load(self._key)
        if found is None:
            return None
        # If this fails, newer tokens have come: those are not ours to drop.
        yield from save(self._key, found.version, None)
        return found.tokens
