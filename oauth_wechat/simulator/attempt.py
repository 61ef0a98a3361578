"""One log-in attempt as a state machine: a table, and nothing else."""

from datetime import datetime, timedelta
from enum import StrEnum
from typing import Final

QR_LIVES: Final = timedelta(minutes=5)
CODE_LIVES: Final = timedelta(minutes=10)  # website and app


class Status(StrEnum):
    """Where an attempt stands."""

    WAITING = "waiting"
    SCANNED = "scanned"
    CONFIRMED = "confirmed"
    CANCELLED = "cancelled"
    EXPIRED = "expired"
    REDEEMED = "redeemed"
    CODE_EXPIRED = "code_expired"


class Trigger(StrEnum):
    """What can happen to an attempt."""

    SCAN = "scan"
    ALLOW = "allow"
    CANCEL = "cancel"
    DISALLOW = "disallow"
    EXPIRE = "expire"
    REDEEM = "redeem"
    CODE_EXPIRE = "code_expire"


# What the poll of the QR page answers, as WeChat's own page was seen to do.
POLL: Final = {
    Status.WAITING: 408,
    Status.SCANNED: 404,
    Status.CONFIRMED: 405,
    Status.CANCELLED: 403,
    Status.EXPIRED: 402,
    Status.REDEEMED: 402,
    Status.CODE_EXPIRED: 402,
}

_AFTER: Final = {
    (Status.WAITING, Trigger.SCAN): Status.SCANNED,
    (Status.WAITING, Trigger.CANCEL): Status.CANCELLED,
    (Status.WAITING, Trigger.DISALLOW): Status.CANCELLED,
    (Status.WAITING, Trigger.EXPIRE): Status.EXPIRED,
    (Status.SCANNED, Trigger.ALLOW): Status.CONFIRMED,
    (Status.SCANNED, Trigger.CANCEL): Status.CANCELLED,
    (Status.SCANNED, Trigger.DISALLOW): Status.CANCELLED,
    (Status.SCANNED, Trigger.EXPIRE): Status.EXPIRED,
    (Status.CONFIRMED, Trigger.REDEEM): Status.REDEEMED,
    (Status.CONFIRMED, Trigger.CODE_EXPIRE): Status.CODE_EXPIRED,
}


class NotPossible(Exception):
    """The attempt does not take this step from where it stands."""

    def __init__(self, status: Status, trigger: Trigger) -> None:
        super().__init__(status, trigger)
        self.status, self.trigger = status, trigger

    def __str__(self) -> str:
        return f"an attempt that is {self.status} cannot {self.trigger}; refresh"


def after(status: Status, trigger: Trigger) -> Status:
    """Return the status that follows.

    Raises NotPossible for a step outside the table: a double click, a late
    phone, a second allow.
    """
    try:
        return _AFTER[status, trigger]
    except KeyError:
        raise NotPossible(status, trigger) from None


def can(status: Status, trigger: Trigger) -> bool:
    """Say whether the step is in the table."""
    return (status, trigger) in _AFTER


def aged(
    status: Status, *, opened_at: datetime, confirmed_at: datetime | None, now: datetime
) -> Status:
    """Return the status after time has had its say.

    An open attempt ends `QR_LIVES` after it was opened, a code `CODE_LIVES`
    after the yes; at the exact instant it has ended.
    """
    if can(status, Trigger.EXPIRE) and now >= opened_at + QR_LIVES:
        return after(status, Trigger.EXPIRE)
    if (
        status is Status.CONFIRMED
        and confirmed_at is not None
        and now >= confirmed_at + CODE_LIVES
    ):
        return after(status, Trigger.CODE_EXPIRE)
    return status
