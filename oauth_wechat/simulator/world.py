"""Everything the simulator remembers: apps, users, attempts, codes, tokens."""

from collections import deque
from collections.abc import Callable, Iterable
from datetime import UTC, datetime, timedelta
from typing import Final
from urllib.parse import parse_qsl, urlencode, urlsplit, urlunsplit

import msgspec

from oauth_wechat.simulator.attempt import Status, Trigger, after, aged
from oauth_wechat.simulator.knobs import DenyStyle, KnobBoard, Knobs
from oauth_wechat.simulator.model import SimulatedApp, SimulatedUser

_MOST_LOGGED: Final = 10_000
_ALPHABET: Final = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"


class Attempt(msgspec.Struct, kw_only=True):
    """One QR code on one screen, and what became of it."""

    uuid: str
    app: SimulatedApp
    redirect_uri: str
    state: str
    lang: str
    opened_at: datetime
    knobs: Knobs
    deny_style: DenyStyle
    user: str
    status: Status = Status.WAITING
    confirmed_at: datetime | None = None
    codes: list[str] = msgspec.field(default_factory=list)
    callbacks: list[str] = msgspec.field(default_factory=list)


class Token(msgspec.Struct, kw_only=True):
    """A user's access token with the refresh token that renews it."""

    app: SimulatedApp
    user: str
    openid: str
    access_token: str
    refresh_token: str
    expires_at: datetime
    refresh_ends_at: datetime


class Logged(msgspec.Struct, frozen=True, kw_only=True):
    """One request as the log keeps it: no query, so no secret and no code."""

    at: datetime
    method: str
    path: str
    appid: str | None
    outcome: str


class World:
    """The simulated WeChat without its web pages; time and chance are given.

    ``clock`` returns an aware instant, ``random`` n bytes (a seeded
    ``random.Random(7).randbytes`` makes every code repeatable).
    """

    def __init__(
        self,
        apps: Iterable[SimulatedApp],
        users: Iterable[SimulatedUser],
        clock: Callable[[], datetime],
        random: Callable[[int], bytes],
    ) -> None:
        self.apps = {app.appid: app for app in apps}
        self._first_users = tuple(users)
        if not self.apps or not self._first_users:
            raise ValueError("the simulator needs at least one app and one user")
        self._clock, self._random = clock, random
        self.reset()

    def reset(self) -> None:
        """Forget everything but apps and users as first given."""
        self.users = {user.id: user for user in self._first_users}
        self.knobs = KnobBoard()
        self.attempts: dict[str, Attempt] = {}
        self.codes: dict[str, Attempt] = {}
        self.tokens: dict[str, Token] = {}
        self.log: deque[Logged] = deque(maxlen=_MOST_LOGGED)
        self._ahead = timedelta(0)

    def now(self) -> datetime:
        """Return the clock's time plus what it was advanced by."""
        return self._clock().astimezone(UTC) + self._ahead

    def advance(self, by: timedelta) -> None:
        """Let time pass; it never runs back."""
        if by < timedelta(0):
            raise ValueError("time can only be advanced forward")
        self._ahead += by

    def record(self, method: str, path: str, appid: str | None, outcome: str) -> None:
        """Note one request in the log."""
        self.log.append(
            Logged(
                at=self.now(), method=method, path=path, appid=appid, outcome=outcome
            )
        )

    def text(self, characters: int) -> str:
        """Return random letters and digits."""
        return "".join(_ALPHABET[byte % 62] for byte in self._random(characters))

    def open(
        self, app: SimulatedApp, redirect_uri: str, state: str, lang: str, knobs: Knobs
    ) -> Attempt:
        """Show a new QR code; `QR_LIVES` from now it is gone."""
        attempt = Attempt(
            uuid=self.text(16),
            app=app,
            redirect_uri=redirect_uri,
            state=state,
            lang=lang,
            opened_at=self.now(),
            knobs=knobs,
            deny_style=knobs.deny_style,
            user=next(iter(self.users)),
        )
        self.attempts[attempt.uuid] = attempt
        return attempt

    def attempt(self, uuid: str) -> Attempt | None:
        """Return the attempt as it stands now, None for an unknown uuid."""
        attempt = self.attempts.get(uuid)
        if attempt is not None:
            attempt.status = aged(
                attempt.status,
                opened_at=attempt.opened_at,
                confirmed_at=attempt.confirmed_at,
                now=self.now(),
            )
        return attempt

    def step(self, attempt: Attempt, trigger: Trigger) -> None:
        """Move the attempt; raises NotPossible and then changes nothing."""
        attempt.status = after(attempt.status, trigger)
        if attempt.status is Status.CONFIRMED:
            attempt.confirmed_at = self.now()
            self._issue_codes(attempt)
        elif attempt.status is Status.CANCELLED:
            self._refuse(attempt)

    def _issue_codes(self, attempt: Attempt) -> None:
        codes = [self.text(32)]
        if attempt.knobs.duplicate_callback == "second_code":
            codes.append(self.text(32))
        for code in codes:
            self.codes[code] = attempt
        attempt.codes = codes
        attempt.callbacks = [
            _with(attempt.redirect_uri, code=code, state=attempt.state)
            for code in codes
        ]
        if attempt.knobs.duplicate_callback == "same_code":
            attempt.callbacks *= 2

    def _refuse(self, attempt: Attempt) -> None:
        match attempt.deny_style:
            case "none":
                attempt.callbacks = []
            case "state_only":
                attempt.callbacks = [_with(attempt.redirect_uri, state=attempt.state)]
            case "authdeny":
                attempt.callbacks = [
                    _with(attempt.redirect_uri, code="authdeny", state=attempt.state)
                ]


def _with(redirect_uri: str, **parameters: str) -> str:
    """Return the redirect URI with parameters added behind its own."""
    parts = urlsplit(redirect_uri)
    query = [*parse_qsl(parts.query, keep_blank_values=True), *parameters.items()]
    return urlunsplit(parts._replace(query=urlencode(query)))
