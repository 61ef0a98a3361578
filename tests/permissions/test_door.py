"""The door lets through what is proven, and says why it lets nothing else."""

from __future__ import annotations

import pickle
from datetime import datetime, timedelta
from typing import Any

import pytest
from msgspec.structs import replace

from permissions import errors
from permissions.acts import Actor, CollectData, ResumeClient
from permissions.catalogue.model import Catalogue
from permissions.state import Client
from tests.permissions.actors import (
    ANN,
    APP,
    BOB,
    CAMERA,
    CONTRACT,
    DELIVERY,
    PARTNER,
    START,
    TICK,
    World,
)

CREDIT = ("data.credit", "credit_check")
FACE = ("data.verification", "face_check")
SIGN_IN = ("data.identity", "sign_in")


@pytest.fixture
def world(catalogue: Catalogue) -> World:
    """Give a world in which Ann, the app and a partner are known."""
    return World.ready(catalogue)


def refused(world: World, act: Any) -> errors.PermissionsError:  # noqa: ANN401
    """Expect a refusal that writes nothing; return it."""
    before, states = len(world.entries), dict(world.states)
    with pytest.raises(errors.PermissionsError) as found:
        world.perform(act)
    assert len(world.entries) == before
    assert world.states == states
    return found.value


class TestYes:
    def test_goes_through(self, world: World) -> None:
        """A proven yes of the subject becomes a grant with its receipt and epoch."""
        act = world.acts.give()

        done = world.perform(act)

        grant = world.subject().grant_for((APP.id, *CAMERA))
        assert done is not None
        assert grant is not None
        assert (grant.id, grant.state, grant.receipt) == (
            act.grant,
            "granted",
            act.receipt,
        )
        assert grant.elements == {"*": done.entry.seq}

    @pytest.mark.parametrize(
        ("pair", "code"),
        [
            (("device.microphone", "scan_qr"), "capability_unknown"),
            (("device.camera", "espionage"), "purpose_unknown"),
            (("device.camera", "publish_upload"), "pair_not_declared"),
        ],
    )
    def test_unknown_names(
        self, world: World, pair: tuple[str, str], code: str
    ) -> None:
        """Capabilities, purposes and pairs are closed lists."""
        assert refused(world, world.acts.give(pair)).code == code

    @pytest.mark.parametrize(
        "changes",
        [
            {"elements": ("email",)},  # of the category, not of the pair
            {"elements": ("name", "score")},
            {"optional": ("phone", "email")},
        ],
    )
    def test_elements_beyond_the_pair(
        self, world: World, changes: dict[str, Any]
    ) -> None:
        """Nothing is offered or taken that the pair does not declare."""
        act = world.acts.give(DELIVERY, PARTNER)

        error = refused(world, replace(act, **changes))

        assert error.code in {"element_not_declared", "evidence_incomplete"}

    def test_elements_beyond_the_contract(self, world: World) -> None:
        """A contract narrows the pair; what it leaves out cannot be given."""
        part = replace(CONTRACT.pairs[0], optional=())
        world.perform(
            world.acts.client(PARTNER, contract=replace(CONTRACT, pairs=(part,)))
        )

        act = world.acts.give(DELIVERY, PARTNER)

        assert refused(world, act).code == "element_not_declared"

    def test_pair_beyond_the_contract(self, world: World) -> None:
        """A pair of the catalogue is not yet one of the contract."""
        act = world.acts.give(("data.transaction", "delivery"), PARTNER)

        assert refused(world, act).code == "pair_not_declared"

    def test_phone_for_a_partner(self, world: World) -> None:
        """A partner gets nothing on the phone."""
        act = world.acts.give(CAMERA, PARTNER, evidence={"kind": "gateway_page"})

        assert refused(world, act).code == "pair_not_declared"

    @pytest.mark.parametrize("elements", [(), ("phone",)])
    def test_without_what_is_required(
        self, world: World, elements: tuple[str, ...]
    ) -> None:
        """A yes without its required elements is none."""
        act = world.acts.give(DELIVERY, PARTNER, elements=elements)

        error = refused(world, act)

        assert isinstance(error, errors.EvidenceIncomplete)
        assert error.field == "elements"

    def test_optional_ones_may_be_left_out(self, world: World) -> None:
        """The person chooses among the optional elements; the text is the same."""
        world.perform(world.acts.give(DELIVERY, PARTNER, elements=("name",)))

        grant = world.subject().grant_for((PARTNER.id, *DELIVERY))
        assert grant is not None
        assert set(grant.elements) == {"name"}

    @pytest.mark.parametrize(
        "actor",
        [
            Actor(kind="subject", id=BOB),
            Actor(kind="client", id=APP.id),
            Actor(kind="client", id=ANN),
            Actor(kind="officer", id="test"),
            Actor(kind="gateway", id="jobs"),
        ],
    )
    def test_nobody_says_yes_for_another(self, world: World, actor: Actor) -> None:
        """A partner's or an officer's claim is no yes (promise 3)."""
        error = refused(world, world.acts.give(actor=actor))

        assert isinstance(error, errors.EvidenceIncomplete)
        assert error.field == "actor"

    def test_notice_first(self, world: World) -> None:
        """Nothing is asked of somebody who has not seen the first-use notice (R01)."""
        world.perform(world.acts.register(BOB))

        assert refused(world, world.acts.give(subject=BOB)).code == "notice_missing"

    def test_unknown_subject_and_client(self, world: World) -> None:
        """Ids that nobody registered are not found."""
        stranger = replace(APP, id="cli_stranger")

        assert refused(world, world.acts.give(subject=BOB)).code == "not_found"
        assert refused(world, world.acts.give(client=stranger)).code == "not_found"

    def test_suspended_client(self, world: World) -> None:
        """A client that is cut off gets nothing new."""
        world.perform(world.acts.suspend())

        assert refused(world, world.acts.give()).code == "client_suspended"

    @pytest.mark.parametrize(
        ("at", "goes"),
        [
            (CONTRACT.not_before - TICK, False),
            (CONTRACT.not_before, True),
            (CONTRACT.not_after - TICK, True),
            (CONTRACT.not_after, False),
        ],
    )
    def test_contract_in_force(
        self,
        world: World,
        at: datetime,
        goes: bool,  # noqa: FBT001 - a table
    ) -> None:
        """A partner's contract counts from its first instant up to its last (R43)."""
        world.now = at
        act = world.acts.give(DELIVERY, PARTNER)

        if goes:
            assert world.perform(act) is not None
        else:
            assert refused(world, act).code == "client_suspended"

    def test_grant_id_in_use(self, world: World) -> None:
        """No yes revives the id of a grant that was taken back."""
        yes = world.acts.give()
        world.perform(yes)
        world.perform(world.acts.withdraw(yes.grant))

        error = refused(world, world.acts.give(grant=yes.grant))

        assert error.code == "id_taken"


