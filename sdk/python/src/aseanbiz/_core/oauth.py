"""Tokens seen from outside: what they are good for, and their end."""

from aseanbiz._core.answers import read
from aseanbiz._core.commands import Operation
from aseanbiz._core.credentials import Given, GrantToken
from aseanbiz._core.exchange import Call, exchange
from aseanbiz._core.forms import FORM, form
from aseanbiz._core.setup import Setup
from aseanbiz._models import Introspection
from aseanbiz._secret import Secret


def introspect(
    setup: Setup, token: Secret, timeout: float | None
) -> Operation[Introspection]:
    """Return what the token is good for now (RFC 7662)."""
    call = _about(setup, "/oauth/introspect", token, timeout)
    return read((yield from exchange(setup, call)), Introspection)


def revoke(setup: Setup, token: Secret, timeout: float | None) -> Operation[None]:
    """End a token; an unknown one is no error (RFC 7009 §2.2)."""
    yield from exchange(setup, _about(setup, "/oauth/revoke", token, timeout))


def end(setup: Setup, grant: str, timeout: float | None) -> Operation[None]:
    """Forget the tokens of a grant set, and revoke them if there are any.

    First the copy at hand, so that it is not used again if the gateway cannot
    be reached.
    """
    forgotten = yield from GrantToken(setup, grant).forget()
    if forgotten is not None:
        yield from revoke(setup, forgotten.access, timeout)


def _about(setup: Setup, path: str, token: Secret, timeout: float | None) -> Call:
    return Call(
        method="POST",
        path=path,
        credentials=Given(setup.auth.basic()),
        body=form({"token": token}),
        media_type=FORM,
        oauth=True,
        timeout=timeout,
    )
