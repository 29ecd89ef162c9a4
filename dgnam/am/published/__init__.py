"""The published loop, one image at a time, on any net with pycaffe's interface; its backends and its examples."""
