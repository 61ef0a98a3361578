"""Server metadata (RFC 8414): what is really offered, and nothing else."""

from __future__ import annotations

from typing import Any

from gateway.oauth.client_auth import METHODS
from gateway.oauth.clients import APP_SCOPES, PARTNER_SCOPES
from gateway.oauth.items import offered_scopes
from gateway.oauth.rfc9396 import TYPE
from gateway.oauth.server import (
    CHALLENGE_METHODS,
    GRANT_TYPES,
    RESPONSE_TYPES,
    checked_metadata,
)
from permissions.catalogue.model import Catalogue


def metadata(issuer: str, catalogue: Catalogue) -> dict[str, Any]:
    """Return the metadata document of an issuer."""
    return checked_metadata(
        {
            "issuer": issuer,
            "authorization_endpoint": f"{issuer}/oauth/authorize",
            "token_endpoint": f"{issuer}/oauth/token",
            "introspection_endpoint": f"{issuer}/oauth/introspect",
            "revocation_endpoint": f"{issuer}/oauth/revoke",
            "response_types_supported": list(RESPONSE_TYPES),
            "response_modes_supported": ["query"],
            "grant_types_supported": list(GRANT_TYPES),
            "code_challenge_methods_supported": list(CHALLENGE_METHODS),
            "token_endpoint_auth_methods_supported": list(METHODS),
            "introspection_endpoint_auth_methods_supported": list(METHODS),
            "revocation_endpoint_auth_methods_supported": list(METHODS),
            "authorization_response_iss_parameter_supported": True,
            "authorization_details_types_supported": [TYPE],
            "scopes_supported": [
                *sorted(APP_SCOPES | PARTNER_SCOPES),
                *offered_scopes(catalogue),
            ],
            "ui_locales_supported": list(catalogue.locales),
        }
    )
