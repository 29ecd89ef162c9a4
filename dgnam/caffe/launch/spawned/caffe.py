"""`import caffe` in a process spawned by multiprocessing from a script under the launcher.

Such a process inherits the script's `sys.path` but not `install()`, and so finds this file.
"""

import sys

from dgnam.caffe import install

if __name__ == "caffe":
    del sys.modules[__name__]  # the import system then finds the module put there by install
    install()
