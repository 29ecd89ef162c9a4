import subprocess
import sys

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
