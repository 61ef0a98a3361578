"""The catalogue as values: what may be asked, of whom, why, and in which words.

Everything here is frozen and comes from TOML through `permissions.catalogue.load`;
no other module builds a catalogue. A text shown to people is a mapping from locale
(``zh-CN``, ``en``) to a string.
"""

from __future__ import annotations

from datetime import date, timedelta
from functools import cached_property
from typing import Literal

import msgspec

Locale = str
Text = dict[Locale, str]
Basis = Literal["consent", "contract", "legal_duty", "emergency"]
Separate = Literal[
    "none", "sensitive", "share", "transfer", "public", "cross_border", "minor"
]
Shape = Literal["object", "records"]
Level = Literal["none", "write_only", "limited", "full"]
ElementType = Literal[
    "string", "text", "integer", "decimal", "boolean", "date", "datetime", "phone",
    "email",
]  # fmt: skip


class _Value(
    msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True, dict=True
):
    """A frozen value that refuses keys it does not know."""


class Operator(_Value, frozen=True, kw_only=True):
    """The personal information handler that runs the gateway (PIPL art. 17)."""

    id: str
    name: Text
    legal_name: Text
    registry_number: str
    address: Text
    email: str
    phone: str
    officer: Text  # the person answerable for personal information
    region: str  # ISO 3166-1 alpha-2 of where data rests (R06)
    complaint: Text = {}  # where to turn beyond the operator (R73)


class Section(_Value, frozen=True, kw_only=True):
    """A part of the policy that the law asks for, found by the words it opens with."""

    id: str
    opens: Text


class Right(_Value, frozen=True, kw_only=True):
    """A right of the person, where it is used, and by when it is answered (R68)."""

    id: str
    title: Text
    route: str  # the page on which it is used
    clock: str = ""  # rule id of the deadline; empty: at once


class Assessment(_Value, frozen=True, kw_only=True):
    """The result of one impact assessment (PIPL art. 55, 56)."""

    id: str
    title: Text
    result: Literal["low", "medium", "high"]
    assessed_on: date


class Policy(_Value, frozen=True, kw_only=True):
    """One published version of the privacy policy, and its first-use notice."""

    version: str  # "2023-04-07"
    effective_on: date
    authoritative: Locale
    text: Text  # Markdown, whole policy
    notice: Text  # the first-use notice, plain text, shown before anything else
    guardian_under: int = 0  # years of age below which a guardian consents (G7)
    sections: dict[str, Section] = {}
    rights: dict[str, Right] = {}
    assessments: dict[str, Assessment] = {}


class Function(_Value, frozen=True, kw_only=True):
    """A business function of the app; refusing a capability degrades only this."""

    id: str
    kind: Literal["basic", "extended"]
    title: Text
    still_works: Text  # what a person keeps when they refuse what it asks
    needs: tuple[str, ...] = ()  # elements it cannot do without: "data.identity/phone"


class Purpose(_Value, frozen=True, kw_only=True):
    """Why something is used; belongs to exactly one function (R02)."""

    id: str
    function: str
    title: Text
    text: Text  # one plain sentence: "to bring your order to your door"


class Element(_Value, frozen=True, kw_only=True):
    """One field of a category."""

    id: str
    title: Text
    type: ElementType
    sensitive: bool = False
    biometric: bool = False  # of a face, a finger, a voice: never the only way (R16)


class Category(_Value, frozen=True, kw_only=True):
    """A kind of personal data: one object per subject, or a list of records."""

    id: str
    title: Text
    shape: Shape
    retention: timedelta
    elements: dict[str, Element]
    region: str = ""  # where it rests; empty: the operator's region (R06)

    @property
    def capability(self) -> str:
        """Return the capability id, such as ``data.identity``."""
        return f"data.{self.id}"


