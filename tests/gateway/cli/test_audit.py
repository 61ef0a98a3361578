"""``audit``: the log beside a store, and proofs where there is neither."""

from __future__ import annotations

import asyncio
import json
import re
import shlex
import sqlite3
from pathlib import Path
from typing import get_args

import httpx2
import pytest

from gateway.cli import main
from gateway.jobs.sequencer import Sequencer, origin_of
from gateway.services import Services
from permissions.merkle.audit import Breach
from permissions.merkle.checkpoint import Checkpoint, sign
from permissions.merkle.note import Signer
from permissions.store.sqlite import FILE
from tests.conftest import ISSUER
from tests.factories import register_app, register_subject

GUIDE = (Path(__file__).parents[3] / "docs" / "log.md").read_text("utf-8")


class Kept:
    """What a person has saved: a key, a proof of each kind, two checkpoints."""

    def __init__(self, folder: Path) -> None:
        self.key = folder / "key.txt"
        self.inclusion = folder / "inclusion.json"
        self.consistency = folder / "consistency.json"
        self.old = folder / "old.txt"
        self.new = folder / "new.txt"

    async def save(self, http: httpx2.AsyncClient, path: str, file: Path) -> None:
        """Save an answer as it came."""
        written = (await http.get(path)).raise_for_status().content
        await asyncio.to_thread(file.write_bytes, written)


@pytest.fixture
async def kept(services: Services, http: httpx2.AsyncClient, tmp_path: Path) -> Kept:
    """Save all of it from a gateway whose log was signed at one and three entries."""
    found = Kept(tmp_path)
    sequencer = Sequencer(
        services.store,
        services.keys.signing_seed("log"),
        origin=origin_of(ISSUER),
    )
    await register_app(services)
    await sequencer.advance()
    await found.save(http, "/log/checkpoint", found.old)
    await register_subject(services)
    await sequencer.advance()
    await found.save(http, "/log/checkpoint", found.new)
    await found.save(http, "/log/key", found.key)
    await found.save(http, "/log/proof/consistency?from=1", found.consistency)
    (shard, seq), *_ = services.store.near(
        lambda near: near.exec_driver_sql("SELECT shard, seq FROM ledger").all()
    )
    await found.save(
        http, f"/log/proof/inclusion?shard={shard}&seq={seq}", found.inclusion
    )
    return found


def failed(capsys: pytest.CaptureFixture[str], *arguments: object) -> str:
    """Run a command that must fail; return the one line in which it says why."""
    assert main([str(one) for one in arguments]) == 1
    told = capsys.readouterr()
    assert told.out == ""
    (line,) = told.err.splitlines()
    return line


def told(capsys: pytest.CaptureFixture[str], *arguments: object) -> str:
    """Run a command that must succeed; return what it prints."""
    assert main([str(one) for one in arguments]) == 0
    return capsys.readouterr().out


def rooted_elsewhere(services: Services, size: int) -> str:
    """Return a checkpoint that the log's own key signs for another history."""
    signer = Signer(origin_of(ISSUER), services.keys.signing_seed("log"))
    other = Checkpoint(origin=signer.verifier.name, size=size, root=bytes(32))
    return sign(other, signer)


class TestProof:
    def test_inclusion_verifies_offline(
        self, kept: Kept, capsys: pytest.CaptureFixture[str]
    ) -> None:
        """File and key are enough; what was proven is said in a sentence."""
        leaf = json.loads(kept.inclusion.read_bytes())["leaf_sha256"]

        said = told(
            capsys,
            *("audit", "proof", kept.inclusion, "--key", kept.key),
            *("--leaf", leaf, "--checkpoint", kept.new),
        )

        assert said.startswith(f"proof: ok, entry {leaf} is number ")
        assert said.endswith("among the 3 of 127.0.0.1:8400/log\n")

    def test_key_may_be_a_line(
        self, kept: Kept, capsys: pytest.CaptureFixture[str]
    ) -> None:
        """A key printed on paper can be typed in."""
        line = kept.key.read_text().strip()

        assert "ok" in told(capsys, "audit", "proof", kept.inclusion, "--key", line)

    def test_consistency_ties_both_checkpoints(
        self, kept: Kept, capsys: pytest.CaptureFixture[str]
    ) -> None:
        """The old checkpoint that somebody kept is the beginning of the new one."""
        said = told(
            capsys,
            *("audit", "proof", kept.consistency, "--key", kept.key),
            *("--checkpoint", kept.old, "--checkpoint", kept.new),
        )

        assert "all 1 entries are still the first of 3" in said

    def test_equivocation_is_named(
        self, services: Services, kept: Kept, capsys: pytest.CaptureFixture[str]
    ) -> None:
        """Two signed checkpoints of one size, and one of them is mine."""
        kept.new.write_text(rooted_elsewhere(services, 3))

        said = failed(
            capsys,
            *("audit", "proof", kept.inclusion, "--key", kept.key),
            *("--checkpoint", kept.new),
        )

        assert "equivocation" in said
        assert "size 3" in said

    def test_checkpoint_of_another_size_asks_for_more(
        self, kept: Kept, capsys: pytest.CaptureFixture[str]
    ) -> None:
        """An older checkpoint is not compared in silence: the way is named."""
        said = failed(
            capsys,
            *("audit", "proof", kept.inclusion, "--key", kept.key),
            *("--checkpoint", kept.old),
        )

        assert "/log/proof/consistency?from=1&to=3" in said

    def test_another_entry_than_mine(
        self, kept: Kept, capsys: pytest.CaptureFixture[str]
    ) -> None:
        """A good proof of something else is no proof of my receipt."""
        for file in (kept.inclusion, kept.consistency):
            said = failed(
                capsys,
                *("audit", "proof", file, "--key", kept.key, "--leaf", "00" * 32),
            )

            assert "--leaf" in said

    def test_changed_file(self, kept: Kept, capsys: pytest.CaptureFixture[str]) -> None:
        """One digit of the path is enough, and the file is named."""
        proof = json.loads(kept.inclusion.read_bytes())
        proof["proof"][0] = "00" * 32
        kept.inclusion.write_text(json.dumps(proof))

        said = failed(capsys, "audit", "proof", kept.inclusion, "--key", kept.key)

        assert "inclusion.json" in said

    @pytest.mark.parametrize("key", ["no.txt", "a+b+c", "log+00000000+AAAA"])
    def test_key_that_is_none(
        self, kept: Kept, capsys: pytest.CaptureFixture[str], key: str
    ) -> None:
        """A key that cannot be read is one line."""
        assert failed(capsys, "audit", "proof", kept.inclusion, "--key", key)

    def test_files_that_are_none(
        self, kept: Kept, tmp_path: Path, capsys: pytest.CaptureFixture[str]
    ) -> None:
        """A missing file and a file of another kind are one line each."""
        for file in (tmp_path / "none.json", tmp_path, kept.key):
            said = failed(capsys, "audit", "proof", file, "--key", kept.key)

            assert str(file) in said


