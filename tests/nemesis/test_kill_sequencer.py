"""Killed at any moment, the log keeps what it has published, and says it once."""

from __future__ import annotations

import os
import random
import select
import subprocess
import sys
import time
from pathlib import Path

import pytest

from permissions.merkle.checkpoint import Checkpoint, open_checkpoint
from permissions.merkle.note import Signer
from permissions.store.audit import verify_store
from permissions.store.log_audit import verify_log
from permissions.store.sqlite import read_only
from tests.nemesis.sequencing import ORIGIN, SEED

ROOT = Path(__file__).parent.parent.parent
# More for a long run: GATEWAY_TEST_KILLS=200
KILLS = int(os.environ.get("GATEWAY_TEST_KILLS", "8"))
NUMBERS = 1_000_000  # of acts, more than one life has time for
KEY = Signer(ORIGIN, SEED).verifier


def live(folder: Path, first: int, seconds: float) -> list[Checkpoint]:
    """Let a process live for a while after its first word; return what it said."""
    with subprocess.Popen(  # noqa: S603 - our own interpreter
        [sys.executable, "-m", "tests.nemesis.sequencing", str(folder), str(first)],
        cwd=ROOT,
        stdout=subprocess.PIPE,
        bufsize=0,
    ) as process:
        out = process.stdout
        assert out is not None
        assert select.select([out], [], [], 30)[0], "the process did not start"
        ends_at = time.monotonic() + seconds
        said = b""
        while (left := ends_at - time.monotonic()) > 0:
            if select.select([out], [], [], left)[0]:
                said += os.read(out.fileno(), 65536)
        assert process.poll() is None, "the process ended by itself"
        process.kill()
        said += out.read()
    *whole, _ = said.split(b"\n")  # half a line says nothing
    return [open_checkpoint(bytes.fromhex(line.decode()), KEY) for line in whole]


@pytest.mark.slow
def test_published_checkpoints_survive_every_kill(tmp_path: Path) -> None:
    """Each one ever shown is still true; every entry is in the log once at most."""
    chance = random.Random(int(os.environ.get("GATEWAY_TEST_SEED", "1")))  # noqa: S311
    shown: list[Checkpoint] = []
    for life in range(KILLS):
        shown += live(tmp_path, life * NUMBERS, chance.uniform(0.02, 0.4))

    engine = read_only(tmp_path)
    with engine.begin() as connection:
        whole = verify_store(connection)
        found = verify_log(connection, KEY, shown)
    engine.dispose()
    assert len(shown) >= KILLS
    assert found.size >= max(one.size for one in shown)
    assert found.size + found.waiting == whole.entries
