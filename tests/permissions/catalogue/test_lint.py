"""Each rule of the lint finds what breaks it, and nothing in what ships."""

from __future__ import annotations

from datetime import date, timedelta
from typing import Any, NamedTuple

import pytest

from permissions.catalogue import load
from permissions.catalogue.lint import RULES, lint
from permissions.catalogue.model import Catalogue
from permissions.catalogue.recipient_lint import names_nobody
from tests.permissions.catalogue.changed import GONE, put

SHIPPED = load()
POLICY = ("policy", "text", "en")
FACE = ("pairs", ("data.verification", "face_check"))
VIDEO = ("pairs", ("device.camera", "record_video"))
ALBUM = ("pairs", ("device.album", "publish_upload"))
ORDER = ("pairs", ("data.identity", "order_fulfilment"))
CREDIT = ("pairs", ("data.credit", "credit_check"))
HALF = ("limited", "full")
WECHAT = ("sdks", "wechat_open")


class Broken(NamedTuple):
    """What is put where, and the place at which the rule tells it."""

    path: tuple[object, ...]
    value: Any
    place: str


def without(words: str) -> Any:  # noqa: ANN401
    """Return a change of a text that removes words from it."""

    def change(text: str) -> str:
        assert words in text
        return text.replace(words, "")

    return change


BROKEN = {
    "retention_missing": Broken(
        ("categories", "credit", "retention"),
        timedelta(0),
        "categories.toml: credit.retention",
    ),
    "retention_not_told": Broken(
        POLICY, without("**How long.** "), "policy.toml: sections.retention.opens.en"
    ),
    "officer_missing": Broken(
        ("operator", "officer", "zh-CN"), " ", "operator.toml: officer"
    ),
    "contact_missing": Broken(("operator", "phone"), "", "operator.toml: phone"),
    "complaint_missing": Broken(
        ("operator", "complaint"), {}, "operator.toml: complaint"
    ),
    "minors_rule_missing": Broken(
        ("policy", "guardian_under"), 13, "policy.toml: guardian_under"
    ),
    "automated_decisions_missing": Broken(
        ("policy", "sections", "automated_decisions"),
        GONE,
        "policy.toml: sections.automated_decisions",
    ),
    "portability_missing": Broken(
        POLICY, without("See and copy"), "policy.toml: sections.portability.opens.en"
    ),
    "right_missing": Broken(
        ("policy", "rights", "deletion"), GONE, "policy.toml: rights.deletion"
    ),
    "chinese_missing": Broken(("locales",), ("en",), "policy.toml: locales"),
    "refusal_means_exit": Broken(
        ("functions", "scanning", "still_works", "en"),
        "Without it you cannot use the app.",
        "functions.toml: scanning.still_works",
    ),
    "purpose_without_pair": Broken(
        ("pairs", ("device.camera", "scan_qr")), GONE, "purposes.toml: scan_qr"
    ),
    "biometric_undeclared": Broken(
        ("categories", "verification", "elements", "face", "biometric"),
        value=False,
        place="categories.toml: verification.elements.face",
    ),
    "biometric_without_alternative": Broken(
        (*FACE, "fallback"),
        "other_payment",
        'pairs.toml: "data.verification".face_check.fallback',
    ),
    "biometric_bundled": Broken(
        (*FACE, "elements"),
        ("face", "id_card"),
        'pairs.toml: "data.verification".face_check.elements',
    ),
    "microphone_undeclared": Broken(
        (*VIDEO, "also_uses"), {}, 'pairs.toml: "device.camera".record_video.also_uses'
    ),
    "also_used_not_told": Broken(
        ("policy", "text", "zh-CN"),
        without("麦克风"),
        'pairs.toml: "device.camera".record_video.also_uses.microphone.zh-CN',
    ),
    "not_needed_required": Broken(
        ("pairs", ("data.identity", "sign_in"), "required"),
        ("address",),
        'pairs.toml: "data.identity".sign_in.required',
    ),
    "need_without_pair": Broken(
        ("functions", "browsing", "needs"),
        ("data.identity/phone",),
        "functions.toml: browsing.needs[0]",
    ),
    "assessment_missing": Broken(
        (*CREDIT, "assessment"), "", 'pairs.toml: "data.credit".credit_check.assessment'
    ),
    "basis_not_approved": Broken(
        (*ORDER, "basis_approved_on"),
        None,
        'pairs.toml: "data.identity".order_fulfilment.basis',
    ),
    "full_where_picker_suffices": Broken(
        (*ALBUM, "level"), "full", 'pairs.toml: "device.album".publish_upload.level'
    ),
    "asked_at_start": Broken(
        (*ALBUM, "scenes"),
        ("publish_form", "cold_start"),
        'pairs.toml: "device.album".publish_upload.scenes[1]',
    ),
    "changed_in_future": Broken(
        (*ALBUM, "changed_in"),
        "2023-04-08",
        'pairs.toml: "device.album".publish_upload.changed_in',
    ),
    "sdk_holds_more": Broken(
        (*WECHAT, "holds"),
        ("data.account/wechat_openid", "data.account/sub"),
        "sdks.toml: wechat_open.holds[1]",
    ),
    "recipient_not_named": Broken(
        (*WECHAT, "company", "zh-CN"),
        "我们的合作伙伴及关联公司",
        "sdks.toml: wechat_open.company.zh-CN",
    ),
    "sdk_not_in_policy": Broken(
        POLICY, without("https://open.weixin.qq.com/"), "sdks.toml: wechat_open"
    ),
    "abroad_without_consent": Broken(
        ("categories", "credit", "region"), "SG", "categories.toml: credit.region"
    ),
    "biometric_lasting": Broken(
        (*FACE, "one_time"),
        value=False,
        place='pairs.toml: "data.verification".face_check.one_time',
    ),
    "no_way_without_permission": Broken(
        (*ALBUM, "prefer"), "", 'pairs.toml: "device.album".publish_upload.prefer'
    ),
    "asked_anywhere": Broken(
        (*ALBUM, "scenes"), (), 'pairs.toml: "device.album".publish_upload.scenes'
    ),
    "asks_too_soon": Broken(
        ("clocks", "ask_again_after_refusal", "duration"),
        47,
        "clocks.toml: ask_again_after_refusal",
    ),
}

