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
