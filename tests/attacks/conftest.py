"""One running product for all attacks: what one of them breaks, the next one meets."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.attacks.product import Client, Person, Product, running


@pytest.fixture(scope="session")
def product(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Product]:
    """Give a gateway with its neighbours, started as a reader of the README would."""
    with running(tmp_path_factory.mktemp("product") / "demo") as found:
        yield found


@pytest.fixture(autouse=True)
def _closing_time(product: Product) -> Iterator[None]:
    yield
    product.send_home()


@pytest.fixture
def victim(product: Product) -> Person:
    """Give somebody who is logged in on the pages."""
    return product.person().log_in()


@pytest.fixture
def mallory(product: Product) -> Person:
    """Give somebody else with an account, who is up to no good."""
    return product.person().log_in()


@pytest.fixture
def courier(product: Product) -> Client:
    """Give a partner that may ask for orders."""
    return product.courier


@pytest.fixture
def reader(product: Product) -> Client:
    """Give another partner."""
    return product.reader
