"""Ids that could be swapped by mistake, each with its own type."""

from typing import NewType

SubjectId = NewType("SubjectId", str)
GrantId = NewType("GrantId", str)
GrantSetId = NewType("GrantSetId", str)
AskId = NewType("AskId", str)
ReceiptId = NewType("ReceiptId", str)
ReleaseId = NewType("ReleaseId", str)
