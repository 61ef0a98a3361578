"""The decision: each reason where it belongs, and each instant on its own side."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any, get_args

import pytest
from msgspec.structs import replace

from permissions.acts import ResumeClient
from permissions.catalogue.model import Catalogue
from permissions.decision import (
    FIXES,
    VALID_FOR_MS,
    Allow,
    Ask,
    Decision,
    Deny,
    DenyReason,
    Held,
    Question,
    Standing,
    decide,
)
from permissions.ids import shard_of
from permissions.state import Client, FunctionState
from tests.permissions.actors import (
    ANN,
    APP,
    BOB,
    CAMERA,
    CONTRACT,
    DELIVERY,
    OFFICER,
    PARTNER,
    START,
    TICK,
    World,
)

FIVE = {
    ("device.storage", "save_media"),
    ("device.album", "publish_upload"),
    ("device.camera", "take_photo"),
    ("device.camera", "record_video"),
    ("device.camera", "scan_qr"),
}
SIGN_IN = ("data.identity", "sign_in")
ORDER = ("data.identity", "order_fulfilment")
FACE = ("data.verification", "face_check")
CREDIT = ("data.credit", "credit_check")


@pytest.fixture
def world(catalogue: Catalogue) -> World:
    """Give a world in which Ann, the app and a partner are known."""
    return World.ready(catalogue)


def ask(
    world: World,
    pair: tuple[str, str] = CAMERA,
    client: Client = APP,
    subject: str = ANN,
    held: Held | None = None,
    **rest: Any,  # noqa: ANN401
) -> Decision:
    """Ask whether a client may use a pair in the world as it is."""
    known = ("subject", subject) in world.states
    closed = frozenset(
        key
        for (kind, key), state in world.states.items()
        if isinstance(state, FunctionState) and kind == "function" and not state.is_open
    )
    standing = Standing(
        version="7.1",
        subject=world.subject(subject) if known else None,
        client=world.client(client.id),
        closed=closed,
    )
    question = Question(client=client.id, capability=pair[0], purpose=pair[1], **rest)
    return decide(question, standing, world.catalogue, world.now, held)


def reason(answer: Decision) -> tuple[str, str]:
    """Return effect and reason."""
    return str(answer.__struct_config__.tag), answer.reason


def token(world: World, client: Client = APP) -> Held:
    """Issue a token that holds all that Ann has granted the client."""
    registered = world.client(client.id)
    assert registered is not None
    return Held(
        epoch=world.heads[shard_of(ANN)][0],
        client_epoch=registered.epoch,
        rights={
            grant.id: tuple(grant.elements)
            for grant in world.subject().grants.values()
            if grant.client == client.id
        },
    )


class TestAnswer:
    def test_is_no_boolean(self, world: World) -> None:
        """Three answers cannot be read as two: every ``if`` on one raises."""
        world.perform(world.acts.give())
        answers = [
            ask(world),
            ask(world, ("device.camera", "take_photo")),
            ask(world, subject=BOB),
        ]

        assert [type(answer) for answer in answers] == [Allow, Ask, Deny]
        for answer in answers:
            with pytest.raises(TypeError, match="three answers"):
                bool(answer)

    def test_every_deny_has_a_way_out(self) -> None:
        """Each reason to deny names a fix, and no fix is without a reason."""
        assert set(FIXES) == set(get_args(DenyReason))
        assert all(FIXES.values())

    def test_names_what_still_works(self, world: World) -> None:
        """Ask and deny carry the fallback, in every language (R24)."""
        for answer in (ask(world), ask(world, subject=BOB)):
            assert isinstance(answer, Ask | Deny)
            assert answer.fallback == "type_the_code"
            assert set(answer.fallback_text) == {"zh-CN", "en"}

    def test_carries_the_question_to_ask(self, world: World) -> None:
        """An ask brings the sentence that the person answers."""
        answer = ask(world)

        assert isinstance(answer, Ask)
        assert answer.ask.text == world.catalogue.pairs[CAMERA].question
        assert (answer.ask.capability, answer.ask.purpose) == CAMERA


class TestThreePermissions:
    def test_five_pairs_of_all_and_no_other(self, world: World) -> None:
        """Three permissions by every purpose: the five are asked, the rest denied."""
        catalogue = world.catalogue
        for permission in ("device.storage", "device.album", "device.camera"):
            for purpose in catalogue.purposes:
                answer = ask(world, (permission, purpose))

                wanted = (
                    ("ask", "not_asked")
                    if (permission, purpose) in FIVE
                    else ("deny", "pair_not_declared")
                )
                assert reason(answer) == wanted

    @pytest.mark.parametrize("pair", sorted(FIVE))
    def test_yes_to_one_is_a_yes_to_one(
        self, world: World, pair: tuple[str, str]
    ) -> None:
        """A yes to one pair allows that pair alone (R20-R22)."""
        world.perform(world.acts.give(pair))

        allowed = {other for other in FIVE if isinstance(ask(world, other), Allow)}

        assert allowed == {pair}


class TestUndeclared:
    @pytest.mark.parametrize(
        ("pair", "why"),
        [
            (("device.microphone", "scan_qr"), "capability_unknown"),
            (("", ""), "capability_unknown"),
            (("device.camera", "espionage"), "purpose_unknown"),
            (("device.camera", "delivery"), "pair_not_declared"),
        ],
    )
    def test_unknown_names(self, world: World, pair: tuple[str, str], why: str) -> None:
        """What the catalogue does not declare is denied, with the part that fails."""
        assert reason(ask(world, pair)) == ("deny", why)

    def test_unknown_client(self, world: World) -> None:
        """An unknown client has no pair."""
        stranger = replace(APP, id="cli_stranger")

        assert reason(ask(world, client=stranger)) == ("deny", "pair_not_declared")

    def test_pair_outside_the_contract(self, world: World) -> None:
        """What a partner's contract leaves out is not declared for it."""
        answer = ask(world, ("data.transaction", "delivery"), PARTNER)

        assert reason(answer) == ("deny", "pair_not_declared")

    def test_element_outside_the_contract_counts_nowhere(self, world: World) -> None:
        """After a contract is narrowed, what it dropped is no longer released."""
        world.perform(world.acts.give(DELIVERY, PARTNER))
        part = replace(CONTRACT.pairs[0], optional=("phone",), required=())
        world.perform(
            world.acts.client(PARTNER, contract=replace(CONTRACT, pairs=(part,)))
        )

        assert reason(ask(world, DELIVERY, PARTNER)) == ("allow", "granted")
        assert reason(ask(world, DELIVERY, PARTNER, elements=("name",))) == (
            "deny",
            "element_not_granted",
        )

    def test_only_elements_outside_the_contract(self, world: World) -> None:
        """A grant of nothing but dropped elements allows nothing, named or not."""
        world.perform(world.acts.give(DELIVERY, PARTNER, elements=("name",)))
        part = replace(CONTRACT.pairs[0], optional=("phone",), required=())
        world.perform(
            world.acts.client(PARTNER, contract=replace(CONTRACT, pairs=(part,)))
        )

        assert reason(ask(world, DELIVERY, PARTNER)) == ("deny", "element_not_granted")

    def test_suspended_client(self, world: World) -> None:
        """One act about a client reaches all its grants at once."""
        world.perform(world.acts.give())
        world.perform(world.acts.suspend())

        assert reason(ask(world)) == ("deny", "client_suspended")

    @pytest.mark.parametrize(
        ("at", "allowed"),
        [
            (CONTRACT.not_before - TICK, False),
            (CONTRACT.not_before, True),
            (CONTRACT.not_before + TICK, True),
            (CONTRACT.not_after - TICK, True),
            (CONTRACT.not_after, False),
            (CONTRACT.not_after + TICK, False),
        ],
    )
    def test_contract_to_the_microsecond(
        self,
        world: World,
        at: datetime,
        allowed: bool,  # noqa: FBT001 - a table
    ) -> None:
        """A contract counts from its first instant, and no longer at its last."""
        world.perform(world.acts.give(DELIVERY, PARTNER))
        world.now = at

        wanted = ("allow", "granted") if allowed else ("deny", "contract_expired")
        assert reason(ask(world, DELIVERY, PARTNER)) == wanted


