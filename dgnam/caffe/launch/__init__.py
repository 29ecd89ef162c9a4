"""`import caffe` for unmodified scripts: the alias of this package and the launcher."""
