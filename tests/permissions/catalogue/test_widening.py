"""Nothing that passes as minor lets anybody do more under the yes they have."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any, NamedTuple, get_args

import pytest
from hypothesis import HealthCheck, assume, given, settings
from hypothesis import strategies as st

from permissions.catalogue import Catalogue, Category, Diff, load
from permissions.catalogue.diff import diff, publishable
from permissions.decision import Allow, Question, Standing, decide
from permissions.fold import WHOLE
from permissions.state import (
    Client,
    Contract,
    ContractPair,
    Grant,
    GrantState,
    Subject,
)
from tests.permissions.catalogue.changed import GONE, put
from tests.permissions.catalogue.mutation import (
    READ_BY_DECISIONS,
    VERSIONS,
    Draw,
    mutate,
    mutate_read,
)

SHIPPED = load()
NOW = datetime(2026, 11, 22, 8, 0, tzinfo=UTC)
LATER = NOW + timedelta(days=9)
PAIRS = sorted(SHIPPED.pairs)
SCENES = (None, "scan_screen", "publish_form", "home_screen")


class Case(NamedTuple):
    """A question, and what the ledger says to it."""

    question: Question
    standing: Standing


def client_for(kind: str, key: tuple[str, str], elements: tuple[str, ...]) -> Client:
    """Make an app, or a partner whose contract names one pair."""
    part = ContractPair(capability=key[0], purpose=key[1], optional=elements)
    contract = Contract(
        document_sha256="ab" * 32,
        not_before=NOW - timedelta(days=1),
        not_after=NOW + timedelta(days=365),
        pairs=(part,),
    )
    return Client(
        id="cli_one",
        kind="partner" if kind == "partner" else "app",
        name={"zh-CN": "示例", "en": "Sample"},
        legal_name="Sample Co., Ltd.",
        registry_number="91310000MA1K00001X",
        contact="privacy@sample.example",
        scopes=("gateway.check",),
        contract=contract if kind == "partner" else None,
    )


def draw_case(draw: Draw, old: Catalogue, key: tuple[str, str]) -> Case:
    """Draw a grant that the old catalogue could have led to, and a question to it."""
    every = old.pairs[key].elements or (WHOLE,)
    some = st.lists(st.sampled_from(every), unique=True)
    # Every other time a yes to everything: only the catalogue can then say no.
    plain = draw(st.booleans())
    held = dict.fromkeys(every if plain else draw(some), 1)
    grant = Grant(
        id="gra_one",
        grant_set="gst_one",
        client="cli_one",
        capability=key[0],
        purpose=key[1],
        state="granted" if plain else draw(st.sampled_from(get_args(GrantState))),
        elements=held,
        policy_version=draw(st.sampled_from(VERSIONS[1:])),
        since=NOW - timedelta(hours=draw(st.integers(0, 60))),
        until=None,
        expires_at=None if plain else draw(st.sampled_from([NOW, LATER])),
        one_time=not plain and draw(st.booleans()),
        records=(),
        scene=draw(st.sampled_from(SCENES)),
        receipt="rcp_one",
        seq=1,
    )
    is_asked_before = plain or draw(st.booleans())
    subject = Subject(
        id="sub_one",
        since=NOW,
        notice_version=VERSIONS[2],
        notice_at=NOW,
        grants={grant.id: grant} if is_asked_before else {},
        current={grant.key: grant.id} if is_asked_before else {},
        sets={},
        seq=1,
    )
    kind = draw(st.sampled_from(["app", "partner"]))
    contracted = tuple(element for element in every if element != WHOLE)
    closed = draw(st.frozensets(st.sampled_from(sorted(old.functions)), max_size=6))
    item = old.capabilities[key[0]]
    known = tuple(item.elements) if isinstance(item, Category) else ()
    names = st.lists(st.sampled_from(known or (WHOLE,)), unique=True)
    named = draw(names) if known and not plain else []
    question = Question(
        client="cli_one",
        capability=key[0],
        purpose=key[1],
        elements=tuple(named),
        scene=draw(st.sampled_from(SCENES)),
        use=draw(st.booleans()),
    )
    standing = Standing(
        version="1.1",
        subject=subject,
        client=client_for(kind, key, contracted),
        closed=closed,
    )
    return Case(question, standing)


def is_allowed(case: Case, catalogue: Catalogue) -> bool:
    """Say whether the one decision function says yes."""
    answer = decide(case.question, case.standing, catalogue, NOW)
    return isinstance(answer, Allow)


class TestRandomEdits:
    @settings(deadline=None, suppress_health_check=[HealthCheck.too_slow])
    @given(st.data())
    def test_the_same_differs_in_nothing(self, data: st.DataObject) -> None:
        """Two catalogues that are equal have no difference."""
        catalogue = mutate(data.draw, SHIPPED)

        assert diff(catalogue, catalogue).changes == ()

    @settings(
        max_examples=500, deadline=None, suppress_health_check=[HealthCheck.too_slow]
    )
    @given(st.data())
    def test_any_single_edit_is_found_and_judged(self, data: st.DataObject) -> None:
        """No edit goes unseen, none is too strange, in either direction."""
        changed = mutate(data.draw, SHIPPED)

        for old, new in ((SHIPPED, changed), (changed, SHIPPED)):
            found = diff(old, new)

            assert bool(found.changes) == (old != new)
            assert all(change.place and change.meaning for change in found.changes)
            assert all(c.notice == (c.kind != "minor") for c in found.changes)
            assert all(c.consent or not c.parts for c in found.changes)
            assert not any(c.consent and c.kind == "minor" for c in found.changes)
            assert is_refused_as_minor(found) == found.is_material

    @settings(
        max_examples=500, deadline=None, suppress_health_check=[HealthCheck.too_slow]
    )
    @given(st.data())
    def test_minor_edits_allow_no_more(self, data: st.DataObject) -> None:
        """Whatever minor edits come together, `decide` allows a part of what it did."""
        about = data.draw(st.sampled_from(PAIRS))
        field = data.draw(st.sampled_from(READ_BY_DECISIONS))
        old = mutate_read(data.draw, SHIPPED, about, field)
        for _edit in range(data.draw(st.integers(0, 2))):
            old = mutate(data.draw, old, about)
        assume(about in old.pairs)
        new = old
        for number in range(data.draw(st.integers(1, 4))):
            scope = about if data.draw(st.integers(0, 3)) else None
            changed = (
                mutate(data.draw, new, scope)
                if number
                else mutate_read(data.draw, new, about, field)
            )
            if not diff(new, changed).is_material:
                new = changed

        for _case in range(6):
            case = draw_case(data.draw, old, about)

            assert is_allowed(case, old) or not is_allowed(case, new)

    @settings(
        max_examples=500, deadline=None, suppress_health_check=[HealthCheck.too_slow]
    )
    @given(st.data())
    def test_what_rests_is_paused_and_only_that(self, data: st.DataObject) -> None:
        """Published as demanded, a change pauses its own pairs and no others (R71)."""
        about = data.draw(st.sampled_from(PAIRS))
        new = mutate(data.draw, SHIPPED, data.draw(st.sampled_from([None, about])))
        new = put(new, ("policy", "version"), "2027-01-01")
        resting = {
            (part.capability, part.purpose)
            for change in diff(SHIPPED, new).changes
            for part in change.parts
            if part.rests
        }
        for key in resting:
            new = put(new, ("pairs", key, "changed_in"), "2027-01-01")
        case = draw_case(data.draw, SHIPPED, about)
        answer = decide(case.question, case.standing, new, NOW)

        if about in resting:
            assert not (isinstance(answer, Allow) and answer.reason == "granted")
        elif _same_for(about, SHIPPED, new):
            assert isinstance(answer, Allow) == is_allowed(case, SHIPPED)


def _same_for(key: tuple[str, str], old: Catalogue, new: Catalogue) -> bool:
    """Say whether a pair and its purpose stayed as they were."""
    return (
        new.pairs.get(key) == old.pairs[key]
        and new.purposes[key[1]] == old.purposes[key[1]]
    )


def is_refused_as_minor(found: Diff) -> bool:
    """Say whether a declaration as minor is refused for what changed."""
    return any(
        finding.rule == "material_declared_minor"
        for finding in publishable(found, "minor")
    )


class TestWidening:
    """The same seen from the other side: what makes `decide` allow more is material."""

    PAIR = ("device.camera", "scan_qr")

    @pytest.mark.parametrize(
        ("path", "narrow", "wide"),
        [
            (("pairs", PAIR, "scenes"), ("publish_form",), ("scan_screen",)),
            (("pairs", PAIR, "scenes"), ("publish_form",), ()),
            (("pairs", PAIR, "needs_os_report"), True, False),
            (("pairs", PAIR, "changed_in"), "2024-01-01", ""),
            (("pairs", PAIR, "basis"), {}, {"*": "contract"}),
            (("purposes", "scan_qr", "function"), "publishing", "scanning"),
            (("pairs", PAIR), GONE, SHIPPED.pairs[PAIR]),
        ],
    )
    def test_is_material(
        self,
        path: tuple[object, ...],
        narrow: Any,  # noqa: ANN401
        wide: Any,  # noqa: ANN401
    ) -> None:
        """Each way in which the catalogue can turn a no into a yes."""
        old, new = put(SHIPPED, path, narrow), put(SHIPPED, path, wide)
        case = camera_case(is_granted=path[-1] != "basis")

        assert not is_allowed(case, old)
        assert is_allowed(case, new)
        assert diff(old, new).is_material


def camera_case(*, is_granted: bool) -> Case:
    """Make a question to the camera, with a yes to it or without."""
    grant = Grant(
        id="gra_one",
        grant_set="gst_one",
        client="cli_one",
        capability="device.camera",
        purpose="scan_qr",
        state="granted",
        elements={WHOLE: 1},
        policy_version="2023-04-07",
        since=NOW,
        until=None,
        expires_at=None,
        one_time=False,
        records=(),
        scene=None,
        receipt="rcp_one",
        seq=1,
    )
    subject = Subject(
        id="sub_one",
        since=NOW,
        notice_version="2023-04-07",
        notice_at=NOW,
        grants={grant.id: grant} if is_granted else {},
        current={grant.key: grant.id} if is_granted else {},
        sets={},
        seq=1,
    )
    return Case(
        Question(
            client="cli_one",
            capability="device.camera",
            purpose="scan_qr",
            scene="scan_screen",
        ),
        Standing(
            version="1.1",
            subject=subject,
            client=client_for("app", ("device.camera", "scan_qr"), ()),
            closed=frozenset({"publishing"}),
        ),
    )
