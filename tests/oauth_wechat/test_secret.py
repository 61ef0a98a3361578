"""A secret shows itself only when asked by name."""

import copy
import pickle

import pytest

from oauth_wechat import Secret


class TestSecret:
    @pytest.mark.parametrize("shown", [str, repr, "{}".format, "%s".__mod__])
    def test_prints_as_dots(self, shown: type[str]) -> None:
        """However it is formatted."""
        assert "hunter2" not in shown(Secret("hunter2"))

    def test_reveals_on_request(self) -> None:
        """One method, so that a search finds every use."""
        assert Secret("hunter2").reveal() == "hunter2"

    def test_compares_by_text(self) -> None:
        """Equal texts are equal secrets; a plain string never is."""
        assert Secret("a") == Secret("a")
        assert Secret("a") != Secret("b")
        assert Secret("a") != "a"
        assert len({Secret("a"), Secret("a")}) == 1

    def test_is_not_pickled(self) -> None:
        """A secret must not slip into a queue or a cache."""
        with pytest.raises(TypeError, match="not pickled"):
            pickle.dumps(Secret("hunter2"))

    def test_settings_that_hold_it_can_be_copied(self) -> None:
        """Within the process, where it is no loss."""
        settings = {"secret": Secret("hunter2")}

        assert copy.deepcopy(settings) == settings

    def test_empty_is_refused(self) -> None:
        """An empty secret is a forgotten setting."""
        with pytest.raises(ValueError, match="must not be empty"):
            Secret("")
