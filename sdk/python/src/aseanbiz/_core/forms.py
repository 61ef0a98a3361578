"""Bodies of OAuth endpoints."""

from collections.abc import Mapping
from urllib.parse import urlencode

from aseanbiz._secret import Secret

FORM = "application/x-www-form-urlencoded"


def form(fields: Mapping[str, str | Secret]) -> bytes:
    """Encode a form; secrets are let out here and nowhere earlier."""
    shown = {
        name: value.reveal() if isinstance(value, Secret) else value
        for name, value in fields.items()
    }
    return urlencode(shown).encode()
