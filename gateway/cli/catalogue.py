"""``catalogue lint|diff``: is a catalogue fit to publish, and what does it change."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Iterator, Sequence
from pathlib import Path

import msgspec

from gateway.cli.options import Commands, add_json
from permissions.catalogue.change import Change, Diff, Kind, Part
from permissions.catalogue.diff import diff, publishable
from permissions.catalogue.finding import Finding
from permissions.catalogue.lint import lint
from permissions.catalogue.load import load


class Linted(msgspec.Struct, frozen=True):
    """What ``lint --json`` prints."""

    policy: str
    pairs: int
    sha256: str
    findings: tuple[Finding, ...]


class Compared(msgspec.Struct, frozen=True):
    """What ``diff --json`` prints; ``findings`` as the version was declared."""

    old_version: str
    new_version: str
    material: bool
    kinds: tuple[Kind, ...]
    changes: tuple[Change, ...]
    findings: tuple[Finding, ...]


def add(commands: Commands) -> None:
    """Add the command."""
    parser = commands.add_parser("catalogue", help="check and compare catalogues")
    verbs = parser.add_subparsers(dest="verb", required=True, metavar="VERB")
    one = verbs.add_parser("lint", help="name what forbids to publish a catalogue")
    one.add_argument("folder", type=Path, nargs="?", help="default: the one that ships")
    add_json(one)
    one.set_defaults(run=_lint)
    two = verbs.add_parser("diff", help="say what a new catalogue changes, for whom")
    two.add_argument("old", type=Path, metavar="A", help="the catalogue in force")
    two.add_argument("new", type=Path, metavar="B", help="the one to publish")
    two.add_argument(
        "--declared",
        choices=("minor", "material"),
        help="how the version is announced; fails where that is not lawful",
    )
    add_json(two)
    two.set_defaults(run=_diff)


def _lint(chosen: argparse.Namespace) -> int:
    """Load and lint; a mistake of the loader ends the command with all of them."""
    catalogue = load(chosen.folder)
    found = lint(catalogue)
    blocked = _blocks(found)
    if chosen.json:
        _print_json(
            Linted(
                catalogue.policy.version,
                len(catalogue.pairs),
                catalogue.sha256,
                found,
            )
        )
        return int(blocked)
    for finding in found:
        sys.stdout.write(f"{finding}\n")
    verdict = f"ok, policy {catalogue.policy.version}, {len(catalogue.pairs)} pairs"
    if blocked:
        verdict = "not fit to publish"
    sys.stdout.write(f"catalogue: {verdict}, sha256 {catalogue.sha256}\n")
    return int(blocked)


def _diff(chosen: argparse.Namespace) -> int:
    """Compare two catalogues; with ``--declared``, fail where it may not be so."""
    found = diff(load(chosen.old), load(chosen.new))
    findings = publishable(found, chosen.declared) if chosen.declared else ()
    if chosen.json:
        kinds = dict.fromkeys(change.kind for change in found.changes)
        _print_json(
            Compared(
                found.old_version,
                found.new_version,
                found.is_material,
                tuple(kinds),
                found.changes,
                findings,
            )
        )
    else:
        for line in (*_table(found), *(str(finding) for finding in findings)):
            sys.stdout.write(f"{line}\n")
    return int(_blocks(findings))


def _blocks(findings: Sequence[Finding]) -> bool:
    return any(finding.severity == "blocker" for finding in findings)


_INDENT = " " * 14


def _table(found: Diff) -> Iterator[str]:
    """Yield a block for each change: its kind and place, the values, who is asked."""
    for change in found.changes:
        yield f"{change.kind:<14}{change.place}"
        before, after = change.before or "(none)", change.after or "(none)"
        yield f"{_INDENT}{before} -> {after}"
        yield f"{_INDENT}{change.meaning}"
        for line in _asked(change):
            yield f"{_INDENT}{line}"
    material = sum(change.notice for change in found.changes)
    review = sum(change.review for change in found.changes)
    yield (
        f"policy {found.old_version} -> {found.new_version}: "
        f"{'material' if found.is_material else 'minor'}, "
        f"{material} material and {len(found.changes) - material} minor changes, "
        f"{review} to review"
    )


def _asked(change: Change) -> Iterator[str]:
    """Yield who is asked again, for which part, and what goes on meanwhile."""
    for part in change.parts:
        yield f"ask {part}: {_meanwhile(part)}"
    if change.consent and not change.parts:
        yield "ask everyone: whoever does not agree stays under the old version"
    if change.notice and not change.consent:
        yield "tell everyone, prominently; nobody is asked"


def _meanwhile(part: Part) -> str:
    if part.rests:
        return "an earlier yes rests until it is given again"
    return "an earlier yes goes on as it was given"


def _print_json(value: object) -> None:
    text = msgspec.json.format(msgspec.json.encode(value), indent=2)
    sys.stdout.write(text.decode() + "\n")
