"""Many evaluations at once: order, defaults, short circuits, and single ones."""

from __future__ import annotations

from typing import Any

import msgspec
import pytest

from gateway.api.check import decided
from gateway.authzen import evaluation
from gateway.authzen.evaluations import MOST
from gateway.services import Services
from tests.factories import grant, issue_token, register_partner
from tests.gateway.authzen.asking import MANY, NO_CLIENT, NOBODY, Pep, make_evaluation
from tests.gateway.authzen.schema import faults, load

RESPONSE = load("evaluation-response")
PHOTO = {"action": {"name": "take_photo"}}
SCAN = {"action": {"name": "scan_qr"}}


def make_many(subject: str, /, *parts: object, **changes: object) -> dict[str, Any]:
    """Make evaluations about the camera; the parts say what each is about."""
    whole = make_evaluation(subject, evaluations=list(parts), **changes)
    return {name: value for name, value in whole.items() if value is not None}


def answers(told: Any) -> list[bool]:  # noqa: ANN401
    """Return the decisions alone."""
    assert list(told) == ["evaluations"]
    for one in told["evaluations"]:
        assert faults(RESPONSE, one) == []
    return [one["decision"] for one in told["evaluations"]]


@pytest.fixture
async def held(pep: Pep, services: Services) -> str:
    """Let the subject say yes to scanning, and to nothing else."""
    return (await grant(services, pep.subject, pep.client)).id


@pytest.mark.usefixtures("held")
class TestSemantics:
    @pytest.mark.parametrize(
        ("semantic", "expected"),
        [
            (None, [True, False, True, False]),
            ("execute_all", [True, False, True, False]),
            ("deny_on_first_deny", [True, False]),
            ("permit_on_first_permit", [True]),
        ],
    )
    async def test_decides_where_to_stop(
        self,
        pep: Pep,
        monkeypatch: pytest.MonkeyPatch,
        semantic: str | None,
        expected: list[bool],
    ) -> None:
        """Answers come in order; after the last of them nothing was decided."""
        asked = []

        async def counted(*of: Any) -> Any:  # noqa: ANN401
            asked.append(of)
            return await decided(*of)

        monkeypatch.setattr(evaluation, "decided", counted)
        body = make_many(pep.subject, SCAN, PHOTO, SCAN, PHOTO)
        if semantic is not None:
            body["options"] = {"evaluations_semantic": semantic, "other": 1}

        told = await pep.ask(MANY, body)

        assert answers(told) == expected
        assert len(asked) == len(expected)

    @pytest.mark.parametrize(
        ("semantic", "parts", "expected"),
        [
            ("deny_on_first_deny", [SCAN, SCAN], [True, True]),
            ("permit_on_first_permit", [PHOTO, PHOTO], [False, False]),
            ("permit_on_first_permit", [PHOTO, SCAN, PHOTO], [False, True]),
        ],
    )
    async def test_goes_on_until_then(
        self, pep: Pep, semantic: str, parts: list[object], expected: list[bool]
    ) -> None:
        """What does not end it is answered and passed over."""
        options = {"evaluations_semantic": semantic}

        told = await pep.ask(MANY, make_many(pep.subject, *parts, options=options))

        assert answers(told) == expected

    @pytest.mark.parametrize(
        ("semantic", "expected"),
        [
            ("execute_all", [False, True]),
            ("deny_on_first_deny", [False]),
            ("permit_on_first_permit", [False, True]),
        ],
    )
    async def test_counts_what_cannot_be_decided_as_a_no(
        self, pep: Pep, semantic: str, expected: list[bool]
    ) -> None:
        """One that comes to no decision says why, and spoils no other."""
        ahead = {"context": {"consistency": "17.999999"}}
        options = {"evaluations_semantic": semantic}

        told = await pep.ask(MANY, make_many(pep.subject, ahead, {}, options=options))

        assert answers(told) == expected
        context = told["evaluations"][0]["context"]
        assert context["effect"] == "undecided"
        assert context["error"]["status"] == 400
        assert context["error"]["code"] == "version_unknown"

    async def test_a_store_that_is_gone_allows_nothing(
        self, pep: Pep, services: Services
    ) -> None:
        """Each that needed it is a no, with the status it would have had alone."""
        await pep.evaluate()  # token, client and subject are in memory now
        await services.store.close()
        stranger = {"subject": {"type": "user", "id": NOBODY}}

        told = await pep.ask(MANY, make_many(pep.subject, stranger, {}))

        assert answers(told) == [False, True]
        assert told["evaluations"][0]["context"]["error"]["status"] == 503

    @pytest.mark.parametrize(
        "options",
        [
            {"evaluations_semantic": "all"},
            {"evaluations_semantic": None},
            {"evaluations_semantic": 1},
            [],
            None,
        ],
    )
    async def test_unknown_is_refused(self, pep: Pep, options: object) -> None:
        """A misspelt semantic never falls back to one that answers more."""
        body = {**make_many(pep.subject, SCAN), "options": options}

        response = await pep.post(MANY, msgspec.json.encode(body))

        assert response.status_code == 400


