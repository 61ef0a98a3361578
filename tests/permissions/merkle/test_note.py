"""Signed notes, checkpoints and cosignatures, read strictly."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from permissions.merkle.checkpoint import (
    Checkpoint,
    open_checkpoint,
    parse_text,
    sign,
)
from permissions.merkle.cosignature import cosign, cosigned_at, verify_cosignature
from permissions.merkle.note import (
    COSIGNATURE,
    Note,
    NoteInvalid,
    Signature,
    Signer,
    parse,
    parse_key,
    verify,
)
from permissions.merkle.tree import EMPTY_ROOT

# Signed by golang.org/x/mod/sumdb/note, from whose documentation these are.
GO_KEY = "PeterNeumann+c74f20a3+ARpc2QcUPDhMQegwxbzhKqiBfsVkmqq/LDE4izWy10TW"
GO_NOTE = (
    "If you think cryptography is the answer to your problem,\n"
    "then you don't know what your problem is.\n"
    "\n"
    "— PeterNeumann x08go/ZJkuBS9UG/SffcvIAQxVBtiFupLLr8pAcElZInNIuGUgYN1FFYC2pZ"
    "SNXgKvqfqdngotpRZb6KE6RyyBwJnAM=\n"
)

LOG = Signer("log.example/log", bytes(range(32)))
OTHER = Signer("log.example/log", bytes(32))
WITNESS = Signer("witness.example/w1", bytes(range(1, 33)), COSIGNATURE)
AT = datetime(2026, 11, 22, 8, 0, tzinfo=UTC)

HEAD = Checkpoint(origin="log.example/log", size=7, root=EMPTY_ROOT)
FOREIGN = Checkpoint(origin="log.example/other", size=7, root=EMPTY_ROOT)
SIGNED = sign(HEAD, LOG)


class TestNote:
    def test_note_of_another_implementation_verifies(self) -> None:
        """Key line, key id, text and signature mean what others mean by them."""
        verify(parse(GO_NOTE), parse_key(GO_KEY))

    def test_what_was_read_is_written_the_same(self) -> None:
        """Reading and writing lose nothing, of notes and of key lines."""
        assert parse(GO_NOTE).encode() == GO_NOTE
        assert parse_key(GO_KEY).line() == GO_KEY

    def test_text_may_hold_empty_lines(self) -> None:
        """The last empty line divides; those before it are text."""
        text = "a\n\n\nb\n"
        note = Note(text, (LOG.sign(text),))

        assert parse(note.encode()) == note

    @given(st.integers(0, len(SIGNED.encode()) - 1), st.integers(1, 255))
    def test_any_changed_byte_is_refused(self, at: int, by: int) -> None:
        """Whichever byte of a signed checkpoint changes, it is believed no more."""
        changed = bytearray(SIGNED.encode())
        changed[at] ^= by

        with pytest.raises(NoteInvalid):
            open_checkpoint(bytes(changed), LOG.verifier)

    @given(st.binary() | st.text())
    def test_rubbish_is_refused(self, rubbish: bytes | str) -> None:
        """Whatever is handed in, the answer is no and never another error."""
        with pytest.raises(NoteInvalid):
            open_checkpoint(rubbish, LOG.verifier)
        with pytest.raises(NoteInvalid):
            parse_key(rubbish if isinstance(rubbish, str) else rubbish.hex())

    @pytest.mark.parametrize(
        "written",
        [
            "",
            "text\n",
            "text\n\n",
            "\n\n— a AAAAAAA=\n",
            "text\n\n— a AAAAAAA=",
            "text\n\n- a AAAAAAA=\n",
            "text\n\n— a AAAA\n",  # an id and nothing after it
            "text\n\n— a AAAAAAA\n",  # without its padding
            "text\n\n— a AAAAAAB=\n",  # bits beyond the end
            "text\n\n— a+b AAAAAAA=\n",
            "text\n\n—  AAAAAAA=\n",
            "te\rxt\n\n— a AAAAAAA=\n",
            "text\n\n" + "— a AAAAAAA=\n" * 65,
            "x" * 70_000 + "\n\n— a AAAAAAA=\n",
            "\ud800\n\n— a AAAAAAA=\n",
        ],
    )
    def test_other_forms_are_refused(self, written: str) -> None:
        """There is one way to write a note."""
        with pytest.raises(NoteInvalid):
            parse(written)

    @pytest.mark.parametrize(
        "line",
        [
            GO_KEY.replace("PeterNeumann", "PeterNewmann"),
            GO_KEY.replace("c74f20a3", "c74f20a4"),
            GO_KEY.replace("+ARpc", "+AhpC"),
            GO_KEY.rpartition("+")[0],
        ],
    )
    def test_key_line_must_fit_itself(self, line: str) -> None:
        """A mistyped key line is found before anything is judged by it."""
        with pytest.raises(NoteInvalid):
            parse_key(line)

    def test_unknown_signatures_are_ignored(self) -> None:
        """A line under our name with another key's id is somebody else's."""
        note = parse(SIGNED)
        both = Note(note.text, (OTHER.sign(note.text), *note.signatures))

        verify(both, LOG.verifier)

    def test_note_without_our_signature_is_refused(self) -> None:
        """The key decides: another key under the same name proves nothing."""
        with pytest.raises(NoteInvalid, match="not signed"):
            open_checkpoint(sign(HEAD, OTHER), LOG.verifier)

    def test_one_wrong_signature_of_ours_spoils_the_note(self) -> None:
        """A right line does not make up for a wrong one of the same key."""
        note = parse(SIGNED)
        wrong = Signature(LOG.verifier.name, LOG.verifier.key_id, bytes(64))

        with pytest.raises(NoteInvalid, match="does not fit"):
            verify(Note(note.text, (*note.signatures, wrong)), LOG.verifier)

    def test_repr_shows_no_private_key(self) -> None:
        """Neither logs nor tracebacks can print the seed."""
        assert repr(LOG) == "Signer('log.example/log', …)"


class TestCheckpoint:
    def test_signed_checkpoint_is_read_back(self) -> None:
        """What was signed comes out, and signing again gives the same bytes."""
        assert open_checkpoint(SIGNED, LOG.verifier) == HEAD
        assert sign(HEAD, LOG) == SIGNED

    def test_extension_lines_are_kept(self) -> None:
        """Others may write further lines; they are part of what is signed."""
        more = Checkpoint(origin="a", size=0, root=EMPTY_ROOT, extensions=("x y",))

        assert parse_text(more.text()) == more

    @pytest.mark.parametrize("size", ["", "07", "-1", "+1", "1_0", "٣", "1" * 20, "1 "])
    def test_size_has_one_spelling(self, size: str) -> None:
        """Two texts never speak of one size."""
        text = HEAD.text().replace("\n7\n", f"\n{size}\n")

        with pytest.raises(NoteInvalid):
            parse_text(text)

    @pytest.mark.parametrize("root", ["", "AAAA", "?", EMPTY_ROOT.hex()])
    def test_root_is_a_hash(self, root: str) -> None:
        """Anything but 32 bytes of base64 is no root."""
        with pytest.raises(NoteInvalid):
            parse_text(f"log.example/log\n7\n{root}\n")

    def test_checkpoint_of_another_log_is_refused(self) -> None:
        """One key may sign for two logs; they are two logs all the same."""
        with pytest.raises(NoteInvalid, match="another log"):
            open_checkpoint(sign(FOREIGN, LOG), LOG.verifier)


class TestCosignature:
    def cosigned(self) -> Note:
        """Return the checkpoint with the log's and a witness's line."""
        note = parse(SIGNED)
        return Note(note.text, (*note.signatures, cosign(note, WITNESS, AT)))

    def test_witness_and_log_both_verify(self) -> None:
        """One note carries both, each verified by its own key, after a round trip."""
        note = parse(self.cosigned().encode())

        assert verify_cosignature(note, WITNESS.verifier) == AT
        assert open_checkpoint(note.encode(), LOG.verifier) == HEAD

    def test_the_latest_time_counts(self) -> None:
        """A witness may cosign the same checkpoint again."""
        note = self.cosigned()
        later = AT.replace(hour=9)
        again = Note(note.text, (*note.signatures, cosign(note, WITNESS, later)))

        assert verify_cosignature(again, WITNESS.verifier) == later

    @given(st.integers(0, 71), st.integers(1, 255))
    def test_any_changed_byte_is_refused(self, at: int, by: int) -> None:
        """Time and signature hang together."""
        note = self.cosigned()
        *rest, line = note.signatures
        value = bytearray(line.value)
        value[at] ^= by
        forged = Signature(line.name, line.key_id, bytes(value))

        with pytest.raises(NoteInvalid):
            verify_cosignature(Note(note.text, (*rest, forged)), WITNESS.verifier)

    def test_cosignature_of_another_checkpoint_is_refused(self) -> None:
        """A line cannot be moved under another note."""
        line = self.cosigned().signatures[-1]
        other = parse(sign(FOREIGN, LOG))

        with pytest.raises(NoteInvalid, match="does not fit"):
            verify_cosignature(Note(other.text, (line,)), WITNESS.verifier)

    def test_log_key_is_no_witness(self) -> None:
        """A signature of the log is not a cosignature, and the other way round."""
        with pytest.raises(NoteInvalid, match="another kind"):
            verify_cosignature(self.cosigned(), LOG.verifier)
        with pytest.raises(NoteInvalid, match="another kind"):
            verify(self.cosigned(), WITNESS.verifier)

    def test_time_of_the_published_example(self) -> None:
        """The example of the specification was cosigned at the second it names."""
        line = (
            "— witness.example.com/w1 jWbPPwAAAABkGFDLEZMHwSRaJNiIDoe9DYn/zXcrtPHeolMI"
            "5OWXEhZCB9dlrDJsX3b2oyin1nPZqhf5nNo0xUe+mbIUBkBIfZ+qnA=="
        )
        (signature,) = parse(f"x\n\n{line}\n").signatures

        assert cosigned_at(signature.value) == datetime.fromtimestamp(1679315147, UTC)

    def test_time_beyond_all_calendars_is_refused(self) -> None:
        """A time that nobody can read is no time."""
        with pytest.raises(NoteInvalid, match="calendars"):
            cosigned_at(b"\xff" * 72)
