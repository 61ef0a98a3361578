"""Name everything that forbids to publish a catalogue, or that wants a second look.

The loader says what cannot be a catalogue; this says what may not be published,
though a gateway could run it. Pure: a catalogue in, findings out.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from permissions.catalogue.finding import Finding
from permissions.catalogue.pair_lint import PAIR_RULES
from permissions.catalogue.policy_lint import POLICY_RULES
from permissions.catalogue.recipient_lint import RECIPIENT_RULES

if TYPE_CHECKING:
    from permissions.catalogue.finding import Rule
    from permissions.catalogue.model import Catalogue

RULES: Final[tuple[Rule, ...]] = (*POLICY_RULES, *PAIR_RULES, *RECIPIENT_RULES)


def lint(catalogue: Catalogue) -> tuple[Finding, ...]:
    """Return what every rule finds, blockers first; empty means fit to publish."""
    found = (
        Finding(
            rule=rule.id,
            severity=rule.severity,
            place=flaw.place,
            reason=flaw.reason,
            fix=flaw.fix,
            requirement=rule.requirement,
        )
        for rule in RULES
        for flaw in rule.flaws(catalogue)
    )
    return tuple(sorted(found, key=lambda finding: finding.severity != "blocker"))
