"""``openapi``: print the description of every route."""

from __future__ import annotations

import argparse
import asyncio
import sys
import tempfile
from pathlib import Path

import msgspec

from gateway.app import create_litestar, open_services
from gateway.cli.options import Commands
from gateway.settings import Settings


def add(commands: Commands) -> None:
    """Add the command."""
    parser = commands.add_parser("openapi", help="print the OpenAPI document")
    parser.set_defaults(run=run)


def run(_: argparse.Namespace) -> int:
    """Print the document as JSON; nothing of this machine is in it."""
    sys.stdout.write(asyncio.run(_document()).decode() + "\n")
    return 0


async def _document() -> bytes:
    with tempfile.TemporaryDirectory() as folder:
        async with open_services(Settings(data_dir=Path(folder))) as services:
            schema = create_litestar(services).openapi_schema.to_schema()
    return msgspec.json.format(msgspec.json.encode(schema), indent=2)