class TestBeforeAnyGrant:
    def test_unknown_subject(self, world: World) -> None:
        """Somebody unknown, erased or foreign is gone."""
        assert reason(ask(world, subject=BOB)) == ("deny", "subject_gone")

    def test_notice_not_seen(self, world: World) -> None:
        """Until the first-use notice is seen, everything is denied (R01)."""
        world.perform(world.acts.register(BOB))

        assert reason(ask(world, subject=BOB)) == ("deny", "notice_missing")
        assert reason(ask(world, ORDER, subject=BOB)) == ("deny", "notice_missing")

    def test_function_closed_and_opened(self, world: World) -> None:
        """A closed function allows nothing; opened again, its grants live (R04)."""
        world.perform(world.acts.give())
        world.perform(world.acts.switch("scanning", is_open=False))
        assert reason(ask(world)) == ("deny", "function_closed")

        world.perform(world.acts.switch("scanning", is_open=True))
        assert reason(ask(world)) == ("allow", "granted")

    @pytest.mark.parametrize(
        ("scene", "wanted"),
        [
            (None, ("allow", "granted")),
            ("scan_screen", ("allow", "granted")),
            ("publish_form", ("deny", "not_in_scene")),
        ],
    )
    def test_scene(
        self, world: World, scene: str | None, wanted: tuple[str, str]
    ) -> None:
        """Out of its place nothing is used (R21)."""
        world.perform(world.acts.give())

        assert reason(ask(world, scene=scene)) == wanted

    def test_phone_that_has_to_report(self, world: World) -> None:
        """Where the phone has to allow it too, silence is a no."""
        pair = replace(world.catalogue.pairs[CAMERA], needs_os_report=True)
        world.perform(world.acts.give())
        world.catalogue = replace(
            world.catalogue, pairs=world.catalogue.pairs | {CAMERA: pair}
        )

        assert reason(ask(world)) == ("deny", "os_unknown")