class TestEvidence:
    @pytest.mark.parametrize(
        "field", ["screen", "control", "channel", "authentication"]
    )
    @pytest.mark.parametrize("empty", ["", "  \n"])
    def test_missing_field(self, world: World, field: str, empty: str) -> None:
        """Each part of the evidence is there, or the act proves nothing (R15)."""
        error = refused(world, world.acts.give(evidence={field: empty}))

        assert isinstance(error, errors.EvidenceIncomplete)
        assert error.field == field

    @pytest.mark.parametrize("initial", ["ticked", "", "checked", "Unticked"])
    def test_control_that_was_set(self, world: World, initial: str) -> None:
        """Only a control that the person had to use counts (R15)."""
        error = refused(world, world.acts.give(evidence={"initial": initial}))

        assert error.code == "evidence_preticked"

    def test_language_that_was_not_published(self, world: World) -> None:
        """A text in a language that the policy does not have was never shown."""
        error = refused(world, world.acts.give(evidence={"locale": "fr"}))

        assert isinstance(error, errors.EvidenceIncomplete)
        assert error.field == "locale"

    def test_time_without_a_zone(self, world: World) -> None:
        """A time that could mean any of 24 hours is no evidence."""
        naive = START.replace(tzinfo=None)

        error = refused(world, world.acts.give(evidence={"shown_at": naive}))

        assert isinstance(error, errors.EvidenceIncomplete)
        assert error.field == "shown_at"

    @pytest.mark.parametrize(
        "evidence",
        [
            {"policy_version": "2022-01-01"},
            {"text_sha256": "0" * 64},
            {"text_sha256": ""},
            {"locale": "zh-CN"},  # the hash is that of the English text
        ],
    )
    def test_text_that_was_not_published(
        self, world: World, evidence: dict[str, str]
    ) -> None:
        """The hash has to be that of the text, in that language and version."""
        assert (
            refused(world, world.acts.give(evidence=evidence)).code
            == "text_not_published"
        )

    @pytest.mark.parametrize(
        "changes",
        [
            {"required": ("name", "phone")},
            {"retention_days": 7},
            {"records": ("order-1",)},
            {"expires_at": START + timedelta(days=1)},
            {"one_time": True},
        ],
    )
    def test_terms_that_the_page_did_not_show(
        self, world: World, changes: dict[str, Any]
    ) -> None:
        """Every term is in the hash: a yes to one page is no yes to another."""
        act = replace(world.acts.give(DELIVERY, PARTNER), **changes)

        assert refused(world, act).code == "text_not_published"

    def test_page_of_another_client(self, world: World) -> None:
        """The recipient is part of what was shown (PIPL art. 23)."""
        other = replace(PARTNER, id="cli_other", legal_name="Other Ltd.")
        world.perform(world.acts.client(other))
        shown = world.acts.give(DELIVERY, PARTNER).evidence

        act = replace(world.acts.give(DELIVERY, other), evidence=shown)

        assert refused(world, act).code == "text_not_published"

    def test_sensitive_on_the_apps_own_screen(self, world: World) -> None:
        """A sensitive item needs the gateway's page (PIPL art. 29)."""
        shown = {"kind": "app_rendered"}

        assert (
            refused(world, world.acts.give(FACE, evidence=shown)).code == "not_separate"
        )

    def test_partners_page_drawn_by_the_app(self, world: World) -> None:
        """Giving data to another entity needs the gateway's page (PIPL art. 23)."""
        act = world.acts.give(DELIVERY, PARTNER, evidence={"kind": "app_rendered"})

        assert refused(world, act).code == "not_separate"


