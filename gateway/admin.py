"""The officer's door on this machine: a second, small application on a Unix socket.

Who may open the socket is for the file system to say; it has mode 0600. Commands
use it while a server holds the data folder, and the same routes in their own
process while none does, so that there is one way to do each thing.
"""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Literal

import msgspec
from litestar import Litestar, get, post
from litestar.di import NamedDependency, Provide
from litestar.params import FromPath, JSONBody

from gateway.errors import exception_handlers
from gateway.oauth.clients import register, resume, suspend
from gateway.services import Services
from permissions.acts import Actor, SwitchFunction
from permissions.errors import ClientUnknown
from permissions.ids import is_id, new_id
from permissions.state import Client, Contract, ContractPair
from permissions.store import rows

_Text = Annotated[str, msgspec.Meta(min_length=1, max_length=200)]


class _Body(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A request body; names that it does not know are an error."""


class NewPair(_Body, frozen=True, kw_only=True):
    """One pair of a partner's contract."""

    capability: str
    purpose: str
    required: tuple[str, ...] = ()
    optional: tuple[str, ...] = ()
    retention_days: Annotated[int, msgspec.Meta(ge=1, le=3650)] = 30


class NewContract(_Body, frozen=True, kw_only=True):
    """The confidentiality agreement, by the hash of its document (R43)."""

    document_sha256: Annotated[str, msgspec.Meta(pattern="^[0-9a-f]{64}$")]
    not_before: Annotated[datetime, msgspec.Meta(tz=True)]
    not_after: Annotated[datetime, msgspec.Meta(tz=True)]
    pairs: tuple[NewPair, ...]


class NewClient(_Body, frozen=True, kw_only=True):
    """A client to register."""

    kind: Literal["app", "partner"]
    name: dict[str, _Text]
    legal_name: _Text
    registry_number: _Text
    contact: _Text
    scopes: tuple[str, ...] = ()
    redirect_uris: tuple[str, ...] = ()
    contract: NewContract | None = None


class Registered(msgspec.Struct, frozen=True, kw_only=True):
    """A new client with its secret, shown this once."""

    id: str
    secret: str


class FunctionSwitch(_Body, frozen=True, kw_only=True):
    """Whether a business function is open."""

    is_open: bool


@get("/v1/admin/clients", tags=["officer"])
async def list_clients(services: NamedDependency[Services]) -> list[Client]:
    """Return every client with its registration; never a secret."""
    return list(await services.store.read(rows.clients))


@post("/v1/admin/clients", tags=["officer"])
async def add_client(
    data: JSONBody[NewClient], services: NamedDependency[Services]
) -> Registered:
    """Register a client; its secret is in this answer and nowhere else."""
    client = Client(
        id=new_id("cli", services.random),
        kind=data.kind,
        name=data.name,
        legal_name=data.legal_name,
        registry_number=data.registry_number,
        contact=data.contact,
        scopes=data.scopes,
        redirect_uris=data.redirect_uris,
        contract=None if data.contract is None else _contract(data.contract),
    )
    secret = await services.store.write(
        lambda transaction: register(transaction, client)
    )
    return Registered(id=client.id, secret=secret)


@post("/v1/admin/clients/{client_id:str}/suspend", status_code=204, tags=["officer"])
async def suspend_client(
    client_id: FromPath[str], services: NamedDependency[Services]
) -> None:
    """Cut a client off: its tokens are dead for good."""
    _check_id(client_id)
    await services.store.write(lambda transaction: suspend(transaction, client_id))


@post("/v1/admin/clients/{client_id:str}/resume", status_code=204, tags=["officer"])
async def resume_client(
    client_id: FromPath[str], services: NamedDependency[Services]
) -> None:
    """Let a suspended client ask for new tokens."""
    _check_id(client_id)
    await services.store.write(lambda transaction: resume(transaction, client_id))


@post("/v1/admin/functions/{function:str}", status_code=204, tags=["officer"])
async def switch_function(
    function: FromPath[str],
    data: JSONBody[FunctionSwitch],
    services: NamedDependency[Services],
) -> None:
    """Open or close a business function (R04)."""
    act = SwitchFunction(
        actor=Actor(kind="officer", id="cli"), function=function, is_open=data.is_open
    )
    await services.store.write(lambda transaction: transaction.perform(act))


def _contract(new: NewContract) -> Contract:
    return Contract(
        document_sha256=new.document_sha256,
        not_before=new.not_before,
        not_after=new.not_after,
        pairs=tuple(ContractPair(**msgspec.structs.asdict(pair)) for pair in new.pairs),
    )


def _check_id(client_id: str) -> None:
    if not is_id("cli", client_id):
        raise ClientUnknown


def create_admin(services: Services) -> Litestar:
    """Return the officer's application around a set of services."""

    async def provide_services() -> Services:
        return services

    return Litestar(
        route_handlers=[
            list_clients,
            add_client,
            suspend_client,
            resume_client,
            switch_function,
        ],
        dependencies={"services": Provide(provide_services)},
        exception_handlers=exception_handlers,
        logging_config=None,
        openapi_config=None,
    )