class Permission(_Value, frozen=True, kw_only=True):
    """A permission of the phone that the app may want."""

    id: str
    title: Text
    levels: tuple[Level, ...] = ("write_only", "limited", "full")  # that phones know

    @property
    def capability(self) -> str:
        """Return the capability id, such as ``device.camera``."""
        return f"device.{self.id}"


class Fallback(_Value, frozen=True, kw_only=True):
    """What still works when a capability is refused; a closed list."""

    id: str
    text: Text
    without_biometrics: bool = False  # a way past a face or fingerprint check (R16)


class Pair(_Value, frozen=True, kw_only=True):
    """One declared (capability, purpose): everything else is denied (R20-R22)."""

    capability: str
    purpose: str
    question: Text  # the sentence a person answers, in full
    fallback: str  # id of a Fallback
    elements: tuple[str, ...] = ()  # data.*: what may be asked for this purpose
    basis: dict[str, Basis] = {}  # element ("*" = all others) to lawful basis
    separate: Separate = "none"
    one_time: bool = False
    max_life: timedelta | None = None  # None: until withdrawn
    # device.*
    prefer: str = ""  # the way that needs no permission, such as "system_picker"
    level: Level = "none"  # what the phone must allow where `prefer` is not used
    needs_os_report: bool = False
    scenes: tuple[str, ...] = ()  # places in the app that may ask; empty: any
    changed_in: str = ""  # policy version of its last material change (R71)
    # What makes it lawful to publish; the decision does not read these.
    required: tuple[str, ...] = ()  # elements without which the function cannot work
    also_uses: dict[
        str, Text
    ] = {}  # used beside it, as the policy names it: microphone
    assessment: str = ""  # id of an Assessment (PIPL art. 55)
    basis_approved_by: str = ""  # the officer who approved another basis (G12)
    basis_approved_on: date | None = None

    def basis_of(self, element: str) -> Basis:
        """Return the lawful basis of one element; consent unless declared (G12)."""
        return self.basis.get(element, self.basis.get("*", "consent"))


class Sdk(_Value, frozen=True, kw_only=True):
    """A third-party SDK in the app, and what it may hold (R76, G3)."""

    id: str
    name: Text
    company: Text
    purpose: str
    function: str
    holds: tuple[str, ...]  # "data.account/wechat_openid"
    link: str
    region: str = ""  # where it takes them; empty: the operator's region (R06)


class Clock(_Value, frozen=True, kw_only=True):
    """A legal or promised deadline, as data with its source (requirements 2.3)."""

    rule_id: str
    jurisdiction: str
    trigger: str
    duration: int
    unit: Literal["seconds", "hours", "days", "working_days", "years"]
    calendar: str  # "none", or whose working days: "cn"
    citation: str
    verified_on: date | None = None


class Catalogue(_Value, frozen=True, kw_only=True):
    """Everything that policy says, as one immutable value."""

    operator: Operator
    policy: Policy
    locales: tuple[Locale, ...]  # the first is the default
    functions: dict[str, Function]
    purposes: dict[str, Purpose]
    categories: dict[str, Category]  # by bare id: "identity"
    permissions: dict[str, Permission]  # by bare id: "camera"
    fallbacks: dict[str, Fallback]
    pairs: dict[tuple[str, str], Pair]  # by (capability, purpose)
    sdks: dict[str, Sdk]
    clocks: dict[str, Clock]
    sha256: str  # over the source files, so that a running version can be named

    @cached_property
    def capabilities(self) -> dict[str, Category | Permission]:
        """Every capability by its id, ``data.*`` and ``device.*`` together."""
        found: dict[str, Category | Permission] = {}
        found.update({item.capability: item for item in self.categories.values()})
        found.update({item.capability: item for item in self.permissions.values()})
        return found

    def is_sensitive(self, pair: Pair) -> bool:
        """Say whether a pair touches a sensitive element (PIPL art. 28)."""
        item = self.capabilities[pair.capability]
        if isinstance(item, Permission):
            return pair.separate == "sensitive"
        return any(item.elements[name].sensitive for name in pair.elements)
