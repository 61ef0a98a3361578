"""Run the courier: ``python -m examples.sample_partner --port 8403``."""

from __future__ import annotations

import os

from aseanbiz import Gateway
from examples.sample_partner.courier import make_site
from examples.web import port_from_arguments


def main() -> None:
    """Serve until told to stop; the gateway's address comes from the environment."""
    port = port_from_arguments("A courier that shows what it was given, and why.", 8403)
    with Gateway.from_env() as gateway:
        make_site(gateway, os.environ["ASEANBIZ_URL"], port).serve()


if __name__ == "__main__":
    main()
