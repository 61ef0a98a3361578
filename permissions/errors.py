"""What cannot be done, with a stable code, the data behind it and a way out."""

from __future__ import annotations


class PermissionsError(Exception):
    """An act or a query that cannot be done.

    ``code`` is stable snake_case; ``fix`` names the next step, or is empty.
    Every subclass hands its arguments to ``Exception``, so that it pickles.
    """

    code = "permissions_error"
    fix = ""


class CapabilityUnknown(PermissionsError):
    """The capability is not in the catalogue (R02)."""

    code = "capability_unknown"
    fix = "declare_capability"

    def __init__(self, capability: str) -> None:
        super().__init__(capability)
        self.capability = capability

    def __str__(self) -> str:
        return "capability is not in the catalogue; use one that the policy declares"


class PurposeUnknown(PermissionsError):
    """The purpose is not in the catalogue: purposes are a closed list (R02)."""

    code = "purpose_unknown"
    fix = "declare_purpose"

    def __init__(self, purpose: str) -> None:
        super().__init__(purpose)
        self.purpose = purpose

    def __str__(self) -> str:
        return "purpose is not in the catalogue; use one that the policy declares"


class PairNotDeclared(PermissionsError):
    """A capability may not be used for this purpose by this client (R20-R22)."""

    code = "pair_not_declared"
    fix = "declare_pair"

    def __init__(self, capability: str, purpose: str) -> None:
        super().__init__(capability, purpose)
        self.capability, self.purpose = capability, purpose

    def __str__(self) -> str:
        return (
            f"{self.capability} is not declared for the purpose {self.purpose}; "
            "the policy and the client's contract both have to name the pair"
        )


class ElementNotDeclared(PermissionsError):
    """An element is not part of the pair (R11, R42)."""

    code = "element_not_declared"
    fix = "ask_for_declared_elements"

    def __init__(self, capability: str, count: int) -> None:
        super().__init__(capability, count)
        self.capability, self.count = capability, count

    def __str__(self) -> str:
        return (
            f"{self.count} element(s) are not declared for {self.capability} and this "
            "purpose; ask only for elements that the pair lists"
        )


class SubjectUnknown(PermissionsError):
    """No such subject, or not this client's to know."""

    code = "not_found"

    def __str__(self) -> str:
        return "there is no such subject"


class ClientUnknown(PermissionsError):
    """No such client."""

    code = "not_found"

    def __str__(self) -> str:
        return "there is no such client here"


class ClientNotContracted(PermissionsError):
    """The client is suspended or its contract is not in force (R43)."""

    code = "client_suspended"
    fix = "contact_operator"

    def __str__(self) -> str:
        return "the client is suspended or has no contract in force"


class FunctionUnknown(PermissionsError):
    """The catalogue has no such business function."""

    code = "function_unknown"
    fix = "declare_function"

    def __str__(self) -> str:
        return "there is no such function in the catalogue"


class RegistrationIncomplete(PermissionsError):
    """A client's registration lacks something that binds it (R43, R76)."""

    code = "registration_incomplete"
    fix = "complete_registration"

    def __init__(self, field: str, expected: str = "a text that is not empty") -> None:
        super().__init__(field, expected)
        self.field, self.expected = field, expected

    def __str__(self) -> str:
        return f"the registration's {self.field} does not do: expected {self.expected}"


class GrantUnknown(PermissionsError):
    """No such grant of this subject; a foreign one looks the same."""

    code = "not_found"

    def __str__(self) -> str:
        return "there is no such grant"


class NoticeMissing(PermissionsError):
    """The subject has not seen the first-use notice (R01)."""

    code = "notice_missing"
    fix = "show_notice"

    def __str__(self) -> str:
        return "show the first-use notice first and report it with POST /v1/notice"


class TextNotPublished(PermissionsError):
    """The act names a text that was never published, so it proves nothing.

    Source: PIPL art. 14 (informed consent); design, promise 3.
    """

    code = "text_not_published"
    fix = "show_text_again"

    def __init__(self, policy_version: str, locale: str) -> None:
        super().__init__(policy_version, locale)
        self.policy_version, self.locale = policy_version, locale

    def __str__(self) -> str:
        return (
            f"policy {self.policy_version} has no such {self.locale} text; "
            "load the text, show it, and send the act with its hash"
        )


class EvidencePreticked(PermissionsError):
    """The control was already set when it was shown (R15, GB/T 42574)."""

    code = "evidence_preticked"
    fix = "show_unticked_control"

    def __str__(self) -> str:
        return "the control was set before the person touched it; show it unticked"


class EvidenceIncomplete(PermissionsError):
    """A field of the evidence is missing or impossible (R15)."""

    code = "evidence_incomplete"
    fix = "send_whole_evidence"

    def __init__(self, field: str) -> None:
        super().__init__(field)
        self.field = field

    def __str__(self) -> str:
        return f"evidence.{self.field} is missing or impossible"


class NotSeparate(PermissionsError):
    """A separate consent needs the gateway's own page (PIPL 23, 29)."""

    code = "not_separate"
    fix = "use_consent_page"

    def __str__(self) -> str:
        return "this consent is separate: it is given on the gateway's own page"


class LimitsImpossible(PermissionsError):
    """The end of the grant lies in the past or beyond what the pair allows."""

    code = "limits_impossible"
    fix = "choose_allowed_end"

    def __init__(self, field: str) -> None:
        super().__init__(field)
        self.field = field

    def __str__(self) -> str:
        return f"{self.field} lies in the past or beyond what is declared"


class IdTaken(PermissionsError):
    """The act would create something under an id that is in use already."""

    code = "id_taken"
    fix = "use_fresh_id"

    def __init__(self, field: str) -> None:
        super().__init__(field)
        self.field = field

    def __str__(self) -> str:
        return f"{self.field} names something that exists; send a fresh id"


class AskUnknown(PermissionsError):
    """No such ask of this client and subject."""

    code = "not_found"

    def __str__(self) -> str:
        return "there is no such ask"


class AskAnswered(PermissionsError):
    """The ask has its answer already; an answer is given once."""

    code = "ask_answered"
    fix = "open_new_ask"

    def __str__(self) -> str:
        return "this ask has been answered; open a new one to ask again"


class AskExpired(PermissionsError):
    """The ask was left open too long to prove what was shown."""

    code = "ask_expired"
    fix = "open_new_ask"

    def __str__(self) -> str:
        return "this ask has run out; open a new one"


class StoreUnavailable(PermissionsError):
    """The store did not take the transaction; nothing of it is acknowledged."""

    code = "decision_unavailable"
    fix = "retry"

    def __str__(self) -> str:
        return "the store cannot be written now; repeat the call with the same key"


class StoreUnusable(PermissionsError):
    """The data folder cannot be used: missing rights, in use, or another schema."""

    code = "store_unusable"
    fix = "choose_data_folder"

    def __init__(self, path: str, reason: str) -> None:
        super().__init__(path, reason)
        self.path, self.reason = path, reason

    def __str__(self) -> str:
        return f"{self.path}: {self.reason}"
