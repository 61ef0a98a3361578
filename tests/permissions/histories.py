"""Random histories: what people, officers and clients may do in a small world."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta
from typing import Any

from hypothesis import strategies as st
from msgspec.structs import replace

from permissions.acts import Act, ResumeClient
from permissions.catalogue.model import Catalogue
from permissions.decision import Question
from permissions.errors import PermissionsError
from permissions.state import Client, Grant
from tests.permissions.actors import ANN, APP, BOB, CONTRACT, OFFICER, PARTNER, World

TARGETS = (  # who is told yes or no, about what
    (APP, ("device.camera", "scan_qr")),
    (APP, ("device.camera", "take_photo")),
    (APP, ("data.identity", "sign_in")),
    (APP, ("data.identity", "order_fulfilment")),
    (APP, ("data.verification", "face_check")),
    (PARTNER, ("data.identity", "delivery")),
    (PARTNER, ("data.credit", "credit_check")),
)
FOCUS = TARGETS[0], TARGETS[2], TARGETS[5]  # most of a history is about these
SCENES = (None, "scan_screen", "publish_form")
NARROW = replace(CONTRACT, pairs=(replace(CONTRACT.pairs[0], optional=("phone",)),))
STEPS = (
    timedelta(0),
    timedelta(microseconds=1),
    timedelta(hours=1),
    timedelta(hours=48),
    timedelta(days=31),
    timedelta(days=200),
    timedelta(hours=-2),  # a wall clock may be set back
)


@dataclass(frozen=True)
class Step:
    """One thing that somebody tries; numbers choose among what there is."""

    kind: str
    which: int
    subject: str
    target: tuple[Client, tuple[str, str]]
    scene: str | None

    @property
    def client(self) -> Client:
        """The client of the target."""
        return self.target[0]

    @property
    def pair(self) -> tuple[str, str]:
        """The capability and purpose of the target."""
        return self.target[1]


def varied(catalogue: Catalogue) -> Catalogue:
    """Return the catalogue with one pair on two bases, and one changed since."""
    mixed = catalogue.pairs["data.identity", "sign_in"]
    asked = catalogue.pairs["device.camera", "take_photo"]
    return replace(
        catalogue,
        pairs=catalogue.pairs
        | {
            (mixed.capability, mixed.purpose): replace(
                mixed, basis={"name": "contract"}
            ),
            (asked.capability, asked.purpose): replace(asked, changed_in="2024-01-01"),
        },
    )


_KINDS = (
    ["give"] * 12
    + ["withdraw"] * 4
    + ["refuse"] * 3
    + ["use", "use", "wait", "wait", "resume", "resume", "suspend", "switch", "narrow"]
    + ["notice"] * 3
)

steps = st.builds(
    Step,
    kind=st.sampled_from(_KINDS),
    which=st.integers(min_value=0, max_value=20),
    subject=st.sampled_from([ANN, ANN, ANN, BOB]),
    target=st.sampled_from([*FOCUS, *FOCUS, *TARGETS]),
    scene=st.sampled_from(SCENES),
)
histories = st.lists(steps, min_size=2, max_size=16)

_rest = {
    "record": st.sampled_from([None, "r1", "r2"]),
    "scene": st.sampled_from([None, None, *SCENES]),
    "use": st.booleans(),
}


def _about(target: tuple[Client, tuple[str, str]]) -> st.SearchStrategy[Question]:
    client, (capability, purpose) = target
    named = [(), ("name",), ("phone",), ("name", "phone")]
    return st.builds(
        Question,
        client=st.just(client.id),
        capability=st.just(capability),
        purpose=st.just(purpose),
        elements=st.sampled_from(named if capability == "data.identity" else [()]),
        **_rest,
    )


questions = st.sampled_from([*FOCUS, *TARGETS]).flatmap(_about)
odd_questions = st.builds(
    Question,
    client=st.sampled_from([APP.id, PARTNER.id, "cli_nobody"]),
    capability=st.sampled_from(["device.moon", "data.identity", "device.camera"]),
    purpose=st.sampled_from(["espionage", "delivery", "scan_qr"]),
    elements=st.sampled_from([(), ("name",), ("*",), ("score",)]),
    **_rest,
)


def act_of(step: Step, world: World) -> Act | None:
    """Turn a step into an act on the world as it is; None where only time passes."""
    acts, which = world.acts, step.which
    known = ("subject", step.subject) in world.states
    grants = list(world.subject(step.subject).grants.values()) if known else []
    chosen = grants[which % len(grants)].id if grants else "gra_none"
    match step.kind:
        case "give":
            return acts.give(
                step.pair, step.client, step.subject, **_terms(step, world)
            )
        case "refuse":
            return acts.refuse(step.pair, step.client, step.subject, scene=step.scene)
        case "withdraw":
            return acts.withdraw(chosen, step.subject)
        case "use":
            return acts.use(chosen, step.subject)
        case "notice":
            known = ("subject", step.subject) in world.states
            return (acts.notice if known else acts.register)(step.subject)
        case "suspend":
            return acts.suspend(step.client)
        case "resume":
            return ResumeClient(actor=OFFICER, client=step.client.id)
        case "switch":
            function = ("scanning", "delivery")[which % 2]
            return acts.switch(function, is_open=which % 3 == 0)
        case "narrow":
            contract = (CONTRACT, NARROW)[which % 2]
            return acts.client(PARTNER, contract=contract)
        case _:
            return None


def _terms(step: Step, world: World) -> dict[str, Any]:
    """Vary what the yes covers; not every choice is one the door lets through."""
    pair = world.catalogue.pairs[step.pair]
    terms: dict[str, Any] = {}
    if pair.max_life is not None:
        terms["expires_at"] = world.now + pair.max_life
    match step.which % 5:
        case 1:
            terms["elements"] = pair.elements[:1]
        case 2:
            terms["expires_at"] = world.now + timedelta(hours=1)
        case 3:
            terms["records"] = ("r1",)
        case 4:
            terms["one_time"] = True
        case _:
            pass  # all that is offered, for as long as may be
    return terms


def play(world: World, history: list[Step]) -> None:
    """Try each step; what the door refuses does not happen."""
    for step in history:
        play_one(world, step)


def play_one(world: World, step: Step) -> None:
    """Try one step, or let time pass."""
    act = act_of(step, world)
    if act is None:
        world.now += STEPS[step.which % len(STEPS)]
        return
    try:
        world.perform(act)
    except PermissionsError:
        return


def grants_of(world: World, subject: str) -> dict[str, Grant]:
    """Return the grants of a subject, whether or not it is known."""
    known = ("subject", subject) in world.states
    return world.subject(subject).grants if known else {}
