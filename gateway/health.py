"""Whether the process lives, and whether it can serve."""

from __future__ import annotations

from litestar import Response, get
from litestar.di import NamedDependency
from sqlalchemy import text

from gateway.services import Services


@get("/healthz", summary="Whether the process lives", tags=["public"])
async def healthz() -> dict[str, str]:
    """Answer as long as the event loop turns."""
    return {"status": "ok"}


@get("/readyz", summary="Whether the gateway can serve", tags=["public"])
async def readyz(services: NamedDependency[Services]) -> Response[dict[str, str]]:
    """Answer 200 when the store can be written; 503 when it cannot."""
    store = services.store
    ready = store.is_writable and store.near(
        lambda near: near.scalar(text("SELECT 1")) == 1
    )
    body = {
        "status": "ready" if ready else "not_ready",
        "policy_version": services.catalogue.policy.version,
        "catalogue": services.catalogue.sha256,
    }
    return Response(body, status_code=200 if ready else 503)
