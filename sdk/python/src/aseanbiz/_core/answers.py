"""From the bytes of an answer to a model, or to `ProtocolViolation`."""

from collections.abc import Hashable
from functools import cache
from typing import Any, TypeVar, cast

import msgspec

from aseanbiz._core.exchange import Answer
from aseanbiz._errors import ProtocolViolation
from aseanbiz._policy.problems import request_id_of
from aseanbiz._secret import Secret

M = TypeVar("M")


def read(answer: Answer, model: type[M]) -> M:
    """Decode an answer strictly; unknown fields are ignored.

    The cause is dropped on purpose: it may quote a value of the answer.
    """
    response = answer.response
    try:
        decoded: M = _decoder(cast("Hashable", model)).decode(response.body)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        raise ProtocolViolation(
            f"no {getattr(model, '__name__', 'decision')} in a {response.status}",
            status=response.status,
            request_id=request_id_of(response),
        ) from None
    return decoded


@cache
def _decoder(model: Any) -> msgspec.json.Decoder[Any]:  # noqa: ANN401 - see `read`
    return msgspec.json.Decoder(model, dec_hook=_decode_secret)


def _decode_secret(kind: type, value: object) -> object:
    if kind is Secret and isinstance(value, str):
        return Secret(value)
    raise NotImplementedError