class TestGrant:
    def test_withdrawn(self, world: World) -> None:
        """What was taken back is denied, and the way back is the person's own."""
        yes = world.acts.give()
        world.perform(yes)
        world.perform(world.acts.withdraw(yes.grant))

        answer = ask(world)

        assert isinstance(answer, Deny)
        assert (answer.reason, answer.fix) == ("withdrawn", "open_settings")

    def test_one_time(self, world: World) -> None:
        """A one-time yes answers only a use, and only until it is used."""
        yes = world.acts.give(FACE)
        world.perform(yes)

        assert reason(ask(world, FACE)) == ("ask", "not_asked")
        assert reason(ask(world, FACE, use=True)) == ("allow", "granted")
        world.perform(world.acts.use(yes.grant))
        assert reason(ask(world, FACE, use=True)) == ("ask", "used")

    @pytest.mark.parametrize(
        ("before_end", "wanted"),
        [
            (TICK, ("allow", "granted")),
            (timedelta(0), ("ask", "expired")),
            (-TICK, ("ask", "expired")),
        ],
    )
    def test_expiry_to_the_microsecond(
        self, world: World, before_end: timedelta, wanted: tuple[str, str]
    ) -> None:
        """At its last instant a grant no longer counts."""
        end = START + timedelta(hours=1)
        world.perform(world.acts.give(expires_at=end))
        world.now = end - before_end

        assert reason(ask(world)) == wanted

    @pytest.mark.parametrize(
        ("left", "valid_for_ms"),
        [
            (timedelta(hours=1), VALID_FOR_MS),
            (timedelta(milliseconds=1980), 1980),
            (timedelta(milliseconds=1979, microseconds=999), 1979),
            (timedelta(milliseconds=1), 1),
            (timedelta(microseconds=999), 0),
        ],
    )
    def test_answer_is_valid_no_longer_than_the_grant(
        self, world: World, left: timedelta, valid_for_ms: int
    ) -> None:
        """How long an answer holds ends where the grant or the contract ends."""
        end = START + timedelta(hours=2)
        world.perform(world.acts.give(expires_at=end))
        world.perform(world.acts.give(DELIVERY, PARTNER))

        world.now = end - left
        answer = ask(world)
        assert isinstance(answer, Allow)
        assert (answer.valid_for_ms, answer.expires_at) == (valid_for_ms, end)

        world.now = CONTRACT.not_after - left
        answer = ask(world, DELIVERY, PARTNER)
        assert isinstance(answer, Allow)
        assert (answer.valid_for_ms, answer.expires_at) == (valid_for_ms, None)

    def test_policy_changed_since(self, world: World) -> None:
        """A material change of the pair asks again (R71)."""
        world.perform(world.acts.give())
        pair = world.catalogue.pairs[CAMERA]
        for changed_in, wanted in (
            ("2023-04-07", ("allow", "granted")),
            ("2023-04-08", ("ask", "reconsent_required")),
        ):
            changed = {CAMERA: replace(pair, changed_in=changed_in)}
            world.catalogue = replace(
                world.catalogue, pairs=world.catalogue.pairs | changed
            )

            assert reason(ask(world)) == wanted

    def test_elements(self, world: World) -> None:
        """Named elements must all be granted; none named: any will do."""
        world.perform(world.acts.give(DELIVERY, PARTNER, elements=("name", "phone")))

        def about(*elements: str) -> tuple[str, str]:
            return reason(ask(world, DELIVERY, PARTNER, elements=elements))

        assert about() == ("allow", "granted")
        assert about("name", "phone") == ("allow", "granted")
        assert about("name", "address") == ("deny", "element_not_granted")
        assert about("email") == ("deny", "element_not_granted")

    def test_records(self, world: World) -> None:
        """A yes to one record is a yes to that record."""
        world.perform(world.acts.give(DELIVERY, PARTNER, records=("order-1",)))

        def about(record: str | None) -> tuple[str, str]:
            return reason(ask(world, DELIVERY, PARTNER, record=record))

        assert about(None) == ("allow", "granted")
        assert about("order-1") == ("allow", "granted")
        assert about("order-2") == ("deny", "record_not_granted")

    def test_of_another_client(self, world: World) -> None:
        """A yes to one recipient is none to another (PIPL art. 23)."""
        other = replace(APP, id="cli_other")
        world.perform(world.acts.client(other))
        world.perform(world.acts.give())

        assert reason(ask(world, client=other)) == ("ask", "not_asked")


