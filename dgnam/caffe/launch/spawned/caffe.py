"""`import caffe` in a process that multiprocessing spawned from a script under the launcher.

Such a process gets the script's `sys.path`, but starts without `install()`, and so finds this file.
"""

import sys

from dgnam.caffe import install

if __name__ == "caffe":
    del sys.modules[__name__]  # the import system then takes what install puts there
    install()
