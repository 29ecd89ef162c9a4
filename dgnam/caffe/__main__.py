"""`python -m dgnam.caffe script.py …`; see `launch/program.py`."""

import sys

from .launch.program import main

main(sys.argv[1:])
