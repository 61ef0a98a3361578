"""Clients: registered through the ledger, known by secrets that are not stored."""

from __future__ import annotations

from datetime import timedelta

import msgspec
import pytest
from sqlalchemy import Connection, event, select

from gateway.oauth import clients
from gateway.oauth.client_auth import Presented
from gateway.oauth.clients import recognised
from gateway.services import Services
from permissions.errors import RegistrationIncomplete
from permissions.state import Client
from permissions.store import rows, tables
from tests.conftest import FakeClock
from tests.factories import make_client, make_contract


async def register(services: Services, client: Client) -> str:
    """Register a client; return its secret."""
    return await services.store.write(lambda tx: clients.register(tx, client))


def knows(services: Services, client: str, secret: str) -> bool:
    """Say whether the secret opens the client."""
    return (
        services.store.near(lambda near: recognised(near, client, secret)) is not None
    )


def statements_of(services: Services, client: str, secret: str) -> list[str]:
    """Return the SQL that recognising a client takes."""
    seen: list[str] = []

    def look(connection: Connection) -> None:
        def note(
            _conn: object, _cursor: object, statement: str, *_rest: object
        ) -> None:
            seen.append(statement)

        event.listen(connection, "before_cursor_execute", note)
        try:
            recognised(connection, client, secret)
        finally:
            event.remove(connection, "before_cursor_execute", note)

    services.store.near(look)
    return seen


class TestRecognised:
    async def test_unknown_client_costs_what_a_wrong_secret_costs(
        self, services: Services
    ) -> None:
        """The same statements, so that time tells nothing (security A10, A11)."""
        client = make_client(services)
        await register(services, client)

        wrong = statements_of(services, client.id, "x" * 43)
        unknown = statements_of(services, "cli_" + "a" * 26, "x" * 43)

        assert wrong == unknown
        assert len(wrong) == 1

    async def test_empty_secret_opens_nothing(self, services: Services) -> None:
        """Not even a client that does not exist."""
        assert not knows(services, "cli_unknown", "")


class TestRegister:
    async def test_secret_is_shown_once_and_not_stored(
        self, services: Services
    ) -> None:
        """256 random bits outside, their SHA-256 inside."""
        client = make_client(services)

        secret = await register(services, client)

        stored = services.store.near(
            lambda near: near.scalars(select(tables.credentials.c.sha256)).all()
        )
        assert len(secret) == 43
        assert secret not in stored
        assert knows(services, client.id, secret)
        assert not knows(services, client.id, secret[:-1])
        assert not knows(services, "cli_unknown", secret)

    async def test_two_secrets_live_while_one_is_replaced(
        self, services: Services, clock: FakeClock
    ) -> None:
        """The one before stays good; older ones end."""
        client = make_client(services)
        secrets = []
        for _ in range(3):
            clock.advance(timedelta(seconds=1))
            secrets.append(await register(services, client))

        assert [knows(services, client.id, secret) for secret in secrets] == [
            False,
            True,
            True,
        ]

    @pytest.mark.parametrize(
        ("changes", "field"),
        [
            ({"scopes": ("gateway.admin",)}, "scopes"),
            ({"redirect_uris": ("http://a.example/cb",)}, "redirect_uris"),
            ({"redirect_uris": ("https://a.example/#x",)}, "redirect_uris"),
            ({"name": {"en": "Only English"}}, "name.zh-CN"),
            ({"kind": "partner", "scopes": ()}, "contract"),
        ],
    )
    async def test_refuses_what_binds_nobody(
        self, services: Services, changes: dict[str, object], field: str
    ) -> None:
        """The registration is refused whole: no client, no secret."""
        client = make_client(services, **changes)

        with pytest.raises(RegistrationIncomplete) as caught:
            await register(services, client)

        assert caught.value.field == field
        assert services.store.near(rows.clients) == ()

    async def test_partner_gets_no_service_scopes(self, services: Services) -> None:
        """What the operator's back ends may do is not a partner's."""
        partner = make_client(
            services,
            kind="partner",
            contract=make_contract(services),
            scopes=("gateway.introspect",),
        )

        with pytest.raises(RegistrationIncomplete):
            await register(services, partner)

    async def test_lists_suspends_and_resumes(self, services: Services) -> None:
        """Suspending raises the epoch, so that resuming revives no token."""
        client = make_client(services)
        await register(services, client)

        await services.store.write(lambda tx: clients.suspend(tx, client.id))
        (suspended,) = services.store.near(rows.clients)
        await services.store.write(lambda tx: clients.resume(tx, client.id))
        (resumed,) = services.store.near(rows.clients)

        assert (suspended.state, suspended.epoch) == ("suspended", 1)
        assert (resumed.state, resumed.epoch) == ("contracted", 1)

    async def test_renewed_registration_keeps_the_epoch(
        self, services: Services
    ) -> None:
        """A new name is not a new client."""
        client = make_client(services)
        await register(services, client)
        await services.store.write(lambda tx: clients.suspend(tx, client.id))
        await services.store.write(lambda tx: clients.resume(tx, client.id))

        await register(services, msgspec.structs.replace(client, contact="new@a.test"))

        (renewed,) = services.store.near(rows.clients)
        assert (renewed.contact, renewed.epoch) == ("new@a.test", 1)


def test_presented_secret_does_not_show_itself() -> None:
    """Not in a log, not in a traceback."""
    who = Presented(method="client_secret_basic", client="cli_x", secret="canary")

    assert "canary" not in repr(who)