class TestLimits:
    @pytest.mark.parametrize(
        ("ends", "goes"),
        [
            (timedelta(0), False),
            (TICK, True),
            (timedelta(days=30), True),
            (timedelta(days=30) + TICK, False),
        ],
    )
    def test_end_within_the_pairs_longest_life(
        self,
        world: World,
        ends: timedelta,
        goes: bool,  # noqa: FBT001 - a table
    ) -> None:
        """A grant ends after now, and no later than the pair allows."""
        act = world.acts.give(CREDIT, PARTNER, expires_at=START + ends)

        if goes:
            assert world.perform(act) is not None
        else:
            assert refused(world, act).code == "limits_impossible"

    def test_no_end_where_there_has_to_be_one(self, world: World) -> None:
        """A pair that ends by itself takes no yes for ever."""
        act = world.acts.give(CREDIT, PARTNER, expires_at=None)

        assert refused(world, act).code == "limits_impossible"

    def test_end_after_the_contract(self, world: World) -> None:
        """No grant outlives the contract that binds its client."""
        act = world.acts.give(
            DELIVERY, PARTNER, expires_at=CONTRACT.not_after + timedelta(seconds=1)
        )

        assert refused(world, act).code == "limits_impossible"

    def test_once_only_for_good(self, world: World) -> None:
        """A one-time pair takes no lasting yes."""
        error = refused(world, world.acts.give(FACE, one_time=False))

        assert isinstance(error, errors.LimitsImpossible)
        assert error.field == "one_time"

    def test_kept_longer_than_the_contract_says(self, world: World) -> None:
        """Retention is a limit of the contract."""
        act = world.acts.give(DELIVERY, PARTNER, retention_days=31)

        assert refused(world, act).code == "limits_impossible"