class TestRefusal:
    @pytest.mark.parametrize(
        ("after", "wanted"),
        [
            (timedelta(0), ("deny", "refused")),
            (timedelta(hours=48) - TICK, ("deny", "refused")),
            (timedelta(hours=48), ("ask", "refused")),
            (timedelta(hours=48) + TICK, ("ask", "refused")),
        ],
    )
    def test_window_to_the_microsecond(
        self, world: World, after: timedelta, wanted: tuple[str, str]
    ) -> None:
        """For 48 hours nobody asks again; then one may (R26)."""
        world.perform(world.acts.refuse())
        world.now += after

        answer = ask(world)

        assert reason(answer) == wanted
        if isinstance(answer, Deny):
            assert answer.next_ask_at == START + timedelta(hours=48)

    def test_scenes_are_counted_apart(self, world: World) -> None:
        """A no elsewhere neither silences a scene nor shortens its silence (R26)."""
        pair = ("device.camera", "scan_qr")
        declared = replace(world.catalogue.pairs[pair], scenes=())
        world.catalogue = replace(
            world.catalogue, pairs=world.catalogue.pairs | {pair: declared}
        )
        world.perform(world.acts.refuse(scene="one"))
        assert reason(ask(world, scene="one")) == ("deny", "refused")
        assert reason(ask(world, scene="two")) == ("ask", "refused")

        world.now += timedelta(hours=1)
        world.perform(world.acts.refuse(scene="two"))

        first = ask(world, scene="one")
        second = ask(world, scene="two")
        anywhere = ask(world)
        assert isinstance(first, Deny)
        assert isinstance(second, Deny)
        assert isinstance(anywhere, Deny)
        assert first.next_ask_at == START + timedelta(hours=48)
        assert second.next_ask_at == START + timedelta(hours=49)
        assert anywhere.next_ask_at == second.next_ask_at

    def test_no_to_more_leaves_what_was_given(self, world: World) -> None:
        """Refusing while a yes stands is no withdrawal."""
        world.perform(world.acts.give())
        world.perform(world.acts.refuse())

        assert reason(ask(world)) == ("allow", "granted")

    def test_no_after_the_end_counts(self, world: World) -> None:
        """Once a grant has run out, a no keeps the app quiet."""
        end = START + timedelta(hours=1)
        world.perform(world.acts.give(expires_at=end))
        world.now = end
        world.perform(world.acts.refuse())

        assert reason(ask(world)) == ("deny", "refused")


