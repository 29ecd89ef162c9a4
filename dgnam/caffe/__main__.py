"""`python -m dgnam.caffe script.py …`: see `launcher`."""

import sys

from .launch.launcher import main

main(sys.argv[1:])
