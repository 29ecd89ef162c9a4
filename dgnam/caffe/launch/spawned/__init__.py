"""The folder that the launcher adds to `sys.path`, with a `caffe` in it for the processes that a script spawns."""
