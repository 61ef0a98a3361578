"""The state machine of an attempt, cell by cell."""

from datetime import UTC, datetime, timedelta

import pytest

from oauth_wechat.simulator.attempt import (
    CODE_LIVES,
    POLL,
    QR_LIVES,
    NotPossible,
    Status,
    Trigger,
    after,
    aged,
    can,
)

OPENED = datetime(2026, 11, 1, 9, tzinfo=UTC)
INSTANT = timedelta(microseconds=1)

TABLE = {
    ("waiting", "scan"): "scanned",
    ("waiting", "cancel"): "cancelled",
    ("waiting", "disallow"): "cancelled",
    ("waiting", "expire"): "expired",
    ("scanned", "allow"): "confirmed",
    ("scanned", "cancel"): "cancelled",
    ("scanned", "disallow"): "cancelled",
    ("scanned", "expire"): "expired",
    ("confirmed", "redeem"): "redeemed",
    ("confirmed", "code_expire"): "code_expired",
}


def ages(status: Status, passed: timedelta) -> Status:
    """Let time pass since the opening, and since a yes at the same instant."""
    return aged(status, opened_at=OPENED, confirmed_at=OPENED, now=OPENED + passed)


class TestAfter:
    @pytest.mark.parametrize("status", Status)
    @pytest.mark.parametrize("trigger", Trigger)
    def test_cell(self, status: Status, trigger: Trigger) -> None:
        """Each status and trigger: the step of the table, or none."""
        wanted = TABLE.get((status.value, trigger.value))

        if wanted is None:
            assert not can(status, trigger)
            with pytest.raises(NotPossible, match=f"{status} cannot {trigger}"):
                after(status, trigger)
        else:
            assert can(status, trigger)
            assert after(status, trigger) == wanted

    def test_allow_needs_a_scan(self) -> None:
        """Nobody allows what no phone has seen."""
        with pytest.raises(NotPossible):
            after(Status.WAITING, Trigger.ALLOW)


class TestAged:
    @pytest.mark.parametrize("status", [Status.WAITING, Status.SCANNED])
    def test_open_attempt_ends_with_its_qr_code(self, status: Status) -> None:
        """Open until the last microsecond, over at the instant itself."""
        assert ages(status, QR_LIVES - INSTANT) is status
        assert ages(status, QR_LIVES) is Status.EXPIRED

    def test_code_ends_ten_minutes_after_the_yes(self) -> None:
        """The QR code's own end no longer matters then."""
        assert ages(Status.CONFIRMED, QR_LIVES) is Status.CONFIRMED
        assert ages(Status.CONFIRMED, CODE_LIVES - INSTANT) is Status.CONFIRMED
        assert ages(Status.CONFIRMED, CODE_LIVES) is Status.CODE_EXPIRED

    @pytest.mark.parametrize(
        "status",
        [Status.CANCELLED, Status.EXPIRED, Status.REDEEMED, Status.CODE_EXPIRED],
    )
    def test_what_is_over_stays_as_it_ended(self, status: Status) -> None:
        """Time changes nothing about an end."""
        assert ages(status, timedelta(days=400)) is status


def test_poll_tells_every_status() -> None:
    """The numbers are those that WeChat's own page understands."""
    assert {status.value: number for status, number in POLL.items()} == {
        "waiting": 408,
        "scanned": 404,
        "confirmed": 405,
        "cancelled": 403,
        "expired": 402,
        "redeemed": 402,
        "code_expired": 402,
    }
