"""Set the stage: folder, ports, settings, clients, people, four processes."""

from __future__ import annotations

import asyncio
import json
import secrets
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Final

import msgspec

from gateway.cli.simulator import ADMIN_TOKEN, World
from gateway.demo import ports as free_ports
from gateway.demo.clients import (
    APP,
    COURIER,
    READER,
    introduce_people,
    register_clients,
)
from gateway.demo.folder import Credentials, Folder, Memory
from gateway.demo.ports import HOST, Ports
from gateway.demo.processes import Child, Program, environment, running
from gateway.demo.samples import samples_path
from gateway.settings import Settings, load_settings
from permissions.catalogue.load import load

# Where a reader's own client would listen; nothing of ours does.
READERS_CALLBACK: Final = "http://127.0.0.1:8765/callback"
_WECHAT_APP: Final = "web"
_CATALOGUE: Final = "GATEWAY_CATALOGUE"


class Stage(msgspec.Struct, frozen=True, kw_only=True):
    """A demo that runs: addresses, clients, people, and the processes behind them."""

    gateway: str
    wechat: str
    app: str
    partner: str
    data_dir: Path
    clients: dict[str, Credentials]
    people: dict[str, str]  # subject by the shop's own id of the person
    children: tuple[Child, ...]
    wechat_token: str

    def __repr__(self) -> str:
        return f"Stage({self.gateway!r})"


@contextmanager
def set_stage(
    folder: Folder,
    port: int | None,
    inherited: Mapping[str, str],
    say: Callable[[str], None],
) -> Iterator[Stage]:
    """Prepare a folder and run the demo in it until the block ends.

    Of the reader's environment only the catalogue counts: the settings of another
    gateway do not reach the demo. Raises what says in one line why it cannot run.
    """
    samples = samples_path()
    memory = folder.recall()
    ports = free_ports.choose(port, memory.ports)
    file = folder.write("gateway.toml", _settings_file(folder.path, ports))
    own = {name: inherited[name] for name in (_CATALOGUE,) if name in inherited}
    settings = load_settings(file, own)
    clients, people = asyncio.run(_register(settings, memory, ports))
    folder.remember(Memory(ports=ports, clients=clients))
    token = secrets.token_urlsafe(16)
    common = environment(inherited)
    with_samples = environment(inherited, path=samples)
    address = _address(ports.gateway)
    programs = (
        _wechat(ports, common | {ADMIN_TOKEN: token}),
        _gateway(ports, common | own, file),
        _sample("app", ports.app, address, clients[APP], with_samples),
        _sample("partner", ports.partner, address, clients[COURIER], with_samples),
    )
    with running(programs, folder.logs, say) as children:
        yield Stage(
            gateway=address,
            wechat=_address(ports.wechat),
            app=_address(ports.app),
            partner=_address(ports.partner),
            data_dir=folder.path,
            clients=clients,
            people=people,
            children=children,
            wechat_token=token,
        )


async def _register(
    settings: Settings, memory: Memory, ports: Ports
) -> tuple[dict[str, Credentials], dict[str, str]]:
    redirects = {
        COURIER: f"{_address(ports.partner)}/callback",
        READER: READERS_CALLBACK,
    }
    catalogue = load(settings.catalogue)
    clients = await register_clients(settings, catalogue, memory.clients, redirects)
    return clients, await introduce_people(settings, clients[APP].id)


def _settings_file(folder: Path, ports: Ports) -> bytes:
    wechat = World().apps[0]
    # A JSON string is a TOML string, too.
    text = f"""\
# Written by aseanbiz-gateway demo. With it the gateway alone can be run again:
# aseanbiz-gateway serve --config FILE --port {ports.gateway}
issuer = {json.dumps(_address(ports.gateway))}
data_dir = {json.dumps(str(folder.absolute()))}

[wechat]
open_base = {json.dumps(_address(ports.wechat))}
api_base = {json.dumps(_address(ports.wechat))}

[wechat.apps.{_WECHAT_APP}]
channel = "website"
appid = {json.dumps(wechat.appid)}
secret = {json.dumps(wechat.secret)}
"""
    return text.encode()


def _wechat(ports: Ports, own: dict[str, str]) -> Program:
    return Program(
        name="wechat",
        module="gateway.cli",
        arguments=("wechat-sim", "--port", str(ports.wechat)),
        environment=own,
        address=_address(ports.wechat),
        ready_path="/static/simulator.css",
    )


def _gateway(ports: Ports, own: dict[str, str], file: Path) -> Program:
    return Program(
        name="gateway",
        module="gateway.cli",
        arguments=("serve", "--config", str(file), "--port", str(ports.gateway)),
        environment=own,
        address=_address(ports.gateway),
        ready_path="/readyz",
    )


def _sample(
    name: str, port: int, gateway: str, client: Credentials, own: dict[str, str]
) -> Program:
    return Program(
        name=f"sample-{name}",
        module=f"examples.sample_{name}",
        arguments=("--port", str(port)),
        environment=own
        | {
            "ASEANBIZ_URL": gateway,
            "ASEANBIZ_CLIENT_ID": client.id,
            "ASEANBIZ_CLIENT_SECRET": client.secret,
        },
        address=_address(port),
        ready_path="/",
    )


def _address(port: int) -> str:
    return f"http://{HOST}:{port}"
