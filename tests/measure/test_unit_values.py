"""Units' values are those that the loop climbs: before an in-place ReLU, with the weights of a sum."""

from importlib import import_module

import numpy as np

import dgnam
from dgnam.am import Unit
from dgnam.api.targets import open_target
from dgnam.measure.unit_values import unit_values

unit_values_module = import_module("dgnam.measure.unit_values")
TARGET = open_target("caffenet-mini").target


def test_they_are_the_loop_s_activations():
    made = dgnam.visualize("caffenet-mini", ["fc8:3", "conv5:7"], n_iters=3, progress=False)
    values = unit_values(TARGET, made.objectives, made.raw, batch_size=1)
    assert values.shape == (2, 2)
    assert np.allclose(np.diag(values), made.activations, rtol=1e-4, atol=1e-4)


def test_before_the_relu_and_with_weights():
    images = np.random.default_rng(0).normal(0, 50, (8, 3, 56, 56)).astype(np.float32)
    units = [Unit("conv5", 3, 1), Unit("fc8", 5), 2.0 * Unit("fc8", 5) - Unit("conv5", 3, 1)]
    values = unit_values(TARGET, units, images, batch_size=3)
    assert (unit_values(TARGET, [Unit("conv5", k, 1) for k in range(20)], images) < 0).any()
    assert np.allclose(values[:, 2], 2 * values[:, 1] - values[:, 0], atol=1e-4)


def test_of_no_images():
    assert unit_values(TARGET, [Unit("fc8", 5)], np.zeros((0, 3, 56, 56), np.float32)).shape == (0, 1)


def test_frames_of_a_clip_count_as_images(monkeypatch):
    """Of clips of 16 frames six share a pass where a hundred images may."""
    target, counts = open_target("action-lstm-motion-mini", clips=True).target, []
    clips = np.zeros((8, 3, *target.size), np.float32)
    read = unit_values_module.read_layers

    def noted(net, part, layers):
        counts.append(len(part))
        return read(net, part, layers)

    monkeypatch.setattr(unit_values_module, "read_layers", noted)
    assert unit_values(target, [Unit("fc8", 1)], clips).shape == (8, 1)
    assert counts == [6, 2]
