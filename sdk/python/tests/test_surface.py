"""What is public: the same in both modes, typed, and cheap to import."""

import ast
import inspect
import re
import runpy
import subprocess
import sys
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest

import aseanbiz
from aseanbiz import AsyncGateway, Gateway

SDK = Path(__file__).parents[1]
SOURCE = SDK / "src" / "aseanbiz"
SCRIPT = runpy.run_path(str(SDK / "scripts" / "make_blocking.py"))


def python(code: str) -> str:
    """Run code in a fresh interpreter; return what it prints."""
    done = subprocess.run(  # noqa: S603 - our own code
        [sys.executable, "-c", code], capture_output=True, text=True, check=True
    )
    return done.stdout.strip()


class TestImport:
    def test_package_loads_nothing_heavy(self) -> None:
        """The import is free for whoever uses it in one corner only."""
        code = (
            "import sys; before = set(sys.modules); import aseanbiz;"
            "print(sorted({name.partition('.')[0] for name in sys.modules}"
            " & {'httpx2', 'asyncio', 'ssl', 'cryptography', 'msgspec'}))"
        )

        assert python(code) == "[]"

    def test_decisions_and_errors_load_no_client(self) -> None:
        """A worker that reads pickled decisions needs no HTTP client."""
        code = (
            "import sys; from aseanbiz import Allow, GatewayError, Secret;"
            "print('httpx2' in sys.modules, 'asyncio' in sys.modules)"
        )

        assert python(code) == "False False"

    def test_own_transport_loads_no_http_client(self) -> None:
        """Whoever brings a transport never loads httpx2."""
        code = (
            "import sys; from aseanbiz import Gateway, ClientSecret;"
            "Gateway('https://g.example', auth=ClientSecret('a', 'b'),"
            " transport=object()); print('httpx2' in sys.modules)"
        )

        assert python(code) == "False"

    def test_every_public_name_exists(self) -> None:
        """The list of names, the types' view and the loader agree."""
        for name in aseanbiz.__all__:
            assert getattr(aseanbiz, name) is not None
        assert sorted(aseanbiz.__all__) == dir(aseanbiz)
        assert set(aseanbiz.__all__) == typed_names() | {"__version__"}

    def test_unknown_name_is_an_attribute_error(self) -> None:
        """As in any other module."""
        with pytest.raises(AttributeError, match="no attribute"):
            getattr(aseanbiz, "Gatway")  # noqa: B009 - mypy would see it


def typed_names() -> set[str]:
    """Return the names that type checkers see."""
    tree = ast.parse((SOURCE / "__init__.py").read_text(encoding="utf-8"))
    guarded = next(node for node in tree.body if isinstance(node, ast.If))
    imports = [node for node in guarded.body if isinstance(node, ast.ImportFrom)]
    return {alias.name for node in imports for alias in node.names}


def surface(cls: type) -> dict[str, Any]:
    """Return every public method of a class and of what it hands out."""
    found: dict[str, Any] = {}
    module: ModuleType = sys.modules[cls.__module__]
    for name in ("Gateway", "Subjects", "Asks", "Me", "Consent", "GrantHandle", "Raw"):
        for prefix in ("Async", ""):
            owner = getattr(module, prefix + name, None)
            if owner is None:
                continue
            for method, value in inspect.getmembers(owner, inspect.isroutine):
                if not method.startswith("_"):
                    plain = method.replace("aclose", "close")
                    found[f"{name}.{plain}"] = value
    return found


class TestParity:
    def test_signatures_are_equal(self) -> None:
        """Whoever knows one client knows the other."""
        one, two = surface(Gateway), surface(AsyncGateway)

        assert set(one) == set(two)
        assert len(one) > 20
        for name in one:
            plain = re.sub(r"\bAsync", "", str(inspect.signature(two[name])))
            plain = plain.replace("._aio.", "._blocking.")
            assert str(inspect.signature(one[name])) == plain, name
            assert inspect.getdoc(one[name]) == inspect.getdoc(two[name])

    @pytest.mark.parametrize("name", SCRIPT["names"]())
    def test_generated_twin_is_current(self, name: str) -> None:
        """A change of one surface without the other fails here."""
        committed = (SOURCE / "_blocking" / name).read_text(encoding="utf-8")

        assert shape(committed) == shape(SCRIPT["blocking"](name))
        assert "await" not in committed
        assert "async" not in committed.replace("asynchronous", "")

    def test_nothing_else_is_in_the_twin(self) -> None:
        """A module removed from the source leaves no copy behind."""
        twins = {path.name for path in (SOURCE / "_blocking").glob("*.py")}

        assert twins == {*SCRIPT["names"](), "__init__.py"}


def shape(source: str) -> str:
    """Return what a module says, whatever its layout and order of imports."""
    tree = ast.parse(source)
    imports = sorted(
        f"{node.module}:{sorted(alias.name for alias in node.names)}"
        for node in tree.body
        if isinstance(node, ast.ImportFrom)
    )
    rest = [node for node in tree.body if not isinstance(node, ast.ImportFrom)]
    return "\n".join([*imports, *(ast.dump(node) for node in rest)])


class TestLayers:
    @pytest.mark.parametrize(
        ("layer", "below"),
        [
            ("_policy", ("_core", "_drive", "_aio", "_blocking")),
            ("_core", ("_drive", "_aio", "_blocking")),
            ("_drive", ("_aio", "_blocking")),
        ],
    )
    def test_nothing_imports_downward(self, layer: str, below: tuple[str, ...]) -> None:
        """Policy knows no state, state no I/O."""
        for path in (SOURCE / layer).glob("*.py"):
            text = path.read_text(encoding="utf-8")
            for lower in below:
                assert f"aseanbiz.{lower}" not in text, path

    def test_thinking_layers_do_no_io(self) -> None:
        """No clock, no sleep, no socket where the logic lives."""
        forbidden = re.compile(
            r"^(?:import|from) (?:time|asyncio|socket|httpx2)\b", re.MULTILINE
        )
        for layer in ("_policy", "_core"):
            for path in (SOURCE / layer).glob("*.py"):
                assert not forbidden.search(path.read_text(encoding="utf-8")), path