# Other ways to break a rule, for those that have more than one.
ALSO_BROKEN = [
    ("complaint_missing", ("policy", "sections", "complaints"), GONE),
    ("minors_rule_missing", ("policy", "sections", "minors"), GONE),
    ("contact_missing", ("operator", "email"), " "),
    ("right_missing", ("policy", "rights", "access", "route"), ""),
    ("automated_decisions_missing", POLICY, without("We make no decision")),
    ("refusal_means_exit", ("fallbacks", "exit"), None),
    ("refusal_means_exit", ("fallbacks", "call_us", "text", "zh-CN"), "请退出应用。"),
    (
        "biometric_undeclared",
        ("categories", "verification", "elements", "face", "sensitive"),
        False,
    ),
    (
        "biometric_without_alternative",
        ("fallbacks", "verify_another_way", "without_biometrics"),
        False,
    ),
    ("biometric_without_alternative", (*FACE, "required"), ("face",)),
    ("also_used_not_told", (*VIDEO, "also_uses", "microphone"), {"en": "microphone"}),
    ("also_used_not_told", (*VIDEO, "question", "en"), "Record a video?"),
    (
        "microphone_undeclared",
        ("pairs", ("device.camera", "take_photo"), "question", "zh-CN"),
        "要拍摄照片和视频吗？",
    ),
    ("not_needed_required", ("functions", "ordering", "needs"), ()),
    ("basis_not_approved", (*ORDER, "basis_approved_by"), " "),
    ("basis_not_approved", (*ORDER, "basis_approved_on"), date(2023, 4, 8)),
    ("assessment_missing", (*ALBUM, "separate"), "public"),
    ("abroad_without_consent", (*WECHAT, "region"), "SG"),
    ("recipient_not_named", (*WECHAT, "name", "en"), "Third-party partners"),
    ("full_where_picker_suffices", ("permissions", "camera", "levels"), HALF),
]  # fmt: skip


