"""The public face of the log, over HTTP, verified with nothing but the key."""

from __future__ import annotations

import httpx2
import pytest
from sqlalchemy import select

from gateway.jobs.sequencer import Sequencer, origin_of
from gateway.services import Services
from permissions.merkle.checkpoint import open_checkpoint
from permissions.merkle.document import (
    ConsistencyProof,
    InclusionProof,
    read_proof,
    verify_proof,
)
from permissions.merkle.note import Verifier, parse_key
from permissions.store import tables
from tests.conftest import ISSUER
from tests.factories import grant, register_app, register_subject


async def act(services: Services) -> None:
    """Let somebody say yes."""
    app, _ = await register_app(services)
    await grant(services, await register_subject(services), app)


async def sequence(services: Services) -> None:
    """Take what is there into the log."""
    seed = services.keys.signing_seed("log")
    await Sequencer(services.store, seed, origin=origin_of(ISSUER)).advance()


@pytest.fixture
async def log(services: Services) -> None:
    """Make a log with checkpoints of the sizes 0, 4 and 8, and four entries waiting."""
    await sequence(services)
    for _ in range(2):
        await act(services)
        await sequence(services)
    await act(services)


def entries(services: Services) -> list[tuple[int, int, str]]:
    """Return shard, seq and hash of all entries."""
    held = tables.ledger.c
    query = select(held.shard, held.seq, held.sha256).order_by(held.shard, held.seq)
    return services.store.near(
        lambda near: [(row[0], row[1], row[2].hex()) for row in near.execute(query)]
    )


async def key_of(http: httpx2.AsyncClient) -> Verifier:
    """Fetch the public key as a verifier does."""
    return parse_key((await http.get("/log/key")).text)


@pytest.mark.usefixtures("log")
class TestLog:
    async def test_checkpoint_is_the_newest_stored(
        self, http: httpx2.AsyncClient
    ) -> None:
        """It verifies with the key, and speaks of what is signed, not of what waits."""
        answer = await http.get("/log/checkpoint")

        assert answer.headers["content-type"] == "text/plain; charset=utf-8"
        found = open_checkpoint(answer.content, await key_of(http))
        assert (found.origin, found.size) == ("127.0.0.1:8400/log", 8)

    async def test_every_entry_proves_by_place_and_by_hash(
        self, services: Services, http: httpx2.AsyncClient
    ) -> None:
        """Twelve entries, eight in the log: those prove, the others are not yet."""
        key = await key_of(http)
        in_log = 0
        for shard, seq, sha256 in entries(services):
            by_place = await http.get(
                "/log/proof/inclusion", params={"shard": shard, "seq": seq}
            )
            by_hash = await http.get("/log/proof/inclusion", params={"leaf": sha256})

            assert (
                by_place.content.partition(b"request_id")[0]
                == (by_hash.content.partition(b"request_id")[0])
            )
            if by_place.status_code == 404:
                continue
            in_log += 1
            proof = read_proof(by_place.content)
            assert isinstance(proof, InclusionProof)
            assert proof.leaf_sha256 == sha256
            verify_proof(proof, key)
        assert in_log == 8

    @pytest.mark.parametrize("query", ["from=4&to=8", "from=4", "from=8&to=8"])
    async def test_log_has_only_grown(
        self, http: httpx2.AsyncClient, query: str
    ) -> None:
        """Two checkpoints and the proof between them verify together."""
        answer = await http.get(f"/log/proof/consistency?{query}")

        proof = read_proof(answer.content)
        assert isinstance(proof, ConsistencyProof)
        assert verify_proof(proof, await key_of(http))[-1].size == 8

    @pytest.mark.parametrize(
        "query",
        [
            "inclusion?shard=0&seq=1000",
            f"inclusion?shard=63&seq={2**63 - 1}",
            f"inclusion?leaf={'0' * 64}",
            "consistency?from=4&to=12",
            f"consistency?from={2**63 - 1}",
        ],
    )
    async def test_not_in_the_log_yet(
        self, http: httpx2.AsyncClient, query: str
    ) -> None:
        """What waits and what never was answer alike, and say when to ask again."""
        answer = await http.get(f"/log/proof/{query}")

        assert answer.status_code == 404
        assert answer.json()["code"] == "not_in_log_yet"
        assert int(answer.headers["retry-after"]) <= 5
        assert answer.headers["access-control-allow-origin"] == "*"

    async def test_size_that_was_never_signed(self, http: httpx2.AsyncClient) -> None:
        """Between two checkpoints there is nothing that was promised."""
        answer = await http.get("/log/proof/consistency?from=5&to=8")

        assert (answer.status_code, answer.json()["code"]) == (404, "size_unknown")

    @pytest.mark.parametrize(
        "query",
        [
            "inclusion",
            "inclusion?shard=1",
            "inclusion?seq=1",
            f"inclusion?shard=1&seq=1&leaf={'0' * 64}",
            "inclusion?shard=64&seq=1",
            "inclusion?shard=-1&seq=1",
            "inclusion?shard=1&seq=0",
            f"inclusion?shard=1&seq={2**63}",
            f"inclusion?shard=1&seq={'9' * 5000}",
            "inclusion?shard=1&seq=x",
            "inclusion?shard=1&shard=2&seq=1",
            "inclusion?leaf=00",
            f"inclusion?leaf={'0' * 64}%0A",
            f"inclusion?leaf={'A' * 64}",
            "inclusion?leaf=%FF",
            "consistency",
            "consistency?from=0",
            "consistency?from=8&to=4",
            "consistency?from=4&from=8",
            "consistency?from=four",
        ],
    )
    async def test_impossible_question(
        self, http: httpx2.AsyncClient, query: str
    ) -> None:
        """What cannot be meant is the asker's mistake, and scripts may read that."""
        answer = await http.get(f"/log/proof/{query}")

        assert answer.status_code == 400, answer.text
        assert answer.headers["content-type"] == "application/problem+json"
        assert answer.headers["access-control-allow-origin"] == "*"

    @pytest.mark.parametrize(
        "path",
        ["/log/checkpoint", "/log/key", "/log/proof/consistency?from=4"],
    )
    async def test_other_sites_may_read_without_credentials(
        self, http: httpx2.AsyncClient, path: str
    ) -> None:
        """Scripts of anyone may verify; cookies play no part (security §2)."""
        answer = await http.get(path, headers={"Origin": "https://auditor.example"})

        assert answer.headers["access-control-allow-origin"] == "*"
        assert "access-control-allow-credentials" not in answer.headers
        assert "set-cookie" not in answer.headers

    async def test_openapi_describes_it(self, http: httpx2.AsyncClient) -> None:
        """Each path is in the document."""
        paths = (await http.get("/openapi/openapi.json")).json()["paths"]

        assert {path for path in paths if path.startswith("/log/")} == {
            "/log/checkpoint",
            "/log/key",
            "/log/proof/consistency",
            "/log/proof/inclusion",
        }


@pytest.mark.parametrize(
    "path",
    [
        "/log/checkpoint",
        "/log/key",
        "/log/proof/inclusion?shard=1&seq=1",
        "/log/proof/consistency?from=1",
    ],
)
async def test_before_the_first_checkpoint(http: httpx2.AsyncClient, path: str) -> None:
    """A gateway that has not sequenced yet says so everywhere."""
    answer = await http.get(path)

    assert (answer.status_code, answer.json()["code"]) == (404, "not_in_log_yet")
