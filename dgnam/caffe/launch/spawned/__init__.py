"""The folder added to `sys.path` by the launcher, with a `caffe` for processes spawned by a script."""
