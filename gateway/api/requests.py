"""Decode bodies in Litestar as the front door does: strictly, named by path."""

from __future__ import annotations

from typing import Any, Final

import msgspec
from litestar import Request
from litestar.openapi.datastructures import ResponseSpec

from gateway.api.shapes import ProblemDocument
from gateway.body import decode
from gateway.problems import MEDIA_TYPE

_decoders: Final[dict[Any, msgspec.json.Decoder[Any]]] = {}


class JsonRequest(Request[Any, Any, Any]):
    """A request whose body becomes exactly what its route declares.

    Litestar alone would turn "true" into True and quote values in its errors.
    """

    async def body(self) -> bytes:
        """Return the body; none where the route needs one is the caller's mistake."""
        body = await super().body()
        kind = self._body_type()
        if not body and kind is not None:
            decode(_decoder(kind), body)
        return body

    async def json(self) -> Any:  # noqa: ANN401 - whatever the route declares
        """Return the body as the type of the route's ``data``."""
        return decode(_decoder(self._body_type()), await super().body())

    def _body_type(self) -> Any:  # noqa: ANN401 - any type
        handler: Any = self.scope["route_handler"]
        data = handler.parsed_fn_signature.parameters.get("data")
        return None if data is None else data.annotation


def _decoder(kind: Any) -> msgspec.json.Decoder[Any]:  # noqa: ANN401 - any type
    if kind not in _decoders:
        _decoders[kind] = msgspec.json.Decoder(kind)
    return _decoders[kind]


def problems(**statuses: str) -> dict[int, ResponseSpec]:
    """Describe a route's errors for OpenAPI: ``s404="no such subject"``."""
    common = {
        "s400": "invalid request: the problem's detail names the field",
        "s401": "invalid_token",
        "s403": "insufficient_scope",
    }
    return {
        int(status[1:]): ResponseSpec(
            ProblemDocument,
            generate_examples=False,
            description=text,
            media_type=MEDIA_TYPE,
        )
        for status, text in sorted({**common, **statuses}.items())
    }