def found_in(catalogue: Catalogue) -> set[str]:
    """Return the rules that a catalogue breaks."""
    return {finding.rule for finding in lint(catalogue)}


class TestRules:
    def test_what_ships_is_clean(self) -> None:
        """The clean case of every rule: not even a warning."""
        assert lint(SHIPPED) == ()

    def test_each_has_a_broken_case(self) -> None:
        """A rule without a case could find nothing and nobody would know."""
        assert BROKEN.keys() == {rule.id for rule in RULES}
        assert len({rule.id for rule in RULES}) == len(RULES)

    @pytest.mark.parametrize("rule", BROKEN)
    def test_broken(self, rule: str) -> None:
        """The rule names the place, the reason, a fix and the row behind it."""
        path, value, place = BROKEN[rule]
        (declared,) = (item for item in RULES if item.id == rule)

        found = [
            finding
            for finding in lint(put(SHIPPED, path, value))
            if finding.rule == rule
        ]

        assert [finding.place for finding in found] == [place]
        assert found[0].severity == declared.severity
        assert found[0].requirement == declared.requirement
        assert found[0].reason
        assert found[0].fix

    @pytest.mark.parametrize(("rule", "path", "value"), ALSO_BROKEN)
    def test_also_broken(self, rule: str, path: tuple[object, ...], value: Any) -> None:  # noqa: ANN401
        """A rule holds whichever of its sides is broken."""
        if value is None:  # a fallback that is named like the way out
            value = SHIPPED.fallbacks["call_us"]
            value = put(value, ("id",), "exit")

        assert rule in found_in(put(SHIPPED, path, value))

    def test_blockers_come_first(self) -> None:
        """What stops publication is read first."""
        broken = put(SHIPPED, (*FACE, "one_time"), new=False)
        broken = put(broken, ("operator", "phone"), "")

        assert [finding.severity for finding in lint(broken)] == ["blocker", "warning"]

    def test_a_finding_reads_as_one_line(self) -> None:
        """Place, reason, fix and source stand in the line that people see."""
        (finding,) = lint(put(SHIPPED, ("operator", "phone"), ""))

        assert str(finding) == (
            "blocker: operator.toml: phone: people cannot reach the operator; "
            "set phone (contact_missing, R72)"
        )


class TestWaysOut:
    """What may look broken and is not."""

    def test_a_separate_cross_border_consent_allows_abroad(self) -> None:
        """With a consent of its own, data may rest elsewhere (PIPL art. 39)."""
        abroad = put(SHIPPED, ("categories", "credit", "region"), "SG")

        allowed = put(abroad, (*CREDIT, "separate"), "cross_border")

        assert found_in(allowed) == set()

    def test_a_camera_knows_no_half(self) -> None:
        """Full is the least that can be asked where phones know nothing less."""
        assert SHIPPED.pairs["device.camera", "scan_qr"].level == "full"
        assert "full_where_picker_suffices" not in found_in(SHIPPED)

    def test_what_an_account_lacks_is_no_exit(self) -> None:
        """A function may end; only losing the whole app is an exit (R10)."""
        text = {"zh-CN": "不能使用与账号相关的功能。", "en": "You cannot use points."}

        kept = put(SHIPPED, ("functions", "account", "still_works"), text)

        assert "refusal_means_exit" not in found_in(kept)

    @pytest.mark.parametrize(
        "name", ["Partners Bank Ltd.", "腾讯科技", "Third Rock Insurance", "服务宝"]
    )
    def test_a_name_with_one_word_of_its_own_names_somebody(self, name: str) -> None:
        """A company may be called by common words, if not by these alone."""
        assert not names_nobody(name)

    @pytest.mark.parametrize(
        "name",
        ["our partners", "Third-Party Service Providers", "affiliates, etc.", "第三方",
         "相关供应商和服务商", "合作伙伴", ""],
    )  # fmt: skip
    def test_a_kind_of_company_names_nobody(self, name: str) -> None:
        """'Partners' is nobody to agree to (R41)."""
        assert names_nobody(name)
