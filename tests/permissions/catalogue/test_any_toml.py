"""Whatever stands in the files, a load answers or names the mistakes."""

import copy
from collections.abc import Callable
from datetime import UTC, date, datetime, time
from pathlib import Path

import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

import permissions.catalogue
from permissions.catalogue import Catalogue, CatalogueError, Problem
from permissions.catalogue.load import build, load
from permissions.catalogue.source import FILES, Source, read_source

SHIPPED = Path(permissions.catalogue.__file__).parent / "default"

scalars = st.one_of(
    st.text(max_size=12),
    st.sampled_from(["", "P30D", "P-1D", "PT1H", "zh-CN", "en", "sub", "data.account"]),
    st.integers(),
    st.floats(),
    st.booleans(),
    st.dates(),
    st.datetimes(timezones=st.none() | st.just(UTC)),
    st.times(),
)
values = st.recursive(
    scalars,
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(st.text(max_size=8), inner, max_size=3)
    ),
    max_leaves=6,
)
steps = st.lists(st.integers(min_value=0, max_value=40), min_size=1, max_size=6)


def shipped() -> Source:
    """Read the shipped files."""
    problems: list[Problem] = []
    source = read_source(SHIPPED, problems)
    assert source is not None
    assert not problems
    return source


def put(table: object, path: list[int], value: object) -> None:
    """Replace what lies at the end of a path of positions, wherever it ends."""
    while isinstance(table, dict) and table:
        key = list(table)[path[0] % len(table)]
        path = path[1:]
        if not path or not isinstance(table[key], dict):
            table[key] = value
            return
        table = table[key]


def build_with(file: str, path: list[int], value: object, key: str | None) -> Catalogue:
    """Build the shipped catalogue with one value exchanged, or one key added."""
    source = shipped()
    tables = copy.deepcopy(source.tables)
    if key is None:
        put(tables[file], path, value)
    else:
        tables[file][key] = value
    return build(
        Source(
            tables=tables,
            text=source.text,
            notice=source.notice,
            sha256=source.sha256,
        ),
        [],
    )


def answer_of(attempt: Callable[[], Catalogue]) -> Catalogue | CatalogueError:
    """Return the catalogue or the one error that is allowed."""
    try:
        return attempt()
    except CatalogueError as error:
        return error


def is_told(error: CatalogueError) -> bool:
    """Say whether an error names each mistake with a file, a reason and a fix."""
    return bool(error.problems) and all(
        problem.file and problem.reason and problem.fix and str(problem) in str(error)
        for problem in error.problems
    )


@settings(deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(
    file=st.sampled_from(FILES),
    path=steps,
    value=values,
    key=st.none() | st.text(max_size=8),
)
@example(file="pairs.toml", path=[0], value=1, key=None)
@example(file="categories.toml", path=[0, 3], value=[1], key=None)
@example(file="clocks.toml", path=[4, 2], value=1 << 200, key=None)
@example(file="policy.toml", path=[1], value=datetime(2023, 4, 7), key=None)  # noqa: DTZ001
@example(file="policy.toml", path=[2], value=[], key=None)
@example(file="policy.toml", path=[2], value=[["en"]], key=None)
@example(file="purposes.toml", path=[0, 0], value=time(1), key=None)
@example(file="sdks.toml", path=[0, 4], value=["data./", "/", ""], key=None)
@example(file="fallbacks.toml", path=[0], value={"text": date(1, 1, 1)}, key="")
def test_any_value_is_taken_or_named(
    file: str, path: list[int], value: object, key: str | None
) -> None:
    """No value of any TOML type surfaces as anything but a CatalogueError."""
    answer = answer_of(lambda: build_with(file, path, value, key))

    assert isinstance(answer, Catalogue) or is_told(answer)


@settings(
    deadline=None,
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.function_scoped_fixture],
)
@given(file=st.sampled_from(FILES), raw=st.binary(max_size=64), keep=st.booleans())
def test_any_bytes_are_taken_or_named(
    tmp_path_factory: pytest.TempPathFactory, file: str, raw: bytes, *, keep: bool
) -> None:
    """Bytes in place of a file, or behind it, do not surface as a traceback."""
    folder = tmp_path_factory.mktemp("catalogue")
    whole = (SHIPPED / file).read_bytes() if keep else b""
    for name in FILES:
        if name == file:
            (folder / name).write_bytes(whole + raw)
        else:
            (folder / name).symlink_to(SHIPPED / name)
    (folder / "policy").symlink_to(SHIPPED / "policy")

    answer = answer_of(lambda: load(folder))

    assert isinstance(answer, Catalogue) or is_told(answer)
