"""A search finds what an evaluation allows: all of it, and nothing else."""

from __future__ import annotations

from contextlib import suppress
from datetime import timedelta
from itertools import product
from typing import Any

import msgspec
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from gateway.services import Services
from permissions.acts import SwitchFunction
from permissions.decision import Allow, Question, decide
from permissions.errors import PermissionsError
from permissions.state import Client
from tests.conftest import FakeClock
from tests.factories import (
    OFFICER,
    grant,
    issue_token,
    register_app,
    register_partner,
    register_subject,
    withdraw,
)
from tests.gateway.authzen.asking import ACTIONS, NOBODY, RESOURCES, Pep

Found = set[tuple[str, str]]
OWN = (
    ("device.camera", "scan_qr"),
    ("device.camera", "take_photo"),
    ("device.album", "publish_upload"),
    ("device.camera", "record_video"),
    ("device.storage", "save_media"),
)
THEIRS = (("data.identity", "delivery"), ("data.transaction", "delivery"))


async def resources(pep: Pep, purpose: str, **changes: object) -> list[str]:
    """Search the capabilities that may be used for one purpose."""
    told = await pep.ask(
        RESOURCES,
        {
            "subject": {"type": "user", "id": pep.subject},
            "action": {"name": purpose},
            "resource": {"type": "capability"},
            **changes,
        },
    )
    assert list(told) == ["results"]
    assert all(one["type"] == "capability" for one in told["results"])
    return [one["id"] for one in told["results"]]


async def actions(pep: Pep, capability: str, **changes: object) -> list[str]:
    """Search the purposes for which one capability may be used."""
    told = await pep.ask(
        ACTIONS,
        {
            "subject": {"type": "user", "id": pep.subject},
            "resource": {"type": "capability", "id": capability},
            **changes,
        },
    )
    assert list(told) == ["results"]
    return [one["name"] for one in told["results"]]


async def decided(
    services: Services, subject: str, client: Client, scene: str | None
) -> Found:
    """Return every pair of names, declared or not, for which the decision is allow."""
    standing = await services.store.standing(subject, client.id)
    return {
        (capability, purpose)
        for capability, purpose in product(
            services.catalogue.capabilities, services.catalogue.purposes
        )
        if isinstance(
            decide(
                Question(
                    client=client.id,
                    capability=capability,
                    purpose=purpose,
                    scene=scene,
                ),
                standing,
                services.catalogue,
                services.clock(),
            ),
            Allow,
        )
    }


class TestProperty:
    @settings(
        max_examples=100,
        deadline=None,
        suppress_health_check=[HealthCheck.function_scoped_fixture],
    )
    @given(
        steps=st.lists(
            st.tuples(
                st.sampled_from(
                    ["give", "give", "give", "once", "withdraw", "wait", "switch"]
                ),
                st.integers(min_value=0, max_value=5),
            ),
            min_size=2,
            max_size=10,
        ),
        is_partner=st.booleans(),
        notice=st.sampled_from([*[True] * 7, False]),
        scene=st.sampled_from([None, None, "scan_screen", "publish_form"]),
    )
    async def test_finds_the_pairs_that_are_allowed(
        self,
        pep: Pep,
        services: Services,
        clock: FakeClock,
        steps: list[tuple[str, int]],
        *,
        is_partner: bool,
        notice: bool,
        scene: str | None,
    ) -> None:
        """Whatever happened before, both searches list the decision's own yes."""
        register = register_partner if is_partner else register_app
        client, _ = await register(services)
        pep.subject = await register_subject(services, notice=notice)
        for step in steps:
            with suppress(PermissionsError):  # what cannot be done changes nothing
                await take(services, clock, pep.subject, client, step)
        pep.token = await issue_token(services, pep.client)
        context = {"client": client.id} | ({} if scene is None else {"scene": scene})
        expected = await decided(services, pep.subject, client, scene)

        by_purpose = {
            (capability, purpose)
            for purpose in services.catalogue.purposes
            for capability in await resources(pep, purpose, context=context)
        }
        by_capability = {
            (capability, purpose)
            for capability in services.catalogue.capabilities
            for purpose in await actions(pep, capability, context=context)
        }

        assert by_purpose == by_capability == expected


async def take(
    services: Services,
    clock: FakeClock,
    subject: str,
    client: Client,
    step: tuple[str, int],
) -> None:
    """Take one step of a history; its number chooses what it is about."""
    kind, which = step
    pairs = OWN if client.kind == "app" else THEIRS
    capability, purpose = pairs[which % len(pairs)]
    match kind:
        case "wait":
            clock.advance(timedelta(days=40) * which)
        case "switch":
            function = services.catalogue.purposes[purpose].function
            standing = await services.store.standing(subject, client.id)
            act = SwitchFunction(
                actor=OFFICER, function=function, is_open=function in standing.closed
            )
            await services.store.write(lambda transaction: transaction.perform(act))
        case "withdraw":
            state = (await services.store.standing(subject, client.id)).subject
            assert state is not None
            for held in state.grants.values():
                if (held.capability, held.purpose) == (capability, purpose):
                    await withdraw(services, subject, held.id)
        case _:
            more: dict[str, Any] = {}
            if kind == "once" and client.kind == "app":
                more = {"one_time": True}
            await grant(services, subject, client, capability, purpose, **more)


