"""The command ``aseanbiz-gateway``."""

from gateway.cli.main import main

__all__ = ["main"]
