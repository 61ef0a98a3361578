"""Form-encoded parameters: each once, readable, or refused."""

from __future__ import annotations

from urllib.parse import urlencode

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.oauth.errors import Refusal
from gateway.oauth.forms import pairs, parse


class TestParse:
    def test_reads_values(self) -> None:
        """Plus and percent mean what they mean in forms; order does not matter."""
        found = parse(b"a=1+2&b=%E4%B8%AD&c=x%3Dy")

        assert found.values == {"a": "1 2", "b": "中", "c": "x=y"}
        assert found.once() is found

    def test_empty_counts_as_not_sent(self) -> None:
        """RFC 6749 §3.1."""
        assert parse(b"a=&b").get("a") is None

    def test_repeated_parameter_has_no_value(self) -> None:
        """Neither the first nor the last wins, whatever else is in the form."""
        found = parse(b"a=1&b=2&a=1")

        assert found.get("a") is None
        assert found.get("b") == "2"
        with pytest.raises(Refusal) as caught:
            found.once()
        assert caught.value.error == "invalid_request"

    def test_repetition_with_an_empty_value_counts(self) -> None:
        """An empty twin is a twin."""
        assert parse(b"a=1&a=").repeated == {"a"}

    @pytest.mark.parametrize(
        "encoded",
        [b"a=\xff", b"a=%ff", b"a=%00", b"%00=a", b"a=%0b", b"a=%7f", b"a=1&" * 201],
    )
    def test_refuses_what_cannot_be_read(self, encoded: bytes) -> None:
        """Invalid UTF-8, control characters, too many: refused, never guessed."""
        with pytest.raises(Refusal):
            parse(encoded)

    def test_json_may_have_line_breaks(self) -> None:
        """authorization_details may be laid out over lines."""
        assert parse(b"a=%5B%0D%0A%09%5D").get("a") == "[\r\n\t]"

    @given(st.binary(max_size=200))
    def test_is_total(self, encoded: bytes) -> None:
        """Any bytes are read or refused; nothing else is raised."""
        try:
            parse(encoded)
        except Refusal:
            return

    @given(st.lists(st.tuples(st.text("abc ä&=+%"), st.text("abc ä&=+%"))))
    def test_reads_back_what_was_encoded(self, sent: list[tuple[str, str]]) -> None:
        """Nothing is lost or joined on the way."""
        assert pairs(urlencode(sent).encode()) == sent
