"""The guide for operators says what the loader does."""

import re
import shutil
import tomllib
from pathlib import Path

import pytest

import permissions.catalogue
from permissions.catalogue import CatalogueError, load
from permissions.catalogue.lint import RULES, lint
from permissions.catalogue.source import FILES

SHIPPED = Path(permissions.catalogue.__file__).parent / "default"
GUIDE = (Path(__file__).parents[3] / "docs/catalogue.md").read_text("utf-8")


def test_every_file_is_described() -> None:
    """No file of a catalogue is a surprise."""
    assert all(f"`{file}`" in GUIDE for file in FILES)


def test_the_examples_load(tmp_path: Path) -> None:
    """What the guide shows can be pasted into a catalogue."""
    folder = shutil.copytree(SHIPPED, tmp_path / "catalogue")
    examples = re.findall(r"```toml\n(.*?)```", GUIDE, re.DOTALL)
    pairs = tomllib.loads("\n".join(examples))
    kept = (SHIPPED / "pairs.toml").read_text("utf-8")
    for capability, purposes in pairs.items():
        for purpose in purposes:
            kept = re.sub(
                rf'\["{re.escape(capability)}"\.{purpose}\]\n.*?(?=\n\n|\Z)',
                "",
                kept,
                flags=re.DOTALL,
            )
    (folder / "pairs.toml").write_text(kept + "\n" + "\n".join(examples), "utf-8")

    assert len(pairs) == 2
    assert load(folder).pairs.keys() == load().pairs.keys()


def test_the_mistakes_read_as_shown(tmp_path: Path) -> None:
    """The messages in the guide are the messages of the loader."""
    folder = shutil.copytree(SHIPPED, tmp_path / "catalogue")
    purposes, pairs = folder / "purposes.toml", folder / "pairs.toml"
    text = purposes.read_text("utf-8")
    purposes.write_text(text.replace('"scanning"', '"scaning"'), "utf-8")
    text = pairs.read_text("utf-8")
    apart = '"payment_account"]\nseparate = "sensitive"'
    pairs.write_text(text.replace(apart, '"payment_account"]'), "utf-8")

    with pytest.raises(CatalogueError) as caught:
        load(folder)

    assert str(caught.value) in GUIDE


def test_every_rule_is_named() -> None:
    """A finding of the lint can be looked up."""
    assert [rule.id for rule in RULES if f"`{rule.id}`" not in GUIDE] == []


def test_the_finding_reads_as_shown(tmp_path: Path) -> None:
    """The finding in the guide is the finding of the lint."""
    folder = shutil.copytree(SHIPPED, tmp_path / "catalogue")
    pairs = folder / "pairs.toml"
    text = pairs.read_text("utf-8")
    pairs.write_text(text.replace('assessment = "credit"\n', ""), "utf-8")

    (finding,) = lint(load(folder))

    assert str(finding) in GUIDE
