"""Deterministic stand-in weights and inputs for the full-size nets in nets.h5 and trajectories.h5.

They are what real Caffe was given when those files were made, so a net filled the same
way must reproduce the recorded numbers.  Layer names and blob shapes are those of the
published deploy nets.
"""

import zlib

import numpy as np


def param_blob(layer, layer_type, index, shape):
    """Blob `index` of `layer` as float32 of `shape` (a function of the names alone)."""
    rng = np.random.RandomState(zlib.crc32(f"{layer}/{index}".encode()))
    draw = rng.standard_normal(shape).astype(np.float32)
    if layer_type == "BatchNorm":  # mean, variance, scale factor
        return [0.1 * draw, 1 + 0.1 * np.abs(draw), np.ones(shape, np.float32)][index].astype(np.float32)
    if layer_type == "Scale":
        return [1 + 0.1 * draw, 0.1 * draw][index].astype(np.float32)
    if index > 0:
        return (0.01 * draw).astype(np.float32)
    if layer_type == "Deconvolution":  # (in, out, kh, kw): each output pixel sums in*kh*kw/stride^2 terms
        fan_in = shape[0] * shape[2] * shape[3] / (4 if shape[2] == 4 else 1)
    else:
        fan_in = int(np.prod(shape[1:]))
    return (draw * np.sqrt(2.0 / fan_in)).astype(np.float32)


def image(name, shape):
    """A smooth BGR mean-subtracted test image of `shape` (N, 3, H, W), values in about +-100."""
    rng = np.random.RandomState(zlib.crc32(name.encode()))
    n, c, h, w = shape
    yy, xx = np.mgrid[:h, :w] / float(max(h, w))
    out = np.zeros(shape, np.float64)
    for i in range(n):
        for k in range(c):
            for _ in range(12):
                fy, fx, ph, a = rng.uniform(-8, 8), rng.uniform(-8, 8), rng.uniform(0, 2 * np.pi), rng.uniform(5, 25)
                out[i, k] += a * np.sin(2 * np.pi * (fy * yy + fx * xx) + ph)
    return out.astype(np.float32)


def code(name, shape):
    """A non-negative code like a ReLU layer's: about half the entries zero."""
    rng = np.random.RandomState(zlib.crc32(name.encode()))
    return np.maximum(0, 3 * rng.standard_normal(shape)).astype(np.float32)
