"""The shipped catalogue keeps what the requirements promise."""

from collections.abc import Iterator
from datetime import date, timedelta
from itertools import product

import msgspec
import pytest

from permissions.catalogue import Catalogue, Category, load

CATALOGUE = load()

DEVICE_PAIRS = {
    ("device.storage", "save_media"): ("save_button", "write_only"),
    ("device.album", "publish_upload"): ("system_picker", "limited"),
    ("device.camera", "take_photo"): ("system_camera", "full"),
    ("device.camera", "record_video"): ("system_camera", "full"),
    ("device.camera", "scan_qr"): ("scan_picker", "full"),
}


def texts(value: object, at: str = "catalogue") -> Iterator[tuple[str, dict[str, str]]]:
    """Yield every text in a value, with the path to it."""
    if isinstance(value, msgspec.Struct):
        for name in value.__struct_fields__:
            yield from texts(getattr(value, name), f"{at}.{name}")
    elif isinstance(value, dict) and set(value) & {"zh-CN", "en"}:
        yield at, value
    elif isinstance(value, dict):
        for key, item in value.items():
            yield from texts(item, f"{at}[{key}]")


def is_chinese(text: str) -> bool:
    """Say whether a text holds a Chinese character."""
    return any("\u4e00" <= letter <= "\u9fff" for letter in text)


class TestTexts:
    def test_every_text_is_there_in_both_languages(self) -> None:
        """Whoever reads Chinese or English reads everything (G11)."""
        found = dict(texts(CATALOGUE))

        assert len(found) > 150
        assert all(set(text) == {"zh-CN", "en"} for text in found.values())
        assert all(part.strip() for text in found.values() for part in text.values())

    def test_each_is_in_its_language(self) -> None:
        """No text was left untranslated; the operator's name may stay Latin."""
        for at, text in texts(CATALOGUE):
            if at != "catalogue.operator.name":
                assert is_chinese(text["zh-CN"]), at
                assert not is_chinese(text["en"]), at

    def test_questions_ask(self) -> None:
        """What a person answers is a question, and says more than yes or no."""
        for pair in CATALOGUE.pairs.values():
            assert "?" in pair.question["en"]
            assert "吗？" in pair.question["zh-CN"]

    def test_the_operator_is_named_in_its_own_file_and_the_policy_alone(self) -> None:
        """Another operator changes one file and its policy, nothing else."""
        for at, text in texts(CATALOGUE):
            if not at.startswith(("catalogue.operator", "catalogue.policy")):
                assert "AseanBiz" not in text["en"] + text["zh-CN"], at


class TestDevicePairs:
    def test_exactly_the_declared_ones_exist(self) -> None:
        """Three permissions times every purpose: five pairs, no others (R20-R22)."""
        permissions = [item.capability for item in CATALOGUE.permissions.values()]

        present = {
            pair
            for pair in product(permissions, CATALOGUE.purposes)
            if pair in CATALOGUE.pairs
        }

        assert len(permissions) == 3
        assert present == set(DEVICE_PAIRS)

    @pytest.mark.parametrize("key", DEVICE_PAIRS)
    def test_each_has_a_way_without_permission(self, key: tuple[str, str]) -> None:
        """A picker, a save button or the system camera comes first (§3.4)."""
        pair = CATALOGUE.pairs[key]

        assert (pair.prefer, pair.level) == DEVICE_PAIRS[key]
        assert not pair.needs_os_report
        assert pair.scenes

    def test_recording_says_that_it_hears(self) -> None:
        """A video takes sound; the question and the policy both say so."""
        question = CATALOGUE.pairs["device.camera", "record_video"].question
        policy = CATALOGUE.policy.text

        assert "ound is recorded" in question["en"]
        assert "声音" in question["zh-CN"]
        assert "microphone" in policy["en"]
        assert "麦克风" in policy["zh-CN"]


