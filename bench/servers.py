"""One server process of the bench: ``python -m bench.servers KIND FOLDER SUBJECTS``.

All kinds run as ``serve`` runs the gateway. The port is printed once they answer.
"""

from __future__ import annotations

import asyncio
import sys
from pathlib import Path
from typing import Final

import msgspec
import uvloop

from bench.partners import partner_paths
from bench.references import bare_litestar, raw_asgi, serve_static
from bench.seed import seed
from gateway.app import create_app, open_services
from gateway.cli.listening import listen, serve_until_told
from gateway.settings import Settings

SCRIPT: Final = "exchanges.msgpack"  # in the gateway's folder, once it is ready


async def _serve(kind: str, folder: Path, subjects: int) -> None:
    if kind == "litestar":
        await _run(bare_litestar())
    elif kind == "raw":
        await _run(raw_asgi())
    else:
        async with open_services(Settings(data_dir=folder)) as services:
            seeded = await seed(services, subjects)
            seeded.paths.update(await partner_paths(services, max(1, subjects // 10)))
            (folder / SCRIPT).write_bytes(msgspec.msgpack.encode(seeded))
            await _run(create_app(services))


async def _run(app: object) -> None:
    with listen("127.0.0.1", 0) as listener:
        port = listener.getsockname()[1]
        await serve_until_told((app, listener), ready=lambda: _say(port))


def _say(port: int) -> None:
    sys.stdout.write(f"{port}\n")
    sys.stdout.flush()


def main(kind: str, folder: str, subjects: str) -> None:
    """Serve until SIGTERM."""
    if kind == "static":
        with listen("127.0.0.1", 0) as listener:
            _say(listener.getsockname()[1])
            serve_static(listener)
    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        runner.run(_serve(kind, Path(folder), int(subjects)))


if __name__ == "__main__":
    main(*sys.argv[1:])
