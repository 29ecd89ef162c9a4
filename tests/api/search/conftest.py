"""A small search, made once, for all tests of it."""

import pytest

from dgnam.am import paper, released
from dgnam.am.tuning import tune as hyperparameters
from tests.api.search.searching import QUICK, call


@pytest.fixture(scope="module", autouse=True)
def few_steps():
    """The published settings with three steps, not two hundred."""
    with pytest.MonkeyPatch.context() as patched:
        short = {"released": released(n_iters=3), "paper": paper(n_iters=3)}
        patched.setattr(hyperparameters, "published_settings", lambda: short)
        yield


@pytest.fixture(scope="module")
def whole(tmp_path_factory):
    """The folder of a finished search of four trials, and what was printed."""
    base = tmp_path_factory.mktemp("whole")
    result = call(*QUICK, "--trials", "4", "--output", str(base))
    assert result.exit_code == 0
    return base / "search-caffenet-mini-1", result.output
