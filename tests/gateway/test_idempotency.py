"""A key makes an act happen once, for one caller and one request."""

from __future__ import annotations

from datetime import timedelta
from typing import cast

import pytest
from litestar.types import HTTPScope

from gateway import idempotency
from gateway.idempotency import Key, key_of, note, recall, remember
from gateway.principals import Principal, authenticate
from gateway.problems import Problem
from gateway.services import Services
from gateway.tokens import TokenKind
from tests.conftest import FakeClock
from tests.factories import issue_token, register_partner, register_subject


def make_key(**changes: str) -> Key:
    """Make a key; change only what the test is about."""
    return Key(
        **{
            "principal": "cli_a",
            "route": "POST /v1/asks",
            "key": "k",
            "fingerprint": "f",
            **changes,
        }
    )


def make_scope() -> HTTPScope:
    """Make a request for a release."""
    path = "/v1/data/transaction"
    return cast(
        "HTTPScope",
        {"method": "GET", "path": path, "path_template": path, "query_string": b""},
    )


async def make_principal(
    services: Services, kind: TokenKind, subject: str
) -> Principal:
    """Make the holder of a person's token, each time at another client."""
    client, _ = await register_partner(services)
    secret = await issue_token(services, client, kind=kind, subject=subject)
    return await authenticate(services, f"Bearer {secret}", kind)


async def keep(services: Services, key: Key | None, answer: str) -> None:
    """Remember an answer."""
    await services.store.write(lambda transaction: remember(transaction, key, answer))


async def found(services: Services, key: Key | None) -> str | None:
    """Recall an answer."""
    return await services.store.write(lambda transaction: recall(transaction, key, str))


class TestRecall:
    async def test_the_same_request_finds_its_answer(self, services: Services) -> None:
        """What was remembered is found again; nothing is found before."""
        before = await found(services, make_key())
        await keep(services, make_key(), "mine")

        assert (before, await found(services, make_key())) == (None, "mine")

    async def test_another_request_under_the_key_is_refused(
        self, services: Services
    ) -> None:
        """A key that comes with another body is a mistake of the caller."""
        await keep(services, make_key(), "mine")

        with pytest.raises(Problem) as caught:
            await found(services, make_key(fingerprint="other"))

        assert (caught.value.status, caught.value.code) == (422, "idempotency_mismatch")

    @pytest.mark.parametrize(
        "changes", [{"principal": "cli_b"}, {"route": "PUT /v1/x"}, {"key": "K"}]
    )
    async def test_keys_of_others_are_not_mine(
        self, services: Services, changes: dict[str, str]
    ) -> None:
        """Caller, route and key together name an act."""
        await keep(services, make_key(), "mine")

        assert await found(services, make_key(**changes)) is None

    async def test_a_key_lives_a_day(
        self, services: Services, clock: FakeClock
    ) -> None:
        """After a day a key is new again; a moment before it is not."""
        await keep(services, make_key(), "mine")
        clock.advance(idempotency.LIFE - timedelta(microseconds=1))
        before = await found(services, make_key())
        clock.advance(timedelta(microseconds=1))

        after = await found(services, make_key())
        await keep(services, make_key(), "again")

        assert (before, after) == ("mine", None)
        assert await found(services, make_key()) == "again"

    async def test_without_a_key_nothing_is_kept(self, services: Services) -> None:
        """Where a key is optional its absence is no mistake."""
        await keep(services, None, "mine")

        assert await found(services, None) is None

    async def test_what_is_rolled_back_was_never_remembered(
        self, services: Services
    ) -> None:
        """The key lives and dies with the act's own transaction."""

        def work(transaction: object) -> None:
            remember(transaction, make_key(), "mine")  # type: ignore[arg-type]
            raise Problem(409, "no", "no")

        with pytest.raises(Problem):
            await services.store.write(work)

        assert await found(services, make_key()) is None


class TestWhose:
    @pytest.mark.parametrize("kind", ["user", "access"])
    async def test_clients_of_one_person_share_nothing(
        self, services: Services, kind: TokenKind
    ) -> None:
        """Nobody learns, fills or spoils the keys of another one's."""
        subject = await register_subject(services)
        keys = [
            key_of(
                make_scope(), b"", await make_principal(services, kind, subject), "k"
            )
            for _ in range(2)
        ]

        await keep(services, keys[0], "mine")

        assert await found(services, keys[0]) == "mine"
        assert await found(services, keys[1]) is None


class TestBound:
    async def test_keys_of_one_caller_are_bounded(
        self, services: Services, clock: FakeClock, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        """A flood of keys is refused, other callers are not, and a day frees room."""
        monkeypatch.setattr(idempotency, "KEYS_PER_PRINCIPAL", 2)
        await keep(services, make_key(key="1"), "")
        await keep(services, make_key(key="2"), "")

        with pytest.raises(Problem) as caught:
            await keep(services, make_key(key="3"), "")
        await keep(services, make_key(key="3", principal="cli_b"), "")
        clock.advance(idempotency.LIFE)
        await keep(services, make_key(key="4"), "kept")

        assert caught.value.status == 429
        assert await found(services, make_key(key="4")) == "kept"

    async def test_withdrawal_is_not_refused_for_want_of_room(
        self, services: Services, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        """What is idempotent by itself goes on where no key can be kept."""
        monkeypatch.setattr(idempotency, "KEYS_PER_PRINCIPAL", 1)
        await keep(services, make_key(key="1"), "")

        await services.store.write(
            lambda transaction: note(transaction, make_key(key="2"))
        )

        assert await found(services, make_key(key="2")) is None


async def test_noting_twice_is_noting_once(services: Services) -> None:
    """An act that is idempotent by itself binds its key to its request."""
    for _ in range(2):
        await services.store.write(lambda transaction: note(transaction, make_key()))

    with pytest.raises(Problem):
        await services.store.write(
            lambda transaction: note(transaction, make_key(fingerprint="g"))
        )
