"""The API under ``/sns``: from query to rules to bytes."""

from collections.abc import AsyncIterator, Awaitable, Callable, Mapping

from litestar import Request, Response, route
from litestar.datastructures import State
from litestar.di import NamedDependency
from litestar.handlers import HTTPRouteHandler
from litestar.response import Stream

from oauth_wechat.simulator.knobs import Knobs
from oauth_wechat.simulator.tokens import (
    Answer,
    check_token,
    exchange_code,
    profile,
    refresh_token,
)
from oauth_wechat.simulator.wire import wire
from oauth_wechat.simulator.world import World

Rules = Callable[[World, Mapping[str, str], str, Knobs], Answer]
Sleep = Callable[[float], Awaitable[None]]


def sns_handlers(sleep: Sleep) -> list[HTTPRouteHandler]:
    """Make the handlers; ``sleep`` plays the latency that a knob asks for."""
    return [
        _handler("/sns/oauth2/access_token", exchange_code, sleep),
        _handler("/sns/oauth2/refresh_token", refresh_token, sleep),
        _handler("/sns/auth", check_token, sleep),
        _handler("/sns/userinfo", profile, sleep),
    ]


def _handler(path: str, rules: Rules, sleep: Sleep) -> HTTPRouteHandler:
    @route(path, http_method=["GET", "POST"], status_code=200)
    async def answer(
        request: Request[object, object, State], world: NamedDependency[World]
    ) -> Response[bytes] | Stream:
        query = dict(request.query_params.multi_items())
        appid = query.get("appid")
        knobs = world.knobs.read(appid)
        if knobs.latency_ms:
            await sleep(knobs.latency_ms / 1000)
        body = rules(world, query, request.method, knobs)
        fault = knobs.fault if isinstance(knobs.fault, str) else None
        world.record(request.method, path, appid, fault or str(body.get("errcode", 0)))
        wired = wire(body, knobs, world.text(24))
        headers = {"Content-Type": wired.content_type}
        if wired.broken:
            return Stream(_break_off(wired.content), headers=headers)
        return Response(wired.content, status_code=wired.status, headers=headers)

    return answer


async def _break_off(content: bytes) -> AsyncIterator[bytes]:
    """Send half of it, then let the line drop."""
    yield content[: len(content) // 2]
    raise ConnectionResetError("the simulator was asked to drop the connection")