class TestGuide:
    def test_its_commands_do_what_it_says(
        self,
        services: Services,
        kept: Kept,
        monkeypatch: pytest.MonkeyPatch,
        capsys: pytest.CaptureFixture[str],
    ) -> None:
        """Each command of the guide runs, on files named as it names them."""
        leaf = json.loads(kept.inclusion.read_bytes())["leaf_sha256"]
        kept.inclusion.rename(kept.inclusion.with_name("proof.json"))
        kept.consistency.rename(kept.consistency.with_name("growth.json"))
        kept.old.rename(kept.old.with_name("kept.txt"))
        monkeypatch.chdir(services.settings.data_dir.parent)
        commands = re.findall(r"^aseanbiz-gateway (audit .*)$", GUIDE, re.MULTILINE)

        said = [
            told(capsys, *shlex.split(command.replace("$ENTRY_SHA256", leaf)))
            for command in commands
        ]

        assert len(said) == 3
        assert all("ok" in one for one in said)

    def test_every_breach_is_explained(self) -> None:
        """What the audit can say is in the table."""
        assert all(f"`log {kind}`" in GUIDE for kind in get_args(Breach))


class TestVerify:
    def test_log_is_verified_with_the_ring(
        self, services: Services, kept: Kept, capsys: pytest.CaptureFixture[str]
    ) -> None:
        """Beside the gateway, its own key ring says which key to judge by."""
        folder = services.settings.data_dir

        said = told(
            capsys,
            *("audit", "verify", "--data-dir", folder),
            *("--checkpoint", kept.old, "--checkpoint", kept.new),
        )
        as_json = json.loads(
            told(capsys, "audit", "verify", "--data-dir", folder, "--json")
        )

        assert "log: ok, 3 entries under 2 signed checkpoints, 0 waiting" in said
        assert as_json["log"] == {"size": 3, "checkpoints": 2, "waiting": 0}

    def test_copy_is_verified_with_the_key_alone(
        self, services: Services, kept: Kept, capsys: pytest.CaptureFixture[str]
    ) -> None:
        """An auditor with a copy of the database needs no secret."""
        folder = services.settings.data_dir
        (folder / "keyring.json").unlink()

        assert "key ring" in failed(capsys, "audit", "verify", "--data-dir", folder)
        assert "log: ok" in told(
            capsys, "audit", "verify", "--data-dir", folder, "--key", kept.key
        )

    def test_equivocation_is_named(
        self, services: Services, kept: Kept, capsys: pytest.CaptureFixture[str]
    ) -> None:
        """A checkpoint that I was shown, and the store knows another."""
        kept.old.write_text(rooted_elsewhere(services, 1))

        said = failed(
            capsys,
            *("audit", "verify", "--data-dir", services.settings.data_dir),
            *("--checkpoint", kept.old),
        )

        assert "log equivocation at size 1" in said

    def test_log_that_is_gone_is_missed(
        self, services: Services, kept: Kept, capsys: pytest.CaptureFixture[str]
    ) -> None:
        """Without any table of the log, a kept checkpoint still says that it was."""
        database = sqlite3.connect(services.settings.data_dir / FILE)
        with database:
            for table in ("log_head", "log_leaves", "log_nodes", "checkpoints"):
                database.execute(f"DELETE FROM {table}")  # noqa: S608 - our own names
        database.close()

        for key in ((), ("--key", kept.key)):
            said = failed(
                capsys,
                *("audit", "verify", "--data-dir", services.settings.data_dir),
                *("--checkpoint", kept.old, *key),
            )

            assert "log truncated" in said
