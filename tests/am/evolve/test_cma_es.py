import subprocess
import sys

QUIET = """
import sys
sys.modules["matplotlib"] = sys.modules["matplotlib.pyplot"] = None
import numpy as np
from dgnam.am.evolve.cma_es import CmaEs
from dgnam.am.evolve.method import Start
print(len(CmaEs().begin(Start(np.full(4, -1.0), np.full(4, 1.0), 0)).ask()))
"""


def test_nothing_is_said_of_plots_where_there_is_no_matplotlib():
    shown = subprocess.run([sys.executable, "-c", QUIET], capture_output=True, text=True, check=True)
    assert int(shown.stdout) > 2
    assert shown.stderr == ""
