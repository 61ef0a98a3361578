"""Every attack of the list is tried here, elsewhere, or has a reason why not yet."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Final

NUMBERS: Final = frozenset(f"A{number}" for number in range(1, 27))

# What has no surface today, or is tried where it lives. A number that gets a test
# here has to leave this list.
ELSEWHERE: Final = {
    "A2": "roles come with the console; kinds of tokens are tried in A1, spellings "
    "of paths in tests/gateway/test_paths.py",
    "A5": "no signed token is accepted: all tokens are opaque",
    "A11": "secrets are compared as SHA-256 with compare_digest "
    "(tests/gateway/oauth/test_clients.py)",
    "A12": "no password or code to guess yet; the delays come with them",
    "A13": "one replica without quotas; limits come with several replicas",
    "A16": "no test pumps the patterns yet; the one on whole bodies is possessive",
    "A18": "no address of an outsider is fetched: no webhooks, key sets or logos yet",
    "A19": "no webhooks yet",
    "A23": "no generated keys yet; memories are keyed by tuples and hashes alone",
    "A24": "tests/permissions/test_decision.py has every boundary; instants at the "
    "edge of the calendar are tried in A14",
    "A25": "OpenAPI against routes: tests/gateway",
    "A26": "no erasure yet",
}


def tried() -> set[str]:
    """Return the numbers that the modules beside this one say they try."""
    found: set[str] = set()
    for module in Path(__file__).parent.glob("test_a*.py"):
        found |= set(re.findall(r"\bA\d+\b", module.read_text().split('"""')[1]))
        found.add("A" + module.name.removeprefix("test_a").partition("_")[0])
    return found


def test_every_number_is_accounted_for() -> None:
    """No attack is forgotten, and none is both tried and excused."""
    assert tried() | ELSEWHERE.keys() == NUMBERS
    assert not tried() & ELSEWHERE.keys()


def test_every_place_named_exists() -> None:
    """A reason that names a test names one that is there."""
    root = Path(__file__).parent.parent.parent
    named = re.findall(r"tests/[\w/]+(?:\.py)?", " ".join(ELSEWHERE.values()))

    assert named
    assert not [path for path in named if not (root / path).exists()]
