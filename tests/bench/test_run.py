"""One short run: every row is there, in its shape; no figure is judged."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import msgspec
import pytest

ROOT = Path(__file__).resolve().parents[2]
PATHS = [
    "bare Litestar echo (L)",
    "raw ASGI echo (R)",
    "check",
    "check",
    "introspect",
    "data release with its record",
    "withdraw durable",
    "decide() warm, 50 grants",
    "start to ready, empty folder",
    "resident memory then",
]
PLAN = """\
import sys
from pathlib import Path
from bench.run import Plan, report

if __name__ == "__main__":
    plan = Plan(
        pairs=1, cell=0.2, warm_up=0.1, open_loop=0.2,
        subjects=30, withdrawals=32, decisions=100, starts=1,
    )
    report(plan, Path(sys.argv[1]))
"""


@pytest.mark.slow
def test_short_run_gives_every_row(tmp_path: Path) -> None:
    """The JSON has each path with the members that readers rely on."""
    script, file = tmp_path / "short_run.py", tmp_path / "rows.json"
    script.write_text(PLAN)

    done = subprocess.run(  # noqa: S603 - our own interpreter and script
        (sys.executable, str(script), str(file)),
        env={**os.environ, "PYTHONPATH": str(ROOT)},
        capture_output=True,
        text=True,
        timeout=300,
        check=False,
    )

    assert done.returncode == 0, done.stderr
    rows = msgspec.json.decode(file.read_bytes())
    assert [row["path"] for row in rows] == PATHS
    for row in rows:
        assert {"reference", "ratio", "min", "max", "goal", "cpu_us"} <= row.keys()
        assert {"p50_ms", "p99_ms", "value", "unit"} <= row.keys()
        assert row["value"] is None or row["unit"]
    assert "load average" in done.stdout
    assert "dropped" not in done.stdout  # each answer was the right one
