"""What both data routes read from the address: the category and the purpose."""

from __future__ import annotations

from gateway.problems import Problem
from permissions.catalogue.model import Catalogue, Category


def category_of(catalogue: Catalogue, category: str) -> Category:
    """Return a category by its bare id; an unknown one is 404."""
    found = catalogue.categories.get(category)
    if found is None:
        raise Problem(
            404,
            "not_found",
            f"there is no such category; there are {', '.join(catalogue.categories)}",
            extra={"field": "category"},
        )
    return found


def purpose_of(catalogue: Catalogue, purpose: str | None, *, status: int) -> str:
    """Return a purpose of the closed list (R02); none is 400, another ``status``."""
    if not purpose:
        raise Problem(
            400,
            "purpose_required",
            "purpose: say what the data is for",
            fix="name_purpose",
            extra={"field": "purpose"},
        )
    if purpose not in catalogue.purposes:
        raise Problem(
            status,
            "purpose_unknown",
            "purpose: not one that the policy declares",
            fix="declare_purpose",
            extra={"field": "purpose"},
        )
    return purpose
