"""Run the shop: ``python -m examples.sample_app --port 8402``."""

from __future__ import annotations

import os

from aseanbiz import Gateway
from examples.sample_app.shop import make_site
from examples.web import port_from_arguments


def main() -> None:
    """Serve until told to stop; the gateway's address comes from the environment."""
    port = port_from_arguments("A shop that asks before it uses the camera.", 8402)
    with Gateway.from_env() as gateway:
        make_site(gateway, os.environ["ASEANBIZ_URL"], port).serve()


if __name__ == "__main__":
    main()
