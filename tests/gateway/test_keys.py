"""The key ring: keyed hashes, and files that cannot be used."""

from __future__ import annotations

import base64
import secrets
import stat
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.keys import KeyRing, KeyRingError, open_keyring, write_keyring

RING = KeyRing(bytes(range(32)), generated=False)


class TestKeyRing:
    @given(st.lists(st.binary(max_size=6)), st.lists(st.binary(max_size=6)))
    def test_two_lists_of_parts_never_read_the_same(
        self, one: list[bytes], other: list[bytes]
    ) -> None:
        """Parts cannot be moved across their borders."""
        assert (RING.mac("csrf", *one) == RING.mac("csrf", *other)) == (one == other)

    def test_uses_have_keys_of_their_own(self) -> None:
        """A hash made for one use proves nothing in another."""
        mac = RING.mac("csrf", "a")

        assert RING.proves(mac, "csrf", "a")
        assert not RING.proves(mac, "directory", "a")

    @pytest.mark.parametrize("forged", ["", "é", "0" * 64, "\ud800"])
    def test_forged_hash_is_only_wrong(self, forged: str) -> None:
        """Whatever is handed in, the answer is no and never an error."""
        assert not RING.proves(forged, "csrf", "a")

    def test_repr_shows_no_key(self) -> None:
        """Neither logs nor tracebacks can print the root."""
        assert repr(RING) == "KeyRing(…)"


class TestOpenKeyring:
    def test_generated_ring_is_read_back(self, tmp_path: Path) -> None:
        """The first start makes a ring, the second finds the same one."""
        path = tmp_path / "keyring.json"

        first = open_keyring(path, secrets.token_bytes, may_generate=True)
        again = open_keyring(path, secrets.token_bytes, may_generate=False)

        assert first.mac("csrf", "x") == again.mac("csrf", "x")
        assert again.is_generated
        assert stat.S_IMODE(path.stat().st_mode) == 0o600

    def test_missing_ring_is_not_made_in_production(self, tmp_path: Path) -> None:
        """Where it may not be generated, the way out is named."""
        with pytest.raises(KeyRingError, match="keys new"):
            open_keyring(tmp_path / "no.json", secrets.token_bytes, may_generate=False)

    def test_ring_is_never_overwritten(self, tmp_path: Path) -> None:
        """A second `keys new` on the same file is refused: data hangs on the first."""
        path = tmp_path / "keyring.json"
        write_keyring(path, secrets.token_bytes, generated=False)
        before = path.read_bytes()

        with pytest.raises(KeyRingError, match="exists"):
            write_keyring(path, secrets.token_bytes, generated=False)

        assert path.read_bytes() == before

    def test_ring_that_others_may_read_is_refused(self, tmp_path: Path) -> None:
        """Whoever reads the root key can undo every keyed hash."""
        path = tmp_path / "keyring.json"
        write_keyring(path, secrets.token_bytes, generated=False)
        path.chmod(0o640)

        with pytest.raises(KeyRingError, match="chmod 600"):
            open_keyring(path, secrets.token_bytes, may_generate=False)

    @pytest.mark.parametrize(
        "body",
        [
            b"",
            b"{}",
            b"\xff",
            b'{"format":2,"generated":true,"root":""}',
            b'{"format":1,"generated":true,"root":"AAAA"}',
            b'{"format":1,"generated":true,"root":"\\u00e9"}',
        ],
    )
    def test_broken_ring_is_named(self, tmp_path: Path, body: bytes) -> None:
        """A file that is no key ring is refused with its name."""
        path = tmp_path / "keyring.json"
        path.write_bytes(body)

        with pytest.raises(KeyRingError, match=r"keyring\.json"):
            open_keyring(path, secrets.token_bytes, may_generate=True)


class TestSigningSeed:
    def test_ring_of_any_age_has_the_same_seed(self, tmp_path: Path) -> None:
        """A file from before there was a log signs, and signs the same for ever."""
        path = tmp_path / "keyring.json"
        root = base64.b64encode(bytes(range(32))).decode("ascii")
        path.write_text(f'{{"format":1,"generated":false,"root":"{root}"}}')
        path.chmod(0o600)

        ring = open_keyring(path, secrets.token_bytes, may_generate=False)

        assert ring.signing_seed("log").hex() == (
            "6b25fd40084d06f8d9a65ec8c06c22cf456030b2938b0a1d80c2420114f8bd0d"
        )

    def test_seed_is_neither_root_nor_hash(self) -> None:
        """What signs in public shares nothing with what keeps secrets."""
        seed = RING.signing_seed("log")

        assert seed != bytes(range(32))
        assert seed.hex() not in {RING.mac("csrf"), RING.mac("csrf", "log")}