class TestWithdrawal:
    def test_twice_is_once(self, world: World) -> None:
        """Taking back what was taken back changes nothing and is no error."""
        yes = world.acts.give()
        world.perform(yes)
        world.perform(world.acts.withdraw(yes.grant))

        assert world.perform(world.acts.withdraw(yes.grant)) is None
        assert world.subject().grants[yes.grant].state == "withdrawn"

    def test_grant_of_another(self, world: World) -> None:
        """A foreign grant looks like one that never was."""
        world.perform(world.acts.register(BOB))
        yes = world.acts.give()
        world.perform(yes)

        foreign = refused(world, world.acts.withdraw(yes.grant, BOB))
        unknown = refused(world, world.acts.withdraw("gra_none", BOB))

        assert (foreign.code, str(foreign)) == (unknown.code, str(unknown))
        assert world.subject().grants[yes.grant].state == "granted"

    def test_suspended_client_is_no_hindrance(self, world: World) -> None:
        """Taking back needs nobody's leave (PIPL art. 15)."""
        yes = world.acts.give()
        world.perform(yes)
        world.perform(world.acts.suspend())

        assert world.perform(world.acts.withdraw(yes.grant)) is not None

    def test_refusal_is_no_grant(self, world: World) -> None:
        """A no cannot be taken back as if it were a yes."""
        no = world.acts.refuse()
        world.perform(no)

        assert refused(world, world.acts.withdraw(no.grant)).code == "not_found"


class TestUse:
    def test_once(self, world: World) -> None:
        """A one-time yes is spent once; the second time changes nothing."""
        yes = world.acts.give(one_time=True)
        world.perform(yes)

        assert world.perform(world.acts.use(yes.grant)) is not None
        assert world.perform(world.acts.use(yes.grant)) is None
        assert world.subject().grants[yes.grant].state == "used"

    def test_lasting_yes_cannot_be_used_up(self, world: World) -> None:
        """Nobody ends a lasting grant by using it."""
        yes = world.acts.give()
        world.perform(yes)

        assert refused(world, world.acts.use(yes.grant)).code == "not_found"


class TestRefusal:
    def test_needs_no_proof(self, world: World) -> None:
        """The app may report a no without evidence."""
        assert world.perform(world.acts.refuse()) is not None

    def test_unknown_client_or_pair(self, world: World) -> None:
        """A no, too, is about something that exists."""
        stranger = replace(APP, id="cli_stranger")
        nothing = world.acts.refuse(("device.camera", "publish_upload"))

        assert refused(world, world.acts.refuse(client=stranger)).code == "not_found"
        assert refused(world, nothing).code == "pair_not_declared"

    def test_grant_id_in_use(self, world: World) -> None:
        """A no cannot overwrite a yes under its id."""
        yes = world.acts.give()
        world.perform(yes)

        assert refused(world, world.acts.refuse(grant=yes.grant)).code == "id_taken"


class TestNotice:
    def test_seen_once(self, world: World) -> None:
        """The first-use notice is seen once, not at each version."""
        assert world.perform(world.acts.notice()) is None

    @pytest.mark.parametrize(
        ("evidence", "code"),
        [
            ({"text_sha256": "0" * 64}, "text_not_published"),
            ({"policy_version": "2022-01-01"}, "text_not_published"),
            ({"initial": "ticked"}, "evidence_preticked"),
        ],
    )
    def test_another_text(
        self, world: World, evidence: dict[str, str], code: str
    ) -> None:
        """Only the notice that was published can have been seen."""
        world.perform(world.acts.register(BOB))

        assert refused(world, world.acts.notice(BOB, **evidence)).code == code

    def test_of_nobody(self, world: World) -> None:
        """Somebody unknown has seen nothing."""
        assert refused(world, world.acts.notice(BOB)).code == "not_found"