@pytest.mark.usefixtures("held")
class TestDefaults:
    async def test_fill_in_what_a_part_leaves_out(self, pep: Pep) -> None:
        """A part may say nothing at all, or all of it."""
        whole = make_evaluation(pep.subject)

        told = await pep.ask(MANY, make_many(pep.subject, {}, PHOTO, whole))

        assert answers(told) == [True, False, True]

    async def test_may_be_left_out(self, pep: Pep) -> None:
        """Parts that say everything need none."""
        whole = make_evaluation(pep.subject)

        told = await pep.ask(MANY, {"evaluations": [whole, {**whole, **PHOTO}]})

        assert answers(told) == [True, False]

    async def test_are_not_shared_from_part_to_part(self, pep: Pep) -> None:
        """What one part says is not the next one's default."""
        told = await pep.ask(MANY, make_many(pep.subject, PHOTO, {}))

        assert answers(told) == [False, True]

    async def test_are_replaced_whole(self, pep: Pep) -> None:
        """A part's context replaces the default one: nothing of it shines through."""
        body = make_many(
            pep.subject,
            {},
            {"context": {}},
            {"context": {"scene": "scan_screen"}},
            context={"client": NO_CLIENT},
        )

        told = await pep.ask(MANY, body)

        assert answers(told) == [False, True, True]

    @pytest.mark.parametrize("name", ["subject", "resource", "action"])
    async def test_have_to_give_what_a_part_lacks(self, pep: Pep, name: str) -> None:
        """Something that neither says is missing; nothing has been decided then."""
        whole = make_evaluation(pep.subject)
        body = make_many(pep.subject, whole, {}, **{name: None})

        response = await pep.post(MANY, msgspec.json.encode(body))

        assert response.status_code == 400
        assert response.json()["field"] == f"evaluations[1].{name}"

    @pytest.mark.parametrize(
        ("part", "field"),
        [
            ({"subject": {"type": "user", "id": "alice"}}, "subject.id"),
            ({"subject": {"type": "user"}}, ""),
            ({"context": None}, "context"),
            ({"context": {"client": "me"}}, "context.client"),
            ({"context": {"consistency": "eventual"}}, "context.consistency"),
            ({"action": 1}, "action"),
            (1, ""),
        ],
    )
    async def test_repair_no_mistake(self, pep: Pep, part: object, field: str) -> None:
        """A part that is wrong is refused, also behind a short circuit."""
        body = make_many(
            pep.subject,
            {},
            part,
            options={"evaluations_semantic": "permit_on_first_permit"},
        )

        response = await pep.post(MANY, msgspec.json.encode(body))

        assert response.status_code == 400
        assert response.json()["field"].endswith(field)
        assert "alice" not in response.text


@pytest.mark.usefixtures("held")
class TestSingle:
    @pytest.mark.parametrize("more", [{}, {"evaluations": []}])
    async def test_is_what_no_list_means(
        self, pep: Pep, more: dict[str, object]
    ) -> None:
        """Without parts, the defaults are the one evaluation, answered as one."""
        told = await pep.ask(MANY, {**make_evaluation(pep.subject), **more})

        assert told == await pep.evaluate()
        assert told["decision"] is True

    async def test_needs_all_of_its_parts(self, pep: Pep) -> None:
        """Nobody else says what is meant."""
        response = await pep.post(MANY, b'{"evaluations": []}')

        assert response.status_code == 400
        assert response.json()["field"] == "subject"

    async def test_is_refused_as_a_whole(self, pep: Pep) -> None:
        """A single evaluation has the errors of a single evaluation."""
        asked = make_evaluation(pep.subject, context={"consistency": "17.999999"})

        response = await pep.post(MANY, msgspec.json.encode(asked))

        assert response.status_code == 400
        assert response.json()["code"] == "version_unknown"


class TestBounds:
    async def test_a_hundred_are_answered_and_one_more_is_not(self, pep: Pep) -> None:
        """The bound is the number, not the size."""
        told = await pep.ask(MANY, make_many(pep.subject, *[{}] * MOST))
        more = make_many(pep.subject, *[{}] * (MOST + 1))

        refused = await pep.post(MANY, msgspec.json.encode(more))

        assert len(answers(told)) == MOST
        assert refused.status_code == 400

    async def test_partners_are_refused(self, pep: Pep, services: Services) -> None:
        """A partner's own token asks nothing here."""
        partner, _ = await register_partner(services, scopes=("gateway.check",))
        token = await issue_token(services, partner)
        content = msgspec.json.encode(make_many(pep.subject, {}))

        response = await pep.post(MANY, content, authorization=f"Bearer {token}")

        assert response.status_code == 403