class TestData:
    def test_the_seven_kinds_of_an_sdk_exist(self) -> None:
        """The closed list of requirement R35, with records where there are many."""
        shapes = {item.id: item.shape for item in CATALOGUE.categories.values()}

        assert {
            "identity": "object",
            "account": "object",
            "credit": "object",
            "transaction": "records",
            "trajectory": "records",
            "device_info": "object",
            "device_log": "records",
        }.items() <= shapes.items()

    def test_sensitive_elements(self) -> None:
        """Biometrics, documents, finance and whereabouts; no name, no address."""
        sensitive = {
            f"{category.id}/{element.id}"
            for category in CATALOGUE.categories.values()
            for element in category.elements.values()
            if element.sensitive
        }

        assert sensitive == {
            "credit/score",
            "credit/credit_limit",
            "credit/overdue_payments",
            "credit/assessed_at",
            "transaction/payment_account",
            "trajectory/trip_no",
            "trajectory/start_place",
            "trajectory/end_place",
            "trajectory/started_at",
            "trajectory/ended_at",
            "verification/id_card",
            "verification/face",
            "verification/fingerprint",
        }

    def test_sensitive_data_is_asked_apart(self) -> None:
        """A sensitive pair is a separate consent, and no other pair is (PIPL 29)."""
        for pair in CATALOGUE.pairs.values():
            expected = "sensitive" if CATALOGUE.is_sensitive(pair) else "none"
            assert pair.separate == expected

    def test_each_check_of_a_person_is_a_consent_of_its_own(self) -> None:
        """A document, a face, a finger: each apart, each for once (R13)."""
        checks = [
            pair
            for pair in CATALOGUE.pairs.values()
            if pair.capability == "data.verification"
        ]

        assert sorted(pair.elements for pair in checks) == [
            ("face",),
            ("fingerprint",),
            ("id_card",),
        ]
        assert all(pair.one_time for pair in checks)

    def test_basis_without_consent(self) -> None:
        """Only what an order or an account plainly needs goes without a yes (G12)."""
        without = {
            key
            for key, pair in CATALOGUE.pairs.items()
            if any(pair.basis_of(element) != "consent" for element in pair.elements)
        }

        assert without == {
            ("data.account", "account_registration"),
            ("data.identity", "account_registration"),
            ("data.identity", "order_fulfilment"),
            ("data.transaction", "order_fulfilment"),
            ("data.transaction", "payment"),
        }

    def test_every_element_has_a_use(self) -> None:
        """What no purpose needs is not in the catalogue (PIPL art. 6)."""
        used = {
            (pair.capability, element)
            for pair in CATALOGUE.pairs.values()
            for element in pair.elements
        }

        declared = {
            (category.capability, element)
            for category in CATALOGUE.categories.values()
            for element in category.elements
        }

        assert used == declared

    def test_every_purpose_has_a_pair(self) -> None:
        """A purpose for which nothing may be used would be an empty promise."""
        assert {purpose for _, purpose in CATALOGUE.pairs} == set(CATALOGUE.purposes)

    def test_wechat_holds_its_id_alone(self) -> None:
        """The only registered SDK has one element; six kinds stay off (G3)."""
        held = {sdk.id: sdk.holds for sdk in CATALOGUE.sdks.values()}

        assert held == {"wechat_open": ("data.account/wechat_openid",)}


