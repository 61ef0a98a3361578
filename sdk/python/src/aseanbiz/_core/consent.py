"""The consent flow of the standard profile: authorization code with PKCE."""

from collections.abc import Sequence
from datetime import timedelta

import msgspec

from aseanbiz._core.answers import read
from aseanbiz._core.commands import Operation, now, today
from aseanbiz._core.credentials import Given, GrantToken, TokenAnswer, checked_type
from aseanbiz._core.exchange import Call, exchange
from aseanbiz._core.forms import FORM, form
from aseanbiz._core.setup import Setup
from aseanbiz._core.token_store import GrantTokens
from aseanbiz._errors import CallbackRejected, ConnectFailed
from aseanbiz._ids import GrantSetId
from aseanbiz._models import Flow, GrantedItem, GrantSet, Want
from aseanbiz._policy import consenting
from aseanbiz._policy.addresses import query_of
from aseanbiz._policy.consenting import LONGEST_FLOW, Pending
from aseanbiz._secret import Secret


class _CodeAnswer(TokenAnswer, frozen=True, kw_only=True):
    grant_id: GrantSetId
    scope: str = ""
    authorization_details: tuple[GrantedItem, ...] = ()


def start(
    setup: Setup,
    wants: Sequence[Want],
    *,
    purpose: str,
    redirect_uri: str,
    locale: str | None,
) -> Operation[Flow]:
    """Return where to send the browser, and what `finish` needs; sends nothing."""
    if not wants:
        raise ValueError("name at least one capability that is wanted")
    pending = Pending(
        client=setup.auth.id,
        issuer=setup.issuer,
        state=setup.new_key(),
        nonce=setup.new_nonce(),
        redirect_uri=redirect_uri,
        begun_at=(yield from today()).timestamp(),
    )
    secret = setup.auth.secret
    details = msgspec.json.encode(consenting.details_of(wants, purpose)).decode()
    query = query_of(
        {
            "response_type": "code",
            "client_id": setup.auth.id,
            "redirect_uri": redirect_uri,
            "scope": " ".join(dict.fromkeys(want.capability for want in wants)),
            "state": pending.state,
            "code_challenge": consenting.challenge_of(
                consenting.verifier_of(pending, secret)
            ),
            "code_challenge_method": "S256",
            "authorization_details": details,
            "ui_locales": locale,
        }
    )
    url = f"{setup.issuer}/oauth/authorize{query}"
    return Flow(url=url, state=consenting.seal(pending, secret))


def finish(
    setup: Setup, state: bytes, callback_url: str, timeout: float | None
) -> Operation[GrantSet]:
    """Return what the user gave, its token kept in the store.

    Raises `CallbackRejected` for a callback that is not the answer to this
    flow, is older than 30 minutes, or was accepted before.
    """
    secret = setup.auth.secret
    pending = consenting.unseal(state, secret)
    age = (yield from today()).timestamp() - pending.begun_at
    foreign = (pending.client, pending.issuer) != (setup.auth.id, setup.issuer)
    if foreign or not 0 <= age < LONGEST_FLOW:
        raise CallbackRejected("state")
    code = consenting.code_of(callback_url, pending)
    if not setup.used_states.claim(pending.state, (yield from now()), LONGEST_FLOW):
        raise CallbackRejected("state")
    try:
        return (yield from _redeem(setup, pending, code, timeout))
    except ConnectFailed as failure:
        if not failure.sent:
            setup.used_states.give_back(pending.state)
        raise


def _redeem(
    setup: Setup, pending: Pending, code: Secret, timeout: float | None
) -> Operation[GrantSet]:
    """Exchange the code (RFC 6749 §4.1.3).

    Not repeatable: a second use of a code revokes what the first one brought.
    """
    call = Call(
        method="POST",
        path="/oauth/token",
        credentials=Given(setup.auth.basic()),
        body=form(
            {
                "grant_type": "authorization_code",
                "code": code,
                "redirect_uri": pending.redirect_uri,
                "code_verifier": consenting.verifier_of(pending, setup.auth.secret),
            }
        ),
        media_type=FORM,
        repeatable=False,
        oauth=True,
        timeout=timeout,
    )
    begun = yield from today()
    token = read((yield from exchange(setup, call)), _CodeAnswer)
    checked_type(token.token_type)
    expires_at = begun + timedelta(seconds=token.expires_in)
    yield from GrantToken(setup, token.grant_id).keep(
        GrantTokens(
            grant=token.grant_id, access=token.access_token, expires_at=expires_at
        )
    )
    return GrantSet(
        id=token.grant_id,
        items=token.authorization_details,
        scope=tuple(token.scope.split()),
        token_expires_at=expires_at,
    )
