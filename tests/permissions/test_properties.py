"""Promises over all histories: what may never happen, whoever does what when."""

from __future__ import annotations

import asyncio
import random
import tempfile
from pathlib import Path

from hypothesis import given, settings
from hypothesis import strategies as st

from permissions.acts import GiveGrant, WithdrawGrant, owner_of
from permissions.catalogue.load import load
from permissions.decision import (
    Allow,
    Ask,
    Decision,
    Deny,
    Held,
    Question,
    Standing,
    decide,
)
from permissions.errors import PermissionsError
from permissions.fold import fold
from permissions.ids import SHARDS, shard_of
from permissions.ledger import Entry, Stored, decode, encode, leaf_hash, verify
from permissions.store import rows
from permissions.store.audit import verify_store
from permissions.store.sqlite import SqliteStore, open_store
from tests.permissions.actors import ANN, APP, BOB, PARTNER, World
from tests.permissions.histories import (
    Step,
    act_of,
    grants_of,
    histories,
    odd_questions,
    play,
    play_one,
    questions,
    varied,
)
from tests.permissions.reference import expected

CATALOGUE = varied(load())

texts = st.text(max_size=8)
mostly_known = st.one_of(*[questions] * 6, odd_questions)
strange = st.builds(
    Question,
    client=texts,
    capability=texts,
    purpose=texts,
    elements=st.lists(texts, max_size=3).map(tuple),
    record=st.none() | texts,
    scene=st.none() | texts,
    use=st.booleans(),
)


def standing_of(world: World, subject: str, client: str) -> Standing:
    """Return what the world says to a question, as a store would."""
    known = ("subject", subject) in world.states
    closed = frozenset(
        key
        for (kind, key), state in world.states.items()
        if kind == "function" and not getattr(state, "is_open", True)
    )
    return Standing(
        version="0.0",
        subject=world.subject(subject) if known else None,
        client=world.client(client),
        closed=closed,
    )


def ask(
    world: World, question: Question, subject: str = ANN, held: Held | None = None
) -> Decision:
    """Ask the decision function about the world as it is."""
    standing = standing_of(world, subject, question.client)
    return decide(question, standing, world.catalogue, world.now, held)


def said(decision: Decision) -> tuple[str, str]:
    """Return effect and reason of a decision."""
    match decision:
        case Allow():
            return "allow", decision.reason
        case Ask():
            return "ask", decision.reason
        case Deny():
            return "deny", decision.reason


@settings(max_examples=400, deadline=None)
@given(
    before=histories,
    after=histories,
    asked=st.lists(mostly_known, min_size=1, max_size=8),
    subject=st.sampled_from([ANN, ANN, ANN, BOB]),
    held=st.booleans(),
)
def test_decision_is_the_reference_evaluators(
    before: list[Step],
    after: list[Step],
    asked: list[Question],
    subject: str,
    held: bool,  # noqa: FBT001 - drawn
) -> None:
    """The fast decision and the one by the letter agree, with and without a token."""
    world = World.ready(CATALOGUE)
    play(world, before)
    tokens = {
        client.id: token_of(world, subject, client.id) if held else None
        for client in (APP, PARTNER)
    }
    for step in after:
        play_one(world, step)
        for question in asked:
            token = tokens.get(question.client)

            found = ask(world, question, subject, token)

            assert said(found) == expected(
                world.entries, subject, question, CATALOGUE, now=world.now, held=token
            )


def token_of(world: World, subject: str, client: str) -> Held:
    """Issue a token that holds all that is granted now."""
    registered = world.client(client)
    shard = shard_of(subject)
    return Held(
        epoch=world.heads.get(shard, (0, b""))[0],
        client_epoch=0 if registered is None else registered.epoch,
        rights={
            grant.id: tuple(grant.elements)
            for grant in grants_of(world, subject).values()
            if grant.client == client and grant.state == "granted"
        },
    )


@settings(max_examples=200, deadline=None)
@given(before=histories, after=histories, question=questions)
def test_only_a_new_yes_revives_a_grant(
    before: list[Step], after: list[Step], question: Question
) -> None:
    """Whatever surrounds a withdrawal, only a later yes brings the right back."""
    world = World.ready(CATALOGUE)
    play(world, before)
    token = token_of(world, ANN, question.client)
    key = (question.client, question.capability, question.purpose)
    current = world.subject().grant_for(key)
    if current is not None and current.state == "granted":
        world.perform(world.acts.withdraw(current.id))
    here = len(world.entries)
    play(world, after)

    decision = ask(world, question)
    if isinstance(decision, Allow) and decision.reason == "granted":
        if current is not None and current.state != "refused":
            assert decision.grant != current.id
        if current is not None:
            assert any(is_yes(entry.act, key) for entry in world.entries[here:])
    # A token from before the withdrawal never comes to life again.
    assert said(ask(world, question, held=token)) != ("allow", "granted")


