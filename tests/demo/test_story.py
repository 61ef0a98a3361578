"""The story notices when a promise is broken, and names the step."""

from __future__ import annotations

import socket
import time
from pathlib import Path
from typing import Any

import pytest

from gateway.demo.clients import APP, COURIER, Person
from gateway.demo.folder import Credentials
from gateway.demo.interview import Expected
from gateway.demo.stage import Stage
from gateway.demo.story import Story, play, take_camera_back

MEI = Person(subject="sub_mei", wechat="mei")


def make_stage(gateway: str) -> Stage:
    """Make a stage with nobody on it."""
    credentials = Credentials(id="cli_app", secret="s")
    return Stage(
        gateway=gateway,
        wechat=gateway,
        app=gateway,
        partner=gateway,
        data_dir=Path("nowhere"),
        clients={APP: credentials, COURIER: credentials},
        people={"mei": MEI},
        children=(),
        wechat_token="t",
    )


class Back:
    """A gateway that acknowledges a withdrawal and then says what it is told to."""

    def __init__(self, effect: str, reason: str) -> None:
        self.decision = {"effect": effect, "reason": reason}
        self.answered_at = time.perf_counter()

    def camera(self, _: str) -> dict[str, str]:
        """Answer the check."""
        return self.decision

    def grants(self, _: str) -> list[dict[str, Any]]:
        """Return the one grant there is."""
        grant = {"id": "gra_1", "client": {"id": "cli_app"}, "state": "granted"}
        return [grant | {"capability": "device.camera"}]


class Hand:
    """A browser whose withdrawal is acknowledged."""

    def __init__(self, lag_s: float) -> None:
        self.answered_at = time.perf_counter() - lag_s

    def open(self, _: str) -> None:
        """Open the page."""

    def press(self, _: str) -> int:
        """Press the button."""
        return 303

    def follow(self) -> None:
        """Follow."""


def make_story(effect: str, reason: str, lag_s: float = 0.0) -> Story:
    """Make a story in which the gateway answers like this after a withdrawal."""
    hand: Any = Hand(lag_s)
    back: Any = Back(effect, reason)
    return Story(make_stage("http://127.0.0.1:1"), hand, back)


class TestTakingBack:
    def test_stale_yes_fails_the_story(self) -> None:
        """One allow after the acknowledgement is one too many."""
        with pytest.raises(Expected, match="first decision after it"):
            take_camera_back(make_story("allow", "granted"))

    def test_late_no_fails_the_story(self) -> None:
        """A refusal that takes seconds to arrive is told as a failure."""
        with pytest.raises(Expected, match="at most 1000"):
            take_camera_back(make_story("deny", "withdrawn", lag_s=2.0))

    def test_prompt_no_is_told(self) -> None:
        """The time between the two is what the reader sees."""
        told = take_camera_back(make_story("deny", "withdrawn"))

        assert told.startswith("withdrawn -> refused in ")


def test_failed_step_is_named() -> None:
    """Nobody answers: the story says at which step it stopped, and is not ok."""
    with socket.create_server(("127.0.0.1", 0)) as closed:
        address = f"http://127.0.0.1:{closed.getsockname()[1]}"
    said: list[str] = []

    ok = play(make_stage(address), said.append)

    assert not ok
    assert said[-1].startswith("demo: failed at read_notice: ")
