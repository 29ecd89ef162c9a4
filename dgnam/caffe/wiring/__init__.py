"""Net construction and what runs it: layers bound to blobs, names, weights, debug info."""