class TestSearch:
    async def test_follows_a_yes_and_its_end(
        self, pep: Pep, services: Services
    ) -> None:
        """What is given is found at once, and what is taken back no more."""
        before = await actions(pep, "device.camera"), await resources(pep, "scan_qr")
        held = await grant(services, pep.subject, pep.client)
        between = await actions(pep, "device.camera"), await resources(pep, "scan_qr")
        await withdraw(services, pep.subject, held.id)

        after = await actions(pep, "device.camera"), await resources(pep, "scan_qr")

        assert before == after == ([], [])
        assert between == (["scan_qr"], ["device.camera"])

    async def test_results_come_in_the_order_of_their_names(
        self, pep: Pep, services: Services
    ) -> None:
        """The same state gives the same list."""
        for purpose in ("take_photo", "record_video", "scan_qr"):
            await grant(services, pep.subject, pep.client, "device.camera", purpose)

        found = await actions(pep, "device.camera")

        assert found == ["record_video", "scan_qr", "take_photo"]

    async def test_ignores_the_id_of_what_it_searches(
        self, pep: Pep, services: Services
    ) -> None:
        """An id beside the type narrows nothing (AuthZEN 1.0 §8.5.1)."""
        await grant(services, pep.subject, pep.client)

        found = await resources(
            pep, "scan_qr", resource={"type": "capability", "id": "device.album"}
        )

        assert found == ["device.camera"]

    @pytest.mark.parametrize(
        "changes",
        [
            {"subject": {"type": "user", "id": NOBODY}},
            {"subject": {"type": "group", "id": "all"}},
            {"resource": {"type": "file", "id": "device.camera"}},
            {"context": {"client": "cli_" + "a" * 26}},
            {"context": {"scene": "publish_form"}},
        ],
    )
    async def test_finds_nothing_where_something_is_unknown(
        self, pep: Pep, services: Services, changes: dict[str, object]
    ) -> None:
        """Unknown is a no, so there is nothing to list."""
        await grant(services, pep.subject, pep.client)

        assert await resources(pep, "scan_qr", **changes) == []
        assert await actions(pep, "device.camera", **changes) == []

    async def test_finds_nothing_for_unknown_names(
        self, pep: Pep, services: Services
    ) -> None:
        """A purpose or capability that nobody declared."""
        await grant(services, pep.subject, pep.client)

        assert await resources(pep, "advertising") == []
        assert await actions(pep, "device.microphone") == []

    async def test_answers_are_whole(self, pep: Pep, services: Services) -> None:
        """A wish for pages changes nothing; a token that nobody gave is refused."""
        await grant(services, pep.subject, pep.client)
        body = {
            "subject": {"type": "user", "id": pep.subject},
            "resource": {"type": "capability", "id": "device.camera"},
            "page": {"token": "a3M9"},
        }

        found = await actions(pep, "device.camera", page={"limit": 1, "token": ""})
        refused = await pep.post(ACTIONS, msgspec.json.encode(body))

        assert found == ["scan_qr"]
        assert refused.status_code == 400
        assert refused.json()["field"] == "page.token"

    @pytest.mark.parametrize(
        ("path", "missing"),
        [
            (RESOURCES, "subject"),
            (RESOURCES, "action"),
            (RESOURCES, "resource"),
            (ACTIONS, "subject"),
            (ACTIONS, "resource"),
        ],
    )
    async def test_needs_what_it_goes_by(
        self, pep: Pep, path: str, missing: str
    ) -> None:
        """All but the entity that is searched for."""
        body = {
            "subject": {"type": "user", "id": pep.subject},
            "action": {"name": "scan_qr"},
            "resource": {"type": "capability", "id": "device.camera"},
        }
        del body[missing]

        response = await pep.post(path, msgspec.json.encode(body))

        assert response.status_code == 400
        assert missing in response.json()["detail"]

    @pytest.mark.parametrize("path", [RESOURCES, ACTIONS])
    @pytest.mark.parametrize(
        ("changes", "field"),
        [
            ({"subject": {"type": "user", "id": "alice"}}, "subject.id"),
            ({"context": {"consistency": "eventual"}}, "context.consistency"),
        ],
    )
    async def test_has_to_be_wellformed(
        self, pep: Pep, path: str, changes: dict[str, object], field: str
    ) -> None:
        """A mistake is one, also where there is nothing that could be found."""
        body = {
            "subject": {"type": "user", "id": pep.subject},
            "action": {"name": "advertising"},
            "resource": {"type": "capability", "id": "device.microphone"},
            **changes,
        }

        response = await pep.post(path, msgspec.json.encode(body))

        assert response.status_code == 400
        assert response.json()["field"] == field

    @pytest.mark.parametrize("path", [RESOURCES, ACTIONS])
    async def test_is_for_apps(self, pep: Pep, services: Services, path: str) -> None:
        """A partner's token, a person's, and none at all are refused."""
        partner, _ = await register_partner(services, scopes=("gateway.check",))
        theirs = await issue_token(services, partner)
        persons = await issue_token(
            services, pep.client, kind="user", subject=pep.subject
        )

        statuses = [
            (await pep.post(path, b"{}", authorization=authorization)).status_code
            for authorization in (f"Bearer {theirs}", f"Bearer {persons}", "")
        ]

        assert statuses == [403, 403, 401]

    async def test_of_subjects_is_not_offered(
        self, pep: Pep, services: Services
    ) -> None:
        """Nobody gets a list of the people who said yes."""
        await grant(services, pep.subject, pep.client)
        body = {
            "subject": {"type": "user"},
            "action": {"name": "scan_qr"},
            "resource": {"type": "capability", "id": "device.camera"},
        }

        response = await pep.post(
            "/access/v1/search/subject", msgspec.json.encode(body)
        )

        assert response.status_code == 404
        assert response.json()["code"] == "not_found"
