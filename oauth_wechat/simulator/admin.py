"""The levers' HTTP side under ``/sim``: for tests and demos, behind a token."""

import hmac
from datetime import datetime, timedelta
from typing import Annotated

import msgspec
from litestar import Router, get, post
from litestar.connection import ASGIConnection
from litestar.datastructures import State
from litestar.di import NamedDependency
from litestar.exceptions import NotAuthorizedException, ValidationException
from litestar.handlers import BaseRouteHandler
from litestar.params import JSONBody, QueryParameter

from oauth_wechat.simulator.knobs import KnobChange, Knobs
from oauth_wechat.simulator.model import SimulatedUser, openid_of, unionid_of
from oauth_wechat.simulator.world import Logged, World


class Advance(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """How far to move the clock, in seconds."""

    seconds: Annotated[float, msgspec.Meta(ge=0, le=366 * 86400)]


class Moment(msgspec.Struct, frozen=True, kw_only=True):
    """What time the simulator thinks it is."""

    now: datetime


class UserView(msgspec.Struct, frozen=True, kw_only=True):
    """A user with the identifiers each app and platform account sees."""

    user: SimulatedUser
    openids: dict[str, str]
    unionids: dict[str, str]


class AttemptView(msgspec.Struct, frozen=True, kw_only=True):
    """An attempt as a test needs to see it; callbacks in order of delivery."""

    uuid: str
    appid: str
    user: str
    status: str
    opened_at: datetime
    callbacks: list[str]


@post("/reset", status_code=204)
async def reset(world: NamedDependency[World]) -> None:
    """Forget attempts, tokens, knobs, the log and the advance of the clock."""
    world.reset()


@get("/knobs")
async def show_knobs(
    world: NamedDependency[World],
    appid: Annotated[str | None, QueryParameter()] = None,
) -> Knobs:
    """Return what is in force."""
    return world.knobs.peek(appid)


@post("/knobs", status_code=200)
async def turn_knobs(
    data: JSONBody[KnobChange], world: NamedDependency[World]
) -> Knobs:
    """Apply a change; return what is then in force."""
    if data.appid is not None and data.appid not in world.apps:
        raise ValidationException("no such app")
    try:
        world.knobs.turn(data)
    except msgspec.ValidationError as error:
        raise ValidationException(str(error)) from error
    return world.knobs.peek(data.appid)


@post("/clock/advance", status_code=200)
async def advance(data: JSONBody[Advance], world: NamedDependency[World]) -> Moment:
    """Let time pass."""
    world.advance(timedelta(seconds=data.seconds))
    return Moment(now=world.now())


@get("/users")
async def show_users(world: NamedDependency[World]) -> list[UserView]:
    """Return the users and who they are to each app."""
    return [
        UserView(
            user=user,
            openids={appid: openid_of(appid, user.id) for appid in world.apps},
            unionids={
                app.platform_account: unionid_of(app.platform_account, user.id)
                for app in world.apps.values()
            },
        )
        for user in world.users.values()
    ]


@post("/users")
async def put_user(
    data: JSONBody[SimulatedUser], world: NamedDependency[World]
) -> SimulatedUser:
    """Add a user, or replace the one with this id."""
    world.users[data.id] = data
    return data


@get("/attempts")
async def show_attempts(world: NamedDependency[World]) -> list[AttemptView]:
    """Return all attempts, oldest first."""
    current = (world.attempt(uuid) for uuid in world.attempts)
    return [
        AttemptView(
            uuid=attempt.uuid,
            appid=attempt.app.appid,
            user=attempt.user,
            status=attempt.status,
            opened_at=attempt.opened_at,
            callbacks=attempt.callbacks,
        )
        for attempt in current
        if attempt is not None
    ]


@get("/request-log")
async def show_log(world: NamedDependency[World]) -> list[Logged]:
    """Return the requests served, oldest first, without their queries."""
    return list(world.log)


def admin_router(token: str) -> Router:
    """Make the routes under ``/sim``, all behind ``Authorization: Bearer``."""
    wanted = f"Bearer {token}".encode()

    async def admin_only(
        connection: ASGIConnection[object, object, object, State], _: BaseRouteHandler
    ) -> None:
        given = connection.headers.get("authorization", "").encode()
        if not hmac.compare_digest(given, wanted):
            raise NotAuthorizedException("the admin token is missing or wrong")

    return Router(
        "/sim",
        guards=[admin_only],
        route_handlers=[
            reset,
            show_knobs,
            turn_knobs,
            advance,
            show_users,
            put_user,
            show_attempts,
            show_log,
        ],
    )