class TestBasis:
    def test_contract_for_the_operator(self, world: World) -> None:
        """Handling an order rests on the contract; no yes is needed, or named."""
        answer = ask(world, ORDER)

        assert isinstance(answer, Allow)
        assert (answer.reason, answer.grant) == ("basis_contract", None)

    @pytest.mark.parametrize("basis", ["contract", "legal_duty", "emergency"])
    def test_never_for_partners(self, world: World, basis: Any) -> None:  # noqa: ANN401
        """A partner's purpose is its own and always needs a yes (G12)."""
        pair = replace(world.catalogue.pairs[DELIVERY], basis={"*": basis})
        world.catalogue = replace(
            world.catalogue, pairs=world.catalogue.pairs | {DELIVERY: pair}
        )

        assert reason(ask(world, DELIVERY, PARTNER)) == ("ask", "not_asked")
        assert reason(ask(world, DELIVERY)) == ("allow", f"basis_{basis}")

    def test_beside_a_yes(self, world: World) -> None:
        """Of one pair, some elements may need a yes and others not."""
        pair = replace(world.catalogue.pairs[SIGN_IN], basis={"name": "contract"})
        world.catalogue = replace(
            world.catalogue, pairs=world.catalogue.pairs | {SIGN_IN: pair}
        )

        def about(*elements: str) -> tuple[str, str]:
            return reason(ask(world, SIGN_IN, elements=elements))

        assert about() == ("allow", "basis_contract")
        assert about("name") == ("allow", "basis_contract")
        assert about("name", "phone") == ("ask", "not_asked")

        yes = world.acts.give(SIGN_IN, elements=("phone",))
        world.perform(yes)
        assert about("name", "phone") == ("allow", "granted")
        assert about("name", "email") == ("deny", "element_not_granted")

        world.perform(world.acts.withdraw(yes.grant))
        assert about() == ("allow", "basis_contract")
        assert about("name", "phone") == ("deny", "withdrawn")


class TestToken:
    def test_holds_no_more_than_it_was_given(self, world: World) -> None:
        """Elements granted after a token was issued are not that token's."""
        world.perform(world.acts.give(DELIVERY, PARTNER, elements=("name",)))
        held = token(world, PARTNER)
        world.perform(world.acts.give(DELIVERY, PARTNER, elements=("name", "phone")))

        def about(*elements: str) -> tuple[str, str]:
            return reason(ask(world, DELIVERY, PARTNER, held=held, elements=elements))

        assert about("name") == ("allow", "granted")
        assert about("phone") == ("deny", "element_not_granted")
        assert reason(ask(world, DELIVERY, PARTNER, elements=("phone",))) == (
            "allow",
            "granted",
        )

    def test_withdrawal_narrows_it_at_once(self, world: World) -> None:
        """A live token loses what is taken back, and keeps the rest."""
        camera, photo = (
            world.acts.give(),
            world.acts.give(("device.camera", "take_photo")),
        )
        world.perform(camera)
        world.perform(photo)
        held = token(world)

        world.perform(world.acts.withdraw(camera.grant))

        assert reason(ask(world, held=held)) == ("deny", "withdrawn")
        other = ask(world, ("device.camera", "take_photo"), held=held)
        assert reason(other) == ("allow", "granted")

    def test_consenting_again_revives_no_token(self, world: World) -> None:
        """After a withdrawal, a new yes is for new tokens."""
        yes = world.acts.give()
        world.perform(yes)
        held = token(world)
        world.perform(world.acts.withdraw(yes.grant))
        world.perform(world.acts.give())

        assert reason(ask(world, held=held)) == ("deny", "element_not_granted")
        assert reason(ask(world, held=token(world))) == ("allow", "granted")

    def test_resuming_a_client_revives_no_token(self, world: World) -> None:
        """A suspension ends the tokens of its time for good."""
        world.perform(world.acts.give())
        held = token(world)
        world.perform(world.acts.suspend())
        world.perform(ResumeClient(actor=OFFICER, client=APP.id))

        assert reason(ask(world, held=held)) == ("deny", "element_not_granted")
        assert reason(ask(world, held=token(world))) == ("allow", "granted")

    def test_of_an_earlier_epoch(self, world: World) -> None:
        """A right put in force after the token's epoch does not count for it."""
        world.perform(world.acts.give())
        held = replace(token(world), epoch=token(world).epoch - 1)

        assert reason(ask(world, held=held)) == ("deny", "element_not_granted")