class TestClients:
    @pytest.mark.parametrize(
        ("client", "changes", "field"),
        [
            (APP, {"contract": CONTRACT}, "contract"),
            (PARTNER, {"contract": None}, "contract"),
            (APP, {"name": {"en": "App"}}, "name.zh-CN"),
            (APP, {"name": {"en": " ", "zh-CN": "应用"}}, "name.en"),
            (APP, {"legal_name": ""}, "legal_name"),
            (APP, {"registry_number": " "}, "registry_number"),
            (APP, {"contact": ""}, "contact"),
            (
                PARTNER,
                {"contract": replace(CONTRACT, not_after=CONTRACT.not_before)},
                "contract",
            ),
            (
                PARTNER,
                {"contract": replace(CONTRACT, not_after=datetime(2027, 1, 1))},  # noqa: DTZ001
                "contract",
            ),
        ],
    )
    def test_incomplete(
        self, world: World, client: Client, changes: dict[str, Any], field: str
    ) -> None:
        """What binds a client is there, whole, in every language (R43, R76)."""
        act = world.acts.client(client, id="cli_new", **changes)

        error = refused(world, act)

        assert isinstance(error, errors.RegistrationIncomplete)
        assert error.field == field

    def test_contract_about_what_is_not_declared(self, world: World) -> None:
        """A contract narrows the catalogue; it cannot widen it (R42)."""
        part = replace(CONTRACT.pairs[0], optional=("score",))
        contract = replace(CONTRACT, pairs=(part,))

        act = world.acts.client(PARTNER, contract=contract)

        assert refused(world, act).code == "element_not_declared"

    def test_another_kind(self, world: World) -> None:
        """A partner cannot become the operator's own, nor the other way round."""
        act = world.acts.client(PARTNER, kind="app", contract=None)

        assert refused(world, act).code == "registration_incomplete"

    def test_same_papers_again(self, world: World) -> None:
        """Registering what is registered changes nothing, suspended or not."""
        world.perform(world.acts.suspend())

        assert world.perform(world.acts.client(APP)) is None

    def test_new_papers_end_no_suspension(self, world: World) -> None:
        """Only resuming lifts a suspension, and the epoch stays raised."""
        world.perform(world.acts.suspend())
        world.perform(world.acts.client(APP, contact="new@app.example"))

        client = world.client(APP.id)

        assert client is not None
        assert (client.state, client.epoch) == ("suspended", 1)
        assert client.contact == "new@app.example"

    def test_state_and_epoch_are_nobodys_to_write(self, world: World) -> None:
        """A registration that names a state or an epoch is not believed."""
        act = world.acts.client(APP, id="cli_new", state="suspended", epoch=7)

        world.perform(act)

        client = world.client("cli_new")
        assert client is not None
        assert (client.state, client.epoch) == ("contracted", 0)

    def test_suspending_and_resuming_twice(self, world: World) -> None:
        """Each is done once; the epoch rises with each suspension."""
        resume = ResumeClient(actor=Actor(kind="officer", id="test"), client=APP.id)

        assert world.perform(resume) is None
        world.perform(world.acts.suspend())
        assert world.perform(world.acts.suspend()) is None
        world.perform(resume)
        world.perform(world.acts.suspend())

        client = world.client(APP.id)
        assert client is not None
        assert client.epoch == 2

    def test_unknown(self, world: World) -> None:
        """A client that nobody registered cannot be suspended."""
        stranger = replace(APP, id="cli_stranger")

        assert refused(world, world.acts.suspend(stranger)).code == "not_found"


class TestFunctions:
    def test_unknown(self, world: World) -> None:
        """Only functions of the catalogue open and close."""
        act = world.acts.switch("espionage", is_open=False)

        assert refused(world, act).code == "function_unknown"

    def test_open_from_the_start(self, world: World) -> None:
        """Opening what is open, or closing what is closed, changes nothing."""
        assert world.perform(world.acts.switch("scanning", is_open=True)) is None
        assert world.perform(world.acts.switch("scanning", is_open=False)) is not None
        assert world.perform(world.acts.switch("scanning", is_open=False)) is None


class TestData:
    def test_of_nobody(self, world: World) -> None:
        """Data of somebody unknown is neither collected nor released."""
        act = CollectData(
            actor=Actor(kind="client", id=APP.id),
            subject=BOB,
            client=APP.id,
            category="identity",
            purpose="order_fulfilment",
            elements=("name",),
        )

        assert refused(world, act).code == "not_found"


def every(error: type[errors.PermissionsError]) -> list[type[errors.PermissionsError]]:
    """Return an error class with all below it."""
    return [error, *(part for one in error.__subclasses__() for part in every(one))]


class TestErrors:
    @pytest.mark.parametrize("kind", every(errors.PermissionsError)[1:])
    def test_survive_pickling_and_explain_themselves(
        self, kind: type[errors.PermissionsError]
    ) -> None:
        """Each has a code, a sentence, and comes back whole from a pickle."""
        count = kind.__init__.__code__.co_argcount if "__init__" in vars(kind) else 1
        error = kind(*(["x"] * (count - 1)))

        back = pickle.loads(pickle.dumps(error))  # noqa: S301 - our own bytes

        assert (type(back), back.args, str(back)) == (kind, error.args, str(error))
        assert vars(back) == vars(error)
        assert error.code.replace("_", "").isalpha()
        assert str(error)
