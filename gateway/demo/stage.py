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

from gateway.app import open_services
from gateway.cli.simulator import ADMIN_TOKEN, World
from gateway.demo import ports as free_ports
from gateway.demo.clients import (
    APP,
    COURIER,
    READER,
    Person,
    introduce_people,
    register_clients,
)
from gateway.demo.folder import Credentials, Folder, Memory
from gateway.demo.ports import HOST, Ports
from gateway.demo.processes import Child, Program, environment, running
from gateway.demo.samples import samples_path
from gateway.settings import (
    Settings,
    WeChatAppSettings,
    WeChatSettings,
    load_settings,
)

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
    people: dict[str, Person]  # by the shop's own id
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
    *,
    strangers: bool = False,
) -> Iterator[Stage]:
    """Prepare a folder and run the demo in it until the block ends.

    With ``strangers`` the three people are new to the gateway even where an earlier
    demo has been: the shop is another client then, for this time only.

    Of the reader's environment only the catalogue counts: the settings of another
    gateway do not reach the demo. Raises what says in one line why it cannot run.
    """
    samples = samples_path()
    memory = folder.recall()
    ports = free_ports.choose(port, memory.ports)
    own = {name: inherited[name] for name in (_CATALOGUE,) if name in inherited}
    settings = _settings(folder.path, ports, load_settings(None, own).catalogue)
    accounts = f"-{secrets.token_hex(4)}" if strangers and memory.clients else ""
    clients, people = asyncio.run(_register(settings, memory, ports, accounts))
    kept = clients | {APP: memory.clients[APP]} if accounts else clients
    folder.remember(Memory(ports=ports, clients=kept))
    file = folder.write("gateway.toml", _as_toml(settings).encode())
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
    say("starting four programs on this machine")
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
    settings: Settings, memory: Memory, ports: Ports, accounts: str
) -> tuple[dict[str, Credentials], dict[str, Person]]:
    redirects = {
        COURIER: f"{_address(ports.partner)}/callback",
        READER: READERS_CALLBACK,
    }
    async with open_services(settings) as services:
        known = dict(memory.clients)
        if accounts:
            known.pop(APP, None)  # another shop, which knows nobody yet
        clients = await register_clients(services, known, redirects)
        people = await introduce_people(services, clients[APP].id, accounts)
        return clients, people


def _settings(folder: Path, ports: Ports, catalogue: Path | None) -> Settings:
    wechat = World().apps[0]
    address = _address(ports.wechat)
    app = WeChatAppSettings(channel="website", appid=wechat.appid, secret=wechat.secret)
    return Settings(
        data_dir=folder.absolute(),
        issuer=_address(ports.gateway),
        catalogue=catalogue,
        wechat=WeChatSettings(
            open_base=address, api_base=address, apps={_WECHAT_APP: app}
        ),
    )


def _as_toml(settings: Settings) -> str:
    wechat = settings.wechat
    app = wechat.apps[_WECHAT_APP]
    text = json.dumps  # a JSON string is a TOML string, too
    return f"""\
# Written by aseanbiz-gateway demo; "serve --config" runs the gateway alone with it.
issuer = {text(settings.issuer)}
data_dir = {text(str(settings.data_dir))}

[wechat]
open_base = {text(wechat.open_base)}
api_base = {text(wechat.api_base)}

[wechat.apps.{_WECHAT_APP}]
channel = {text(app.channel)}
appid = {text(app.appid)}
secret = {text(app.secret)}
"""


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
