"""What a type checker says to users of the SDK."""

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

HEAD = """
from typing import assert_never

from aseanbiz import Allow, Ask, Decision, Deny, Gateway, GrantId

gw = Gateway.from_env()
decision = gw.check("sub_1", "device.album", purpose="p")
"""

MISUSES = {
    "if": "if decision:\n    pass\n",
    "not": "refused = not decision\n",
    "and": "both = decision and True\n",
    "ternary": "x = 1 if decision else 2\n",
}


def mypy(tmp_path: Path, code: str) -> str:
    """Check one module as a user would, with the code for truthiness enabled."""
    file = tmp_path / "user.py"
    file.write_text(HEAD + code)
    command = [sys.executable, "-m", "mypy", "--strict", "--config-file="]
    command += ["--enable-error-code", "truthy-bool", "--cache-dir"]
    cache = Path(__file__).parents[1] / ".mypy_cache" / "users"
    source = Path(__file__).parents[1] / "src"
    done = subprocess.run(  # noqa: S603 - our own code
        [*command, str(cache), str(file)],
        capture_output=True,
        text=True,
        check=False,
        env={**os.environ, "MYPYPATH": str(source)},
    )
    return done.stdout + done.stderr


def test_right_use_is_accepted(tmp_path: Path) -> None:
    """Match over the three, exhaustively, needs no cast and no ignore."""
    code = """
match decision:
    case Allow(grant=grant):
        granted: GrantId | None = grant
    case Ask(ask=ask):
        text: str = ask.text["en"]
    case Deny(reason="withdrawn", fallback=fallback):
        shown: str | None = fallback
    case Deny():
        pass
    case other:
        assert_never(other)
"""

    assert "Success" in mypy(tmp_path, code)


@pytest.mark.parametrize("misuse", MISUSES)
def test_truthiness_is_reported(tmp_path: Path, misuse: str) -> None:
    """`if decision` is an error before it ever runs."""
    assert "[truthy-bool]" in mypy(tmp_path, MISUSES[misuse])


def test_forgotten_answer_is_reported(tmp_path: Path) -> None:
    """Who handles only two of three hears of the third."""
    code = """
match decision:
    case Allow():
        pass
    case Deny():
        pass
    case other:
        assert_never(other)
"""

    assert '"Ask"' in mypy(tmp_path, code)


def test_readme_is_typed(tmp_path: Path) -> None:
    """The examples that people copy pass the checks that people run."""
    readme = (Path(__file__).parents[1] / "README.md").read_text(encoding="utf-8")
    blocks = re.findall(r"```python\n(.*?)```", readme, re.DOTALL)

    assert "Success" in mypy(tmp_path, "\n".join(blocks))
