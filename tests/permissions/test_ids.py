"""Ids name their kind, and shards spread them evenly."""

from __future__ import annotations

import hashlib
import random
from collections import Counter

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from permissions.ids import SHARDS, is_id, new_id, shard_of


class TestNewId:
    @settings(deadline=None)
    @given(st.binary(min_size=32, max_size=32))
    def test_is_an_id_of_its_kind(self, bits: bytes) -> None:
        """Whatever the random bytes are, the id is well-formed."""
        text = new_id("gra", lambda count: bits[:count])

        assert is_id("gra", text)
        assert not is_id("sub", text)

    def test_takes_128_bits_at_least(self) -> None:
        """An id cannot be guessed: five bits for each of its 26 letters."""
        source = random.Random(5)  # noqa: S311 - repeatable on purpose
        asked: list[int] = []

        def bits(count: int) -> bytes:
            asked.append(count)
            return source.randbytes(count)

        texts = [new_id("sub", bits) for _ in range(2000)]

        assert min(asked) >= 16
        assert len(set(texts)) == len(texts)
        for place in range(4, 29):  # in each place, each letter now and then
            assert len({text[place] for text in texts}) == 32


class TestIsId:
    @pytest.mark.parametrize(
        "text",
        [
            "",
            "gra_",
            "gra",
            "sub_" + "a" * 26,
            "gra_" + "a" * 25,
            "gra_" + "a" * 27,
            "gra_" + "A" * 26,
            "gra_" + "1" * 26,
            "gra_" + "a" * 25 + "\n",
            "gra_" + "а" * 26,  # noqa: RUF001 - the Cyrillic letter
            " gra_" + "a" * 26,
            "gra_gra_" + "a" * 22,
        ],
    )
    def test_refuses_what_is_none(self, text: str) -> None:
        """Wrong kind, length, case, alphabet or anything beside it is no id."""
        assert not is_id("gra", text)


class TestShard:
    def test_is_the_first_byte_of_the_hash(self) -> None:
        """Every process computes the same shard from the key alone."""
        digest = hashlib.sha256(b"sub_x").digest()

        assert shard_of("sub_x") == digest[0] % 64

    def test_spreads_evenly(self) -> None:
        """No shard gets more than half as much again as its share."""
        source = random.Random(5).randbytes  # noqa: S311 - repeatable on purpose
        counts = Counter(shard_of(new_id("sub", source)) for _ in range(SHARDS * 200))

        assert set(counts) == set(range(SHARDS))
        assert max(counts.values()) < 300
