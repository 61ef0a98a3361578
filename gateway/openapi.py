"""What the OpenAPI document says about the API as a whole: who may call, and how.

No page comes with it: the ready-made ones load scripts from other companies' servers,
which our content security policy rightly stops.
"""

from __future__ import annotations

from typing import Final

from litestar.openapi.config import OpenAPIConfig
from litestar.openapi.plugins import JsonRenderPlugin, YamlRenderPlugin
from litestar.openapi.spec import Components, OAuthFlow, OAuthFlows, SecurityScheme

_SERVICE_SCOPES: Final = {
    "gateway.asks": "ask people, and hear what was not a yes",
    "gateway.check": "ask for decisions",
    "gateway.introspect": "look into tokens of others, as a resource server",
    "gateway.subjects": "make people known, log them in, keep and list what is theirs",
}

_SCHEMES: Final = {
    "app": SecurityScheme(
        type="oauth2",
        description="The operator's own back end, in its own name.",
        flows=OAuthFlows(
            client_credentials=OAuthFlow(
                token_url="/oauth/token",  # noqa: S106 - an address
                scopes=_SERVICE_SCOPES,
            )
        ),
    ),
    "user": SecurityScheme(
        type="http",
        scheme="bearer",
        description="One person, by the token that their app got for them from "
        "POST /v1/subjects/{subject}/sessions.",
    ),
    "partner": SecurityScheme(
        type="oauth2",
        description="Another company, for one person who said yes on the consent page. "
        "The scopes are capabilities of the catalogue.",
        flows=OAuthFlows(
            authorization_code=OAuthFlow(
                authorization_url="/oauth/authorize",
                token_url="/oauth/token",  # noqa: S106 - an address
                scopes={},
            )
        ),
    ),
}


def openapi_config(version: str) -> OpenAPIConfig:
    """Return the configuration of ``/openapi/openapi.json`` and ``….yaml``."""
    return OpenAPIConfig(
        title="AseanBiz Gateway",
        version=version,
        description="Consent and permissions for mobile back ends.",
        path="/openapi",
        render_plugins=[JsonRenderPlugin(), YamlRenderPlugin()],
        components=Components(security_schemes=dict(_SCHEMES)),
    )
