"""Rich authorization requests: what is read, and what a contract makes of it."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.oauth.rfc9396 import (
    Declared,
    Detail,
    DetailsError,
    Elements,
    narrow,
    parse,
)

NOW = datetime(2026, 11, 22, 8, 0, tzinfo=UTC)
LOCATION = "https://gateway.example/v1/data/transaction"


def make_detail(**changes: Any) -> dict[str, Any]:  # noqa: ANN401
    """Make a valid entry as JSON would have it."""
    return {
        "type": "consented_data",
        "capability": "data.transaction",
        "purpose": "delivery",
        **changes,
    }


def make_declared(**changes: Any) -> Declared:  # noqa: ANN401
    """Make a contract's pair."""
    valid: dict[str, Any] = {
        "required": ("order_no",),
        "optional": ("status", "amount"),
        "retention_days": 30,
        "location": LOCATION,
        "regions": ("CN",),
    }
    return Declared(**{**valid, **changes})


def parsed(**changes: Any) -> Detail:  # noqa: ANN401
    """Return one valid entry, parsed."""
    return parse(json.dumps([make_detail(**changes)]))[0]


class TestParse:
    def test_reads_every_member(self) -> None:
        """All members of the type arrive, times in their zone."""
        detail = parsed(
            elements={"required": ["order_no"], "optional": ["amount"]},
            retention="P30D",
            locations=[LOCATION],
            storage_regions=["CN"],
            records=["o-1"],
            one_time=True,
            expires_at="2027-01-01T00:00:00Z",
        )

        assert detail.elements == Elements(required=("order_no",), optional=("amount",))
        assert detail.one_time
        assert detail.expires_at == datetime(2027, 1, 1, tzinfo=UTC)

    @pytest.mark.parametrize(
        "text",
        [
            "",
            "{}",
            "[]",
            "null",
            "[1]",
            "[" * 100_000,
            '{"a":' * 100_000,
            "[" * 33 + "]" * 33,
            "[NaN]",
            "[-Infinity]",
            '["\\ud800"]',
            "[" + "9" * 5000 + "]",
            json.dumps([make_detail(type="payment")]),
            json.dumps([make_detail(extra=1)]),
            json.dumps([make_detail(one_time="yes")]),
            json.dumps([make_detail(elements={"required": ["a"], "other": []})]),
            json.dumps([make_detail(expires_at="2027-01-01T00:00:00")]),
            json.dumps([make_detail(expires_at="tomorrow")]),
            json.dumps([make_detail(records=["x"] * 101)]),
            json.dumps([make_detail(capability="")]),
            json.dumps([make_detail(capability="\ud800")]),
            json.dumps([make_detail(), make_detail()]),
            json.dumps([make_detail(purpose=f"p{n}") for n in range(21)]),
            '[{"type":"consented_data","type":"consented_data"}]',
        ],
    )
    def test_refuses_what_is_no_request(self, text: str) -> None:
        """Bad JSON, unknown types and members, too many: one error of its own."""
        with pytest.raises(DetailsError):
            parse(text)

    def test_brackets_within_strings_are_no_depth(self) -> None:
        """Depth counts structure, not text."""
        with pytest.raises(DetailsError, match="nothing else"):
            parse(json.dumps([make_detail(extra="[" * 200)]))

    @given(st.text())
    def test_is_total_over_text(self, text: str) -> None:
        """Whatever the text, it is read or refused; nothing else is raised."""
        try:
            parse(text)
        except DetailsError:
            return

    @given(
        st.recursive(
            st.none() | st.booleans() | st.floats() | st.text() | st.integers(),
            lambda inner: (
                st.lists(inner)
                | st.dictionaries(
                    st.sampled_from([*Detail.__struct_fields__, "x"]) | st.text(),
                    inner,
                )
            ),
        )
    )
    def test_is_total_over_json(self, value: object) -> None:
        """Whatever the JSON, also behind a valid start, nothing else is raised."""
        try:
            parse(json.dumps([value]))
            parse(json.dumps([make_detail(**value)]) if isinstance(value, dict) else "")
        except DetailsError:
            return

    def test_never_quotes_the_request(self) -> None:
        """The error's text is fixed, so that no input reaches a log or page."""
        with pytest.raises(DetailsError) as caught:
            parse(json.dumps([make_detail(canary_4711="canary_4711")]))

        assert "canary" not in str(caught.value)


class TestNarrow:
    def test_absent_means_as_declared(self) -> None:
        """Without wishes an entry is the contract's pair."""
        item = narrow(parsed(), make_declared(), NOW)

        assert item.required == ("order_no",)
        assert item.optional == ("status", "amount")
        assert item.retention_days == 30
        assert item.regions == ("CN",)
        assert item.location == LOCATION
        assert item.expires_at is None

    def test_required_elements_may_be_made_optional(self) -> None:
        """A request may ask more mildly than its contract allows."""
        wanted = parsed(elements={"optional": ["order_no"]})

        item = narrow(wanted, make_declared(), NOW)

        assert (item.required, item.optional) == ((), ("order_no",))

    @pytest.mark.parametrize(
        "changes",
        [
            {"elements": {}},
            {"elements": {"required": ["amount"]}},
            {"elements": {"optional": ["payment_account"]}},
            {"elements": {"required": ["order_no"], "optional": ["order_no"]}},
            {"retention": "P31D"},
            {"retention": "P0D"},
            {"retention": "P1M"},
            {"retention": "P³D"},
            {"locations": ["https://elsewhere.example/"]},
            {"storage_regions": ["CN", "US"]},
            {"records": ["a", "a"]},
            {"records": ["a\nb"]},
            {"expires_at": "2026-11-22T08:00:00Z"},
            {"expires_at": "0001-01-01T00:00:00+14:00"},
        ],
    )
    def test_refuses_more_than_is_declared(self, changes: dict[str, Any]) -> None:
        """Elements, retention, place and time stay within the contract."""
        with pytest.raises(DetailsError):
            narrow(parsed(**changes), make_declared(), NOW)

    def test_end_is_brought_forward_to_the_latest(self) -> None:
        """A late end is capped at what contract and catalogue allow."""
        latest = NOW + timedelta(days=30)

        item = narrow(
            parsed(expires_at="2030-01-01T00:00:00+08:00"),
            make_declared(latest_end=latest),
            NOW,
        )

        assert item.expires_at == latest

    def test_declared_limits_hold_without_a_wish(self) -> None:
        """A pair that counts once, or ends by itself, does so unasked."""
        end = NOW + timedelta(days=30)

        item = narrow(parsed(), make_declared(one_time=True, default_end=end), NOW)

        assert item.one_time
        assert item.expires_at == end
