"""What third parties may hold, how they are named, and where data may rest."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import TYPE_CHECKING, Final

from permissions.catalogue.finding import Flaw, Rule, place_of

if TYPE_CHECKING:
    from permissions.catalogue.model import Catalogue

# A name made of these alone names nobody: "our partners and affiliates".
_NOBODY: Final = re.compile(
    r"(a|an|the|and|or|any|of|us|our|other|others|their|third|such|etc|various|certain"
    r"|business|external|group|trusted|selected|related|relevant|associated|sdks?"
    r"|part(y|ies)|partners?|compan(y|ies)|services?|providers?|affiliates?|suppliers?"
    r"|vendors?|subsidiar(y|ies)|associates?|recipients?)"
)
_NOBODY_ZH: Final = re.compile(
    r"我们|我方|的|其他|其它|相关|有关|某些|部分|外部|业务|商业|可信|和|与|及|或|等|、"
    r"|合作伙伴|合作方|合作商|第三方|关联公司|关联方|关联企业|子公司|供应商|服务商"
    r"|服务提供商|提供商|服务|公司|企业|机构|接收方|SDK|\s"
)
_WORD: Final = re.compile(r"[A-Za-z0-9]+")


def names_nobody(name: str) -> bool:
    """Say whether a name is only a kind of company, in Chinese or in English."""
    words = _WORD.findall(name.casefold())
    in_english = name.isascii() and all(_NOBODY.fullmatch(word) for word in words)
    return in_english or not _NOBODY_ZH.sub("", name)


def _holds_more(catalogue: Catalogue) -> Iterator[Flaw]:
    for sdk in catalogue.sdks.values():
        for number, held in enumerate(sdk.holds):
            capability, _, element = held.partition("/")
            pair = catalogue.pairs.get((capability, sdk.purpose))
            if pair is None or element not in pair.elements:
                yield Flaw(
                    place_of("sdks.toml", sdk.id, "holds", number),
                    f"its purpose, {sdk.purpose}, does not need {held}",
                    "remove it, or declare the pair that needs it",
                )


def _generic(catalogue: Catalogue) -> Iterator[Flaw]:
    for sdk in catalogue.sdks.values():
        for key, text in (("name", sdk.name), ("company", sdk.company)):
            for locale, name in text.items():
                if names_nobody(name):
                    yield Flaw(
                        place_of("sdks.toml", sdk.id, key, locale),
                        "the name says what kind of company it is, not which",
                        "name the one that receives the data",
                    )


def _unlisted(catalogue: Catalogue) -> Iterator[Flaw]:
    for sdk in catalogue.sdks.values():
        for locale in catalogue.locales:
            policy = catalogue.policy.text.get(locale, "")
            said = (sdk.name.get(locale, ""), sdk.company.get(locale, ""), sdk.link)
            if not all(part and part in policy for part in said):
                yield Flaw(
                    place_of("sdks.toml", sdk.id),
                    f"the {locale} policy does not list its name, company and link",
                    "add it to the list of SDKs in the policy",
                )


def _abroad(catalogue: Catalogue) -> Iterator[Flaw]:
    home = catalogue.operator.region
    allowed = {
        key for key, pair in catalogue.pairs.items() if pair.separate == "cross_border"
    }
    for category in catalogue.categories.values():
        if category.region in ("", home):
            continue
        for key in catalogue.pairs:
            if key[0] == category.capability and key not in allowed:
                yield Flaw(
                    place_of("categories.toml", category.id, "region"),
                    f"it rests in {category.region}, and {key[1]} does not ask that",
                    'keep it at home, or set separate = "cross_border" on the pair',
                )
    for sdk in catalogue.sdks.values():
        if sdk.region in ("", home):
            continue
        for capability in dict.fromkeys(held.partition("/")[0] for held in sdk.holds):
            if (capability, sdk.purpose) not in allowed:
                yield Flaw(
                    place_of("sdks.toml", sdk.id, "region"),
                    f"it takes {capability} to {sdk.region} without being asked",
                    'set separate = "cross_border" on the pair, or choose another SDK',
                )


RECIPIENT_RULES: Final = (
    Rule("sdk_holds_more", "blocker", "G3", _holds_more),
    Rule("recipient_not_named", "blocker", "R41", _generic),
    Rule("sdk_not_in_policy", "blocker", "R76", _unlisted),
    Rule("abroad_without_consent", "blocker", "R06", _abroad),
)
