"""`import dgnam.measure` is quick: scipy and scikit-image are imported where a measure needs them."""

import subprocess
import sys


def test_import_without_scipy_and_skimage():
    loaded = "print([m for m in ('scipy', 'skimage') if m in sys.modules])"
    code = f"import sys, dgnam.measure, dgnam.measure.statistics; {loaded}"
    assert subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout == "[]\n"
