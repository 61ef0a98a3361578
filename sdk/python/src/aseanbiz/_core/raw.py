"""Routes that the SDK has no method for yet."""

from collections.abc import Mapping

import msgspec

from aseanbiz._core.commands import Operation
from aseanbiz._core.exchange import Call, Credentials, exchange
from aseanbiz._core.setup import Setup
from aseanbiz._models import RawResponse
from aseanbiz._policy.addresses import checked_path
from aseanbiz._policy.problems import request_id_of


def request(
    setup: Setup,
    credentials: Credentials,
    method: str,
    path: str,
    json: Mapping[str, object] | None,
    *,
    key: str | None,
    timeout: float | None,
) -> Operation[RawResponse]:
    """Send one call with the client's own token; errors raise as everywhere."""
    method = method.upper()
    if method not in {"GET", "POST", "PUT", "PATCH", "DELETE"}:
        raise ValueError("the method must be GET, POST, PUT, PATCH or DELETE")
    is_write = method != "GET"
    call = Call(
        method=method,
        path=checked_path(path),
        credentials=credentials,
        body=b"" if json is None else msgspec.json.encode(json),
        key=(key or setup.new_key()) if is_write else key,
        timeout=timeout,
    )
    response = (yield from exchange(setup, call)).response
    return RawResponse(
        status=response.status,
        headers=response.headers,
        body=response.body,
        request_id=request_id_of(response),
    )
