"""Python 2 scripts of the Caffe era, unedited: `python -m dgnam.caffe --python2 script.py`.

A script is translated in memory, line by line: `source` rewrites the syntax, `tree` what Python 3 reads but understands
in another way.  The translated code calls `runtime`, sees the `names` of Python 2's builtins, and imports through
`importing`, which serves the `modules` of the era.  Nothing else in the process changes.
"""
