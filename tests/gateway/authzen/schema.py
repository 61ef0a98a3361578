"""The standard's schema files, and as much of JSON Schema as they use."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any, Final

_FOLDER: Final = Path(__file__).parent / "schemas"
_TYPES: Final[dict[str, type]] = {"object": dict, "string": str, "boolean": bool}
_SAID_ONLY: Final = frozenset(
    {"$schema", "$id", "$comment", "title", "description", "example", "examples"}
)


def load(name: str) -> Any:  # noqa: ANN401 - a schema
    """Return one schema file: ``evaluation-request`` or ``evaluation-response``."""
    return json.loads((_FOLDER / f"{name}.schema.json").read_text("utf-8"))


def faults(schema: Any, value: object, path: str = "$") -> list[str]:  # noqa: ANN401
    """Return where a value does not fit; a keyword not known here fails the test."""
    strange = schema.keys() - _SAID_ONLY - {"type", "required", "properties"}
    assert not strange, f"{path}: this reader knows no {sorted(strange)}"
    if not isinstance(value, _TYPES[schema["type"]]):
        return [f"{path}: not of type {schema['type']}"]
    if not isinstance(value, dict):
        return []
    found = [
        f"{path}.{name}: missing"
        for name in schema.get("required", ())
        if name not in value
    ]
    for name, inner in schema.get("properties", {}).items():
        if name in value:
            found += faults(inner, value[name], f"{path}.{name}")
    return found
