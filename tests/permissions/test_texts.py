"""What is shown and what is hashed are the same words."""

from __future__ import annotations

import hashlib
from datetime import timedelta
from typing import Any

import pytest
from msgspec.structs import replace

from permissions.catalogue.model import Catalogue
from permissions.texts import ItemText, item_text, sentence_sha256
from tests.permissions.actors import CAMERA, DELIVERY, PARTNER, START


def shown(catalogue: Catalogue, **changes: Any) -> ItemText:  # noqa: ANN401
    """Compose the partner's item for delivery; change only what matters."""
    valid: dict[str, Any] = {
        "client": PARTNER,
        "pair": catalogue.pairs[DELIVERY],
        "locale": "en",
        "required": ("name",),
        "optional": ("phone",),
        "retention_days": 30,
    }
    return item_text(catalogue, **{**valid, **changes})


class TestItem:
    def test_says_all_that_the_law_asks(self, catalogue: Catalogue) -> None:
        """Recipient, contact, purpose, method and categories (PIPL art. 23)."""
        item = shown(catalogue)

        assert (
            item.recipient,
            item.legal_name,
            item.registry_number,
            item.contact,
        ) == (
            "Sample Courier",
            PARTNER.legal_name,
            PARTNER.registry_number,
            PARTNER.contact,
        )
        assert item.purpose_title == catalogue.purposes["delivery"].title["en"]
        assert item.region == catalogue.operator.region
        assert item.policy_version == catalogue.policy.version
        assert item.still_works

    def test_required_come_first_and_say_so(self, catalogue: Catalogue) -> None:
        """Each element shows whether it may be left out."""
        elements = shown(catalogue).elements

        assert [(part.id, part.required) for part in elements] == [
            ("name", True),
            ("phone", False),
        ]

    def test_sensitive_ones_say_so(self, catalogue: Catalogue) -> None:
        """Sensitive elements are marked (PIPL art. 30)."""
        pair = catalogue.pairs["data.credit", "credit_check"]

        elements = shown(
            catalogue, pair=pair, required=("score",), optional=()
        ).elements

        assert [part.sensitive for part in elements] == [True]

    def test_device_has_no_elements(self, catalogue: Catalogue) -> None:
        """A permission of the phone is one thing."""
        item = shown(catalogue, pair=catalogue.pairs[CAMERA], required=(), optional=())

        assert item.elements == ()

    @pytest.mark.parametrize(
        "changes",
        [
            {"locale": "zh-CN"},
            {"required": ("name", "phone"), "optional": ()},
            {"optional": ()},
            {"retention_days": 31},
            {"records": ("order-1",)},
            {"expires_at": START},
            {"expires_at": START + timedelta(microseconds=1)},
            {"one_time": True},
            {"client": replace(PARTNER, contact="other@courier.example")},
            {"client": replace(PARTNER, name={"en": "Other", "zh-CN": "快递示例"})},
        ],
    )
    def test_every_term_is_in_the_hash(
        self, catalogue: Catalogue, changes: dict[str, Any]
    ) -> None:
        """Whatever else is shown, it is another text."""
        assert shown(catalogue, **changes).sha256 != shown(catalogue).sha256

    def test_same_words_same_hash(self, catalogue: Catalogue) -> None:
        """Composing twice gives the same text, so that it can be checked."""
        assert shown(catalogue).sha256 == shown(catalogue).sha256

    def test_unknown_element(self, catalogue: Catalogue) -> None:
        """A name without words cannot be shown."""
        with pytest.raises(KeyError):
            shown(catalogue, optional=("score",))


def test_sentence_is_hashed_as_utf8() -> None:
    """An app computes the same hash from the sentence it shows."""
    sentence = "要用相机扫描二维码吗？"

    assert sentence_sha256(sentence) == hashlib.sha256(sentence.encode()).hexdigest()
