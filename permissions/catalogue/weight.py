"""How much each difference matters: the six material kinds, or minor (R68, R69, R71).

One rule for each field of the model. A field without a rule is material for
everyone, so that a field added later is asked about rather than overlooked.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from permissions.catalogue.data_weight import DATA_WEIGHTS
from permissions.catalogue.pair_weight import PAIR_WEIGHTS
from permissions.catalogue.policy_weight import POLICY_WEIGHTS
from permissions.catalogue.weighed import Both, Weighed, everyone

if TYPE_CHECKING:
    from permissions.catalogue.edits import Edit
    from permissions.catalogue.weighed import Weights

WEIGHTS: Final[Weights] = {**POLICY_WEIGHTS, **PAIR_WEIGHTS, **DATA_WEIGHTS}
_UNKNOWN: Final = everyone("mode", "no rule knows this part")


def weigh(edit: Edit, both: Both) -> tuple[Weighed, ...]:
    """Say what one difference amounts to; never nothing."""
    rule = WEIGHTS.get((edit.of, edit.field), _UNKNOWN)
    return tuple(rule(edit, both)) or (Weighed("minor", "the same in effect"),)
