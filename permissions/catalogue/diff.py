"""What changes from one catalogue to the next, and whether it may be published so.

Pure. `diff` finds every difference and weighs it; `publishable` holds the author's
own declaration against it.
"""

from __future__ import annotations

from datetime import date, timedelta
from typing import TYPE_CHECKING, Final, Literal

import msgspec

from permissions.catalogue.change import Change, Diff
from permissions.catalogue.edits import edits
from permissions.catalogue.finding import Finding, place_of
from permissions.catalogue.weighed import Both
from permissions.catalogue.weight import weigh

if TYPE_CHECKING:
    from permissions.catalogue.model import Catalogue

Declared = Literal["minor", "material"]

_ROWS: Final = {
    "mode": "R71",
    "organisation": "R69",
    "recipients": "R69",
    "rights": "R68",
    "contact": "R69",
    "risk": "R69",
}
_WIDTH: Final = 60  # characters of a value that a change shows


def diff(old: Catalogue, new: Catalogue) -> Diff:
    """Return every change from ``old`` to ``new``, material ones first.

    Total: any two catalogues can be compared, and what no rule knows is material
    for everyone. A changed sentence is `minor` and marked for review: that its
    meaning changed only its author can say, by ``changed_in`` on the pair.
    """
    both = Both(old, new)
    changes = []
    for edit in edits(old, new):
        before, after = _shown(edit.before, edit.after)
        changes += [
            Change(
                kind=weighed.kind,
                place=edit.place,
                before=before,
                after=after,
                meaning=weighed.meaning,
                notice=weighed.kind != "minor",
                consent=weighed.consent,
                parts=weighed.parts,
                review=weighed.review,
            )
            for weighed in weigh(edit, both)
        ]
    return Diff(
        old_version=old.policy.version,
        new_version=new.policy.version,
        changes=tuple(sorted(changes, key=lambda change: not change.notice)),
    )


def publishable(found: Diff, declared: Declared) -> tuple[Finding, ...]:
    """Return what forbids to publish these changes as ``declared``.

    A material change may not pass as minor; a changed catalogue needs a later
    version; and where a yes has to rest, the pair has to say so, or the decision
    would go on under the old one.
    """
    findings = []
    if found.changes and found.new_version <= found.old_version:
        findings.append(
            Finding(
                rule="version_not_raised",
                severity="blocker",
                place=place_of("policy.toml", "version"),
                reason=f"{found.new_version} does not come after {found.old_version}",
                fix="give it a version that sorts after the one in force",
                requirement="R70",
            )
        )
    findings += [
        Finding(
            rule="material_declared_minor",
            severity="blocker",
            place=change.place,
            reason=f"{change.meaning}: that is material ({change.kind})",
            fix="declare the version material, or undo the change",
            requirement=_ROWS[change.kind],
        )
        for change in found.changes
        if change.kind != "minor" and declared == "minor"
    ]
    resting = dict.fromkeys(
        (part.capability, part.purpose)
        for change in found.changes
        for part in change.parts
        if part.rests and part.changed_in != found.new_version
    )
    findings += [
        Finding(
            rule="yes_does_not_rest",
            severity="blocker",
            place=place_of("pairs.toml", *pair, "changed_in"),
            reason="an earlier yes would go on as if nothing had changed",
            fix=f'set changed_in = "{found.new_version}"',
            requirement="R71",
        )
        for pair in resting
    ]
    return tuple(findings)


def _shown(before: object, after: object) -> tuple[str, str]:
    """Return two values short enough to be read, where they differ."""
    if isinstance(before, dict) and isinstance(after, dict):
        differing = [
            key
            for key in dict.fromkeys((*before, *after))
            if before.get(key) != after.get(key)
        ]
        before = {key: before[key] for key in differing if key in before}
        after = {key: after[key] for key in differing if key in after}
    if isinstance(before, str) and isinstance(after, str) and "\n" in before + after:
        before, after = _first_difference(before, after)
    return _short(before), _short(after)


def _first_difference(before: str, after: str) -> tuple[str, str]:
    old, new = before.splitlines(), after.splitlines()
    for left, right in zip(old, new, strict=False):
        if left != right:
            return left, right
    shared = min(len(old), len(new))
    return "".join(old[shared : shared + 1]), "".join(new[shared : shared + 1])


def _short(value: object) -> str:
    match value:
        case None:
            text = ""
        case bool():
            text = "true" if value else "false"
        case timedelta():
            text = f"{value.days} days"
        case date():
            text = value.isoformat()
        case tuple():
            text = ", ".join(str(item) for item in value) or "none"
        case dict():
            text = ", ".join(f"{key}: {_short(item)}" for key, item in value.items())
        case msgspec.Struct():
            text = "declared"
        case _:
            text = str(value)
    return text if len(text) <= _WIDTH else f"{text[: _WIDTH - 1]}…"
