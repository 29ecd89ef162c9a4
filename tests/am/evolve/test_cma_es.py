import subprocess
import sys
from contextlib import nullcontext

import numpy as np
import pytest

from dgnam.am.evolve import CmaEs
from dgnam.am.evolve.method import Origin
from dgnam.errors import DgnamError

QUIET = """
import sys
sys.modules["matplotlib"] = sys.modules["matplotlib.pyplot"] = None
import numpy as np
from dgnam.am.evolve.cma_es import CmaEs
from dgnam.am.evolve.method import Origin
print(len(CmaEs().begin(Origin(np.full(4, -1.0), np.full(4, 1.0), 0)).ask()))
"""


def test_missing_matplotlib_causes_no_warning():
    shown = subprocess.run([sys.executable, "-c", QUIET], capture_output=True, text=True, check=True)
    assert int(shown.stdout) > 2
    assert shown.stderr == ""


def test_a_code_of_one_number_is_an_error():
    for size, fine in ((1, False), (2, True)):
        origin = Origin(np.full(size, -1.0), np.full(size, 1.0), 0)
        with nullcontext() if fine else pytest.raises(DgnamError, match="codes of at least two numbers"):
            assert CmaEs().begin(origin).ask().shape[1] == size


def test_the_usual_settings_and_where_they_end():
    assert CmaEs() == CmaEs(population=None, sigma=2.0)
    assert CmaEs(population=4).population == 4
    for wrong in ({"population": 3}, {"population": 100_001}, {"sigma": 0.0}, {"sigma": float("inf")}):
        with pytest.raises(DgnamError):
            CmaEs(**wrong)


def test_it_begins_around_the_mean_of_the_codes_within_bounds():
    codes = np.array([[1.0, 4.0, 9.0], [3.0, 4.0, 9.0]])
    lower, upper = np.array([-10.0, -np.inf, 0.0]), np.array([10.0, np.inf, 0.0])
    own = CmaEs(sigma=1e-3).begin(Origin(lower, upper, 0, codes))
    assert own.mean() == pytest.approx([2, 4, 0], abs=1e-3)
    asked = own.ask()
    assert asked.mean(0) == pytest.approx([2, 4, 0], abs=2e-3)
    assert asked[:, 2].max() <= 1.1e-6
    free = CmaEs(population=6, sigma=3.0).begin(Origin(np.full(50, -np.inf), np.full(50, np.inf), 1))
    assert free.ask().shape == (6, 50)
    assert free.ask().std() == pytest.approx(3, rel=0.3)
    assert not free.mean().any()


def test_a_lost_trial_counts_as_a_median_one():
    def told(scores):
        own = CmaEs(population=5).begin(Origin(np.full(4, -np.inf), np.full(4, np.inf), 2))
        own.ask()
        own.tell(np.array(scores))
        return own.mean()

    assert told([1, 5, np.nan, 3, 9]).tolist() == told([1, 5, 4, 3, 9]).tolist()
    assert told([1, 5, 4, 3, 9]).tolist() != told([9, 3, 4, 5, 1]).tolist()
