"""``catalogue lint`` and ``catalogue diff``, as an author types them."""

from __future__ import annotations

import json
import shutil
from pathlib import Path
from typing import Any

import pytest

import permissions.catalogue
from gateway.cli import main

SHIPPED = Path(permissions.catalogue.__file__).parent / "default"
NEXT = "2024-01-01"


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Make a copy of the shipped catalogue, to be changed."""
    return shutil.copytree(SHIPPED, tmp_path / "catalogue")


def change(folder: Path, file: str, old: str, new: str) -> None:
    """Replace a text that stands there once."""
    path = folder / file
    text = path.read_text("utf-8")
    assert text.count(old) == 1
    path.write_text(text.replace(old, new), "utf-8")


def raise_version(folder: Path) -> None:
    """Make the folder a later version, with texts of its own."""
    change(folder, "policy.toml", 'version = "2023-04-07"', f'version = "{NEXT}"')
    (folder / "policy/2023-04-07").rename(folder / "policy" / NEXT)


def said(
    capsys: pytest.CaptureFixture[str], *arguments: object
) -> tuple[int, str, str]:
    """Run the command; return its code and what it wrote."""
    code = main(["catalogue", *(str(argument) for argument in arguments)])
    captured = capsys.readouterr()
    return code, captured.out, captured.err


def parsed(
    capsys: pytest.CaptureFixture[str], *arguments: object
) -> tuple[int, dict[str, Any]]:
    """Run the command with --json; return its code and what it wrote."""
    code, out, _ = said(capsys, *arguments, "--json")
    return code, json.loads(out)


class TestLint:
    def test_what_ships_is_fit(self, capsys: pytest.CaptureFixture[str]) -> None:
        """Without a folder it lints what ships, and passes."""
        code, out, _ = said(capsys, "lint")

        assert code == 0
        assert out.startswith("catalogue: ok, policy 2023-04-07, 31 pairs, sha256 ")

    def test_a_blocker_fails(
        self, folder: Path, capsys: pytest.CaptureFixture[str]
    ) -> None:
        """What forbids publication is told with place, fix and row; the exit is 1."""
        change(folder, "policy.toml", "guardian_under = 14 ", "")

        code, out, _ = said(capsys, "lint", folder)

        assert code == 1
        assert out.splitlines()[0] == (
            "blocker: policy.toml: guardian_under: a child of 0 would answer alone; "
            "set 14 or more: below it a guardian consents (minors_rule_missing, G7)"
        )
        assert "catalogue: not fit to publish" in out

    def test_a_warning_does_not(
        self, folder: Path, capsys: pytest.CaptureFixture[str]
    ) -> None:
        """What only wants a look is told, and the exit is 0."""
        change(folder, "clocks.toml", "duration = 48\n", "duration = 47\n")

        code, out, _ = said(capsys, "lint", folder)

        assert code == 0
        assert out.startswith("warning: clocks.toml: ask_again_after_refusal: ")

    def test_as_json(self, folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
        """A program reads the same findings."""
        change(folder, "pairs.toml", 'assessment = "credit"\n', "")

        code, found = parsed(capsys, "lint", folder)

        assert code == 1
        assert (found["policy"], found["pairs"]) == ("2023-04-07", 31)
        (finding,) = found["findings"]
        assert finding["rule"] == "assessment_missing"
        assert finding["place"] == 'pairs.toml: "data.credit".credit_check.assessment'

    def test_a_mistake_of_the_loader(
        self, folder: Path, capsys: pytest.CaptureFixture[str]
    ) -> None:
        """What is no catalogue is told by the loader, all at once."""
        change(folder, "operator.toml", 'region = "CN"', 'region = "China"')

        code, out, error = said(capsys, "lint", folder)

        assert (code, out) == (1, "")
        assert "operator.toml: region: 'China' is no country code" in error


class TestDiff:
    def test_nothing_changed(self, capsys: pytest.CaptureFixture[str]) -> None:
        """A catalogue differs in nothing from itself."""
        code, out, _ = said(capsys, "diff", SHIPPED, SHIPPED, "--declared", "minor")

        assert code == 0
        assert out == (
            "policy 2023-04-07 -> 2023-04-07: minor, "
            "0 material and 0 minor changes, 0 to review\n"
        )

    def test_says_who_is_asked_for_what(
        self, folder: Path, capsys: pytest.CaptureFixture[str]
    ) -> None:
        """One block for each change: kind, place, values, meaning, who is asked."""
        raise_version(folder)
        change(folder, "pairs.toml", '["phone", "email"]', '["phone", "email", "name"]')
        change(folder, "operator.toml", '"91450100MA0DEMX00X"', '"91450100MA0DEMX11X"')
        change(
            folder,
            f"policy/{NEXT}/policy.en.md",
            "social credit code: 91450100MA0DEMX00X",
            "social credit code: 91450100MA0DEMX11X",
        )

        code, out, _ = said(capsys, "diff", SHIPPED, folder)

        assert code == 0
        assert out == (
            "organisation  operator.toml: registry_number\n"
            "              91450100MA0DEMX00X -> 91450100MA0DEMX11X\n"
            "              the operator is another, or renamed\n"
            "              tell everyone, prominently; nobody is asked\n"
            'mode          pairs.toml: "data.identity".service_messages.elements\n'
            "              phone, email -> phone, email, name\n"
            "              more is used\n"
            "              ask data.identity for service_messages (name): "
            "an earlier yes goes on as it was given\n"
            "minor         policy.toml: version\n"
            "              2023-04-07 -> 2024-01-01\n"
            "              a new version\n"
            "minor         policy/2024-01-01/policy.en.md\n"
            "              * Unified social credit code: 91450100MA0DEMX00X -> "
            "* Unified social credit code: 91450100MA0DEMX11X\n"
            "              words changed; is the meaning the same?\n"
            "policy 2023-04-07 -> 2024-01-01: material, "
            "2 material and 2 minor changes, 1 to review\n"
        )

    @pytest.mark.parametrize(("declared", "code"), [("minor", 1), ("material", 0)])
    def test_holds_the_declaration_against_the_changes(
        self,
        folder: Path,
        capsys: pytest.CaptureFixture[str],
        declared: str,
        code: int,
    ) -> None:
        """A high risk may not be published as minor, though nothing else changed."""
        raise_version(folder)
        change(folder, "policy.toml", 'credit = { result = "medium"',
               'credit = { result = "high"')  # fmt: skip

        answer, found = parsed(capsys, "diff", SHIPPED, folder, "--declared", declared)

        assert answer == code
        assert found["material"] is True
        assert found["kinds"] == ["risk", "minor"]
        assert [item["rule"] for item in found["findings"]] == (
            ["material_declared_minor"] * code
        )

    def test_a_yes_that_has_to_rest(
        self, folder: Path, capsys: pytest.CaptureFixture[str]
    ) -> None:
        """Declared rightly, it still fails until the pair says that it changed."""
        raise_version(folder)
        change(folder, "pairs.toml", 'prefer = "scan_picker"\n', "")
        arguments = ("diff", SHIPPED, folder, "--declared", "material")

        code, out, _ = said(capsys, *arguments)
        change(folder, "pairs.toml", 'scenes = ["scan_screen"]\n',
               f'scenes = ["scan_screen"]\nchanged_in = "{NEXT}"\n')  # fmt: skip
        fixed, _, _ = said(capsys, *arguments)

        assert (code, fixed) == (1, 0)
        assert "an earlier yes rests until it is given again" in out
        assert f'set changed_in = "{NEXT}" (yes_does_not_rest, R71)' in out