def is_yes(act: object, key: tuple[str, str, str]) -> bool:
    """Say whether an act is a yes to this client, capability and purpose."""
    return (
        isinstance(act, GiveGrant)
        and (act.client, act.capability, act.purpose) == key
        and act.actor.id == act.subject
    )


@settings(max_examples=300, deadline=None)
@given(history=histories, question=questions, subject=st.sampled_from([ANN, BOB]))
def test_allow_names_a_live_yes_of_that_subject(
    history: list[Step], question: Question, subject: str
) -> None:
    """An allow by consent rests on that subject's own act and on a grant in force."""
    world = World.ready(CATALOGUE)
    play(world, history)

    decision = ask(world, question, subject)

    if isinstance(decision, Allow) and decision.reason == "granted":
        assert decision.grant is not None
        grant = world.subject(subject).grants[decision.grant]
        assert grant.state == "granted"
        assert grant.until is None
        assert grant.expires_at is None or world.now < grant.expires_at
        assert 0 <= decision.valid_for_ms <= 1980
        acts = [entry.act for entry in world.entries]
        assert any(
            isinstance(act, GiveGrant)
            and act.grant == grant.id
            and act.subject == act.actor.id == subject
            and act.evidence.text_sha256
            for act in acts
        )
        assert not any(
            isinstance(act, WithdrawGrant) and act.grant == grant.id for act in acts
        )
    elif isinstance(decision, Allow):
        assert decision.grant is None
        assert decision.reason == "basis_contract"


@settings(max_examples=200, deadline=None)
@given(history=histories, question=strange, subject=texts)
def test_decide_answers_anything(
    history: list[Step], question: Question, subject: str
) -> None:
    """Whatever is asked, something is answered, and what is unknown is a no."""
    world = World.ready(CATALOGUE)
    play(world, history)

    for who in (ANN, subject):
        assert isinstance(ask(world, question, who), Deny)


@settings(max_examples=100, deadline=None)
@given(history=histories)
def test_ledger_is_gap_free_and_folds_to_the_state(history: list[Step]) -> None:
    """Each shard verifies, and reading the bytes back gives the same state."""
    world = World.ready(CATALOGUE)
    play(world, history)

    back: list[Entry] = []
    for shard in range(SHARDS):
        stored = [
            Stored(entry.seq, encode(entry), leaf_hash(encode(entry)))
            for entry in world.entries
            if entry.shard == shard
        ]
        seq, sha256 = world.heads.get(shard, (0, bytes(32)))
        back += verify(shard, stored, head_seq=seq, head_hash=sha256)

    assert fold(back) == world.states
    assert sorted(back, key=encode) == sorted(world.entries, key=encode)


@settings(max_examples=25, deadline=None)
@given(history=histories)
def test_tables_are_the_fold_of_the_ledger(history: list[Step]) -> None:
    """Through the real store: the same history leaves the same state in the tables."""

    async def run(folder: Path) -> None:
        world = World.ready(CATALOGUE)
        seeded = random.Random(3)  # noqa: S311 - repeatable on purpose
        async with open_store(
            folder,
            catalogue=CATALOGUE,
            clock=lambda: world.now,
            random=seeded.randbytes,
        ) as store:
            for entry in world.entries:
                await store.write(lambda tx, act=entry.act: tx.perform(act))  # type: ignore[misc]
            for step in history:
                await mirror(store, world, step)

            audit = await store.read(verify_store)
            assert audit.entries == len(world.entries)
            for kind, key in world.states:
                stored = store.near(lambda c, k=kind, o=key: rows.owner(c, k, o))  # type: ignore[misc]
                assert stored == world.states[kind, key]

    with tempfile.TemporaryDirectory() as folder:
        asyncio.run(run(Path(folder)))


async def mirror(store: SqliteStore, world: World, step: Step) -> None:
    """Do in the store what is done in memory; both say the same."""
    act = act_of(step, world)
    outcomes: list[object] = []
    if act is None:
        play_one(world, step)
        return
    try:
        done = world.perform(act)
        outcomes.append(done and done.entry.seq)
    except PermissionsError as error:
        outcomes.append((error.code, error.args))
    try:
        done = await store.write(lambda transaction: transaction.perform(act))
        outcomes.append(done and done.entry.seq)
        assert done is None or owner_of(done.entry.act) == owner_of(act)
    except PermissionsError as error:
        outcomes.append((error.code, error.args))
    assert outcomes[0] == outcomes[1]


def test_entries_keep_their_bytes() -> None:
    """An entry read back and written again is the same bytes: nothing is lost."""
    world = World.ready(CATALOGUE)
    play(world, [])

    for entry in world.entries:
        assert encode(decode(encode(entry))) == encode(entry)
