"""The log's public face: its checkpoint, proofs, and the key to verify them with.

Anyone may read it, scripts of other sites too: it holds hashes and nothing of a
person. What is answered rests on stored checkpoints alone.
"""

from __future__ import annotations

from typing import Annotated, Any, Final

from litestar import Request, Response, Router, get
from litestar.di import NamedDependency
from litestar.params import QueryParameter
from litestar.types import ControllerRouterHandler
from sqlalchemy import Connection

from gateway.body import check_query
from gateway.errors import exception_handlers
from gateway.problems import Problem
from gateway.services import Services
from permissions.ids import SHARDS
from permissions.merkle import proof as proofs
from permissions.merkle.document import ConsistencyProof, InclusionProof
from permissions.merkle.note import Signer
from permissions.store import log as merkle

AnyRequest = Request[Any, Any, Any]

_LAST: Final = 2**63 - 1  # what the database can count
_SOON: Final = 2  # seconds until it is worth asking again
_OPEN: Final = {
    "Access-Control-Allow-Origin": "*",
    "Cross-Origin-Resource-Policy": "cross-origin",
}
_FRESH: Final = {**_OPEN, "Cache-Control": "public, max-age=1"}

Shard = Annotated[int | None, QueryParameter(ge=0, lt=SHARDS)]
Seq = Annotated[int | None, QueryParameter(ge=1, le=_LAST)]
Leaf = Annotated[str | None, QueryParameter(pattern="^[0-9a-f]{64}$", max_length=64)]
From = Annotated[int, QueryParameter(name="from", ge=1, le=_LAST)]
To = Annotated[int | None, QueryParameter(name="to", ge=1, le=_LAST)]


@get("/checkpoint", summary="The newest signed checkpoint of the log", tags=["log"])
async def show_checkpoint(services: NamedDependency[Services]) -> Response[str]:
    """Answer a C2SP signed note: the log's name, its size, the root, a signature."""
    newest = services.store.near(_newest)
    return _text(newest.body)


@get("/key", summary="The log's public key, as a C2SP verifier key", tags=["log"])
async def show_key(services: NamedDependency[Services]) -> Response[str]:
    """Answer the key as one line; keep it where the operator cannot change it."""
    head = services.store.near(merkle.head)
    if head is None:
        raise _not_yet()
    signer = Signer(head.origin, services.keys.signing_seed("log"))
    return _text(signer.verifier.line() + "\n")


@get("/proof/inclusion", summary="The proof that an entry is in the log", tags=["log"])
async def prove_inclusion(
    request: AnyRequest,
    services: NamedDependency[Services],
    shard: Shard = None,
    seq: Seq = None,
    leaf: Leaf = None,
) -> Response[InclusionProof]:
    """Prove one entry, named by ``shard`` and ``seq`` or by its leaf hash.

    The leaf hash is the ``entry_sha256`` of a receipt. Entries appear within seconds;
    before that, and for whatever was never written, the answer is 404.
    """
    check_query(request.scope["query_string"])
    if (shard is None) != (seq is None) or (shard is None) == (leaf is None):
        raise Problem(
            400, "invalid_request", "name the entry by shard and seq, or by leaf"
        )

    def prove(connection: Connection) -> InclusionProof:
        if leaf is not None:
            held = merkle.leaf_with(connection, bytes.fromhex(leaf))
        else:
            held = merkle.leaf_of(connection, shard or 0, seq or 0)
        newest = _newest(connection)
        if held is None or held.position >= newest.size:
            raise _not_yet()
        path = proofs.inclusion(held.position, newest.size, merkle.reader(connection))
        return InclusionProof(
            leaf_sha256=held.sha256.hex(),
            leaf_index=held.position,
            tree_size=newest.size,
            proof=tuple(one.hex() for one in path),
            checkpoint=newest.body,
        )

    return Response(services.store.near(prove), headers=_FRESH)


@get(
    "/proof/consistency",
    summary="The proof that the log has only grown between two checkpoints",
    tags=["log"],
)
async def prove_consistency(
    request: AnyRequest,
    services: NamedDependency[Services],
    first: From,
    second: To = None,
) -> Response[ConsistencyProof]:
    """Prove that the log of size ``to`` begins with all of the log of size ``from``.

    Both are sizes of signed checkpoints; ``to`` is the newest unless it is named.
    """
    check_query(request.scope["query_string"])
    if second is not None and first > second:
        raise Problem(400, "invalid_request", "from may not be larger than to")

    def prove(connection: Connection) -> ConsistencyProof:
        old = _signed(connection, first)
        new = _newest(connection) if second is None else _signed(connection, second)
        path = proofs.consistency(old.size, new.size, merkle.reader(connection))
        return ConsistencyProof(
            first=old.size,
            second=new.size,
            proof=tuple(one.hex() for one in path),
            from_checkpoint=old.body,
            to_checkpoint=new.body,
        )

    return Response(services.store.near(prove), headers=_FRESH)


def _newest(connection: Connection) -> merkle.Published:
    newest = merkle.newest(connection)
    if newest is None:
        raise _not_yet()
    return newest


def _signed(connection: Connection, size: int) -> merkle.Published:
    if size > _newest(connection).size:
        raise _not_yet()
    found = merkle.checkpoint_at(connection, size)
    if found is None:
        raise Problem(
            404,
            "size_unknown",
            "this log has signed no checkpoint of that size; if you hold one, keep it "
            "and show it to an auditor",
        )
    return found


def _not_yet() -> Problem:
    return Problem(
        404,
        "not_in_log_yet",
        "this is not in the log; an entry appears within seconds of its act",
        fix="retry_later",
        headers={"Retry-After": str(_SOON)},
    )


def _text(body: str) -> Response[str]:
    return Response(body, media_type="text/plain", headers=_FRESH)


def _open(handler: Any) -> Any:  # noqa: ANN401 - any of Litestar's handlers
    """Let scripts of other sites read refusals as well."""

    def handle(request: AnyRequest, error: Any) -> Response[Any]:  # noqa: ANN401
        answer: Response[Any] = handler(request, error)
        answer.headers |= {**_OPEN, "Access-Control-Expose-Headers": "Retry-After"}
        return answer

    return handle


route_handlers: list[ControllerRouterHandler] = [
    Router(
        path="/log",
        route_handlers=[
            prove_consistency,
            prove_inclusion,
            show_checkpoint,
            show_key,
        ],
        exception_handlers={
            kind: _open(handler) for kind, handler in exception_handlers.items()
        },
    )
]
