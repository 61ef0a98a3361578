"""The client."""

from collections.abc import Sequence
from types import TracebackType
from typing import NoReturn, Self

from aseanbiz._aio.asks import AsyncAsks
from aseanbiz._aio.consent import AsyncConsent, AsyncGrantHandle
from aseanbiz._aio.me import AsyncMe
from aseanbiz._aio.raw import AsyncRaw
from aseanbiz._aio.subjects import AsyncSubjects
from aseanbiz._clock import AsyncClock
from aseanbiz._core import checks, oauth
from aseanbiz._core.checks import Check
from aseanbiz._core.credentials import ClientToken
from aseanbiz._core.setup import Setup
from aseanbiz._core.token_store import MemoryTokenStore, TokenStore
from aseanbiz._decisions import Allow, Decision
from aseanbiz._drive.aio import AsyncDriver
from aseanbiz._drive.clocks import AsyncSystemClock
from aseanbiz._models import Introspection
from aseanbiz._secret import Secret
from aseanbiz._settings import (
    Auth,
    Retries,
    Timeout,
    env_auth,
    env_option,
    env_setting,
)
from aseanbiz._transport import AsyncTransport


class AsyncGateway:
    """A client of one gateway; make one, share it, close it at the end.

    Making it does no I/O. Every method takes ``timeout``, in seconds for the
    whole call, which can only shorten the client's own; writes take
    ``idempotency_key``, to repeat tomorrow an act whose outcome is unknown.
    """

    def __init__(
        self,
        url: str,
        *,
        auth: Auth,
        issuer: str | None = None,
        tokens: TokenStore | None = None,
        timeout: Timeout | None = None,
        retries: Retries | None = None,
        transport: AsyncTransport | None = None,
        clock: AsyncClock | None = None,
    ) -> None:
        """Set the client up.

        ``issuer`` is the gateway's public URL, if ``url`` is an inner one;
        ``clock`` is there for tests.
        """
        self._setup = Setup(url, auth, issuer=issuer, timeout=timeout, retries=retries)
        self._token = ClientToken(self._setup)
        self._driver = AsyncDriver(
            _default_transport() if transport is None else transport,
            MemoryTokenStore() if tokens is None else tokens,
            AsyncSystemClock() if clock is None else clock,
        )
        self.subjects = AsyncSubjects(self._driver, self._setup, self._token)
        self.asks = AsyncAsks(self._driver, self._setup, self._token)
        self.consent = AsyncConsent(self._driver, self._setup)
        self.raw = AsyncRaw(self._driver, self._setup, self._token)

    @classmethod
    def from_env(
        cls,
        *,
        url: str | None = None,
        auth: Auth | None = None,
        issuer: str | None = None,
        tokens: TokenStore | None = None,
        timeout: Timeout | None = None,
        retries: Retries | None = None,
        transport: AsyncTransport | None = None,
        clock: AsyncClock | None = None,
    ) -> Self:
        """Set the client up from the environment; what is given here wins.

        Reads ASEANBIZ_URL, ASEANBIZ_CLIENT_ID, ASEANBIZ_CLIENT_SECRET and,
        if set, ASEANBIZ_ISSUER. Raises `ConfigError` naming what is missing.
        """
        return cls(
            env_setting("URL") if url is None else url,
            auth=env_auth() if auth is None else auth,
            issuer=env_option("ISSUER") if issuer is None else issuer,
            tokens=tokens,
            timeout=timeout,
            retries=retries,
            transport=transport,
            clock=clock,
        )

    async def check(
        self,
        subject: str,
        capability: str,
        *,
        purpose: str,
        client: str | None = None,
        device: str | None = None,
        scene: str | None = None,
        elements: Sequence[str] = (),
        record: str | None = None,
        use: bool = False,
        consistency: str = "lease",
        idempotency_key: str | None = None,
        timeout: float | None = None,
    ) -> Decision:
        """Return `Allow`, `Ask` or `Deny`; no answer at all is a `Deny`.

        ``use`` consumes a one-time grant; asked again under the same
        ``idempotency_key`` it is consumed once. ``consistency`` is "lease",
        "confirm", or a version returned earlier that must have been seen.
        """
        question = Check(
            subject=subject,
            capability=capability,
            purpose=purpose,
            client=client,
            device=device,
            scene=scene,
            elements=tuple(elements),
            record=record,
            use=use,
            consistency=consistency,
        )
        return await self._driver.run(
            checks.check(self._setup, self._token, question, idempotency_key, timeout)
        )

    async def require(
        self,
        subject: str,
        capability: str,
        *,
        purpose: str,
        client: str | None = None,
        device: str | None = None,
        scene: str | None = None,
        elements: Sequence[str] = (),
        record: str | None = None,
        use: bool = False,
        consistency: str = "lease",
        idempotency_key: str | None = None,
        timeout: float | None = None,
    ) -> Allow:
        """Return the `Allow`, else raise `AskRequired` or `Denied`."""
        question = Check(
            subject=subject,
            capability=capability,
            purpose=purpose,
            client=client,
            device=device,
            scene=scene,
            elements=tuple(elements),
            record=record,
            use=use,
            consistency=consistency,
        )
        return await self._driver.run(
            checks.require(self._setup, self._token, question, idempotency_key, timeout)
        )

    def me(self, user_token: Secret | str) -> AsyncMe:
        """Return what a user may do, with the token of `subjects.session`."""
        return AsyncMe(self._driver, self._setup, user_token)

    def grant(self, grant_id: str) -> AsyncGrantHandle:
        """Return the way to the data of one grant set, by its id."""
        return AsyncGrantHandle(self._driver, self._setup, grant_id)

    async def introspect(
        self, token: Secret | str, *, timeout: float | None = None
    ) -> Introspection:
        """Return what a token is good for now (RFC 7662)."""
        secret = Secret(token) if isinstance(token, str) else token
        return await self._driver.run(oauth.introspect(self._setup, secret, timeout))

    async def revoke(
        self, token: Secret | str, *, timeout: float | None = None
    ) -> None:
        """End a token; an unknown one is no error (RFC 7009)."""
        secret = Secret(token) if isinstance(token, str) else token
        await self._driver.run(oauth.revoke(self._setup, secret, timeout))

    async def aclose(self) -> None:
        """Give the connections back."""
        await self._driver.aclose()

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        await self.aclose()

    def __repr__(self) -> str:
        return f"AsyncGateway({self._setup.url!r})"

    def __reduce__(self) -> NoReturn:
        raise TypeError("a client does not pickle: pass its settings and make another")


def _default_transport() -> AsyncTransport:
    # Not at import: whoever brings a transport of their own never loads httpx2.
    from aseanbiz._drive.httpx2_aio import AsyncHttpx2Transport  # noqa: PLC0415

    return AsyncHttpx2Transport()