class TestPolicy:
    def test_version(self) -> None:
        """The version in force, with the Chinese text deciding."""
        policy = CATALOGUE.policy

        assert policy.version == "2023-04-07"
        assert policy.effective_on == date(2023, 4, 7)
        assert policy.authoritative == "zh-CN" == CATALOGUE.locales[0]

    @pytest.mark.parametrize("locale", ["zh-CN", "en"])
    def test_it_names_what_the_catalogue_declares(self, locale: str) -> None:
        """Functions, permissions, SDKs and the operator stand in the policy."""
        catalogue, text = CATALOGUE, CATALOGUE.policy.text[locale]
        functions = {item.title[locale] for item in catalogue.functions.values()}
        permissions = {item.title[locale] for item in catalogue.permissions.values()}
        sdks = {part for sdk in catalogue.sdks.values() for part in _named(sdk, locale)}
        operator = catalogue.operator
        contact = {operator.address[locale], operator.registry_number}

        missing = {
            name
            for name in functions | permissions | sdks | contact
            if name not in text
        }

        assert not missing

    @pytest.mark.parametrize(
        ("locale", "written"), [("zh-CN", "{} 天"), ("en", "{:,} days")]
    )
    def test_it_names_every_retention(self, locale: str, written: str) -> None:
        """People read how long data stays, as the catalogue counts it (G10)."""
        for category in CATALOGUE.categories.values():
            said = written.format(category.retention.days)
            assert _row(CATALOGUE, category, locale).endswith(f"| {said} |")

    @pytest.mark.parametrize("locale", ["zh-CN", "en"])
    def test_it_names_every_life_of_a_consent(self, locale: str) -> None:
        """A yes that ends by itself is announced, in the question too."""
        unit = {"zh-CN": "天", "en": "days"}[locale]
        for pair in CATALOGUE.pairs.values():
            if pair.max_life is not None:
                said = f"{pair.max_life.days} {unit}"
                assert said in pair.question[locale]
                assert said in CATALOGUE.policy.text[locale]

    @pytest.mark.parametrize(
        ("clock", "chinese", "english"),
        [
            ("contact_reply", "{} 个工作日内回复", "reply within {} working days"),
            ("rights_request", "{} 天内办结", "complete a request within {} days"),
            ("account_cancellation", "{} 个工作日内删除", "within {} working days"),
            ("ask_again_after_refusal", "{} 小时", "at least {} hours"),
        ],
    )
    def test_it_promises_what_the_clocks_count(
        self, clock: str, chinese: str, english: str
    ) -> None:
        """A deadline in the policy is the deadline in the data (§2.3)."""
        duration = CATALOGUE.clocks[clock].duration
        text = CATALOGUE.policy.text

        assert chinese.format(duration) in text["zh-CN"]
        assert english.format(duration) in text["en"]

    def test_notice_is_short(self) -> None:
        """The first thing a person reads fits on one screen."""
        assert len(CATALOGUE.policy.notice["en"].split()) <= 140
        assert len(CATALOGUE.policy.notice["zh-CN"]) <= 300


class TestClocks:
    def test_asking_again(self) -> None:
        """A refusal keeps a scene quiet for two days (R26)."""
        clock = CATALOGUE.clocks["ask_again_after_refusal"]

        assert (clock.duration, clock.unit) == (48, "hours")

    def test_withdrawal(self) -> None:
        """A withdrawal counts at once (PIPL art. 15)."""
        assert CATALOGUE.clocks["withdrawal_effect"].duration == 0

    def test_each_names_its_source(self) -> None:
        """A number in the data can be checked by counsel."""
        assert all(clock.citation for clock in CATALOGUE.clocks.values())


def test_capabilities_are_found_by_id() -> None:
    """Categories and permissions share one table, and know their own ids."""
    assert isinstance(CATALOGUE.capabilities["data.identity"], Category)
    assert set(CATALOGUE.capabilities) >= {"device.camera", "data.verification"}
    assert CATALOGUE.categories["credit"].retention == timedelta(days=90)


def _named(sdk: msgspec.Struct, locale: str) -> Iterator[str]:
    for _, text in texts(sdk):
        yield text[locale]


def _row(catalogue: Catalogue, category: Category, locale: str) -> str:
    """Return the line of the policy's table of retention that names a category."""
    title = category.title[locale]
    rows = [
        line
        for line in catalogue.policy.text[locale].splitlines()
        if line.startswith("|")
        and title.casefold() in line.casefold()
        and ("days |" in line or "天 |" in line)
    ]
    assert len(rows) == 1, f"{title} stands in {len(rows)} rows"
    return rows[0]
