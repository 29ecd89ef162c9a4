"""A net over clips as a target: film strips in, values of clips out."""

from types import SimpleNamespace

import numpy as np
import pytest
import torch

from dgnam import zoo
from dgnam.am import CaffeTarget, ClipTarget, JointTarget
from dgnam.caffe.modules.caffe_module import CaffeModule
from dgnam.caffe.proto import parse_net
from dgnam.data.clips import ClipOptions, Clips
from dgnam.data.dataset import Dataset
from dgnam.data.preprocessing import MEAN_BGR, preprocess
from dgnam.errors import DgnamError
from tests.am.clip_nets import FIXED, FRAMES, INPUTS, TEXT, by_hand, clip_net


@pytest.fixture(scope="module")
def target():
    return ClipTarget(clip_net())


def clips(count=3, seed=0):
    return torch.from_numpy(np.random.RandomState(seed).normal(0, 50, (count, FRAMES, 3, 8, 6)).astype(np.float32))


def strips(clips):
    """(N, T, 3, H, W) side by side."""
    return torch.cat(list(clips.unbind(1)), 3)


def test_sizes_and_layers_are_those_of_clips(target):
    assert (target.frames, target.frame_size, target.size) == (4, (8, 6), (8, 24))
    assert target.layers() == ["conv1", "relu1", "fc6", "frames", "lstm", "scores", "fc8"]
    shapes = {layer: target.layer_shape(layer) for layer in target.layers()}
    assert [shapes[name] for name in ("conv1", "relu1")] == [(5, 6, 4)] * 2
    assert [shapes[name] for name in ("fc6", "frames", "lstm", "scores", "fc8")] == [(7,), (7,), (6,), (3,), (3,)]


def test_scores_equal_single_clips(target):
    found = target(strips(clips()), ["fc8"])["fc8"]
    for row, wanted in zip(found, by_hand(target.module, clips(), "fc8"), strict=True):
        assert torch.allclose(row, wanted[0], atol=1e-4)


def test_layers_of_frames_are_means_over_frames(target):
    found = target(strips(clips()), ["conv1", "lstm"])
    for layer, rows in found.items():
        for row, wanted in zip(rows, by_hand(target.module, clips(), layer), strict=True):
            assert torch.allclose(row, wanted.view(FRAMES, *row.shape).mean(0), atol=1e-4)


def test_the_order_of_frames_matters_to_the_lstm_alone(target):
    backwards = clips().flip(1)
    there, back = target(strips(clips()), ["conv1", "fc8"]), target(strips(backwards), ["conv1", "fc8"])
    assert torch.allclose(there["conv1"], back["conv1"], atol=1e-4)
    assert (there["fc8"] - back["fc8"]).abs().max() > 1e-3


def test_gradients_reach_each_frame(target):
    images = strips(clips()).requires_grad_()
    (gradient,) = torch.autograd.grad(target(images, ["fc8"])["fc8"][1, 2], images)
    sizes = gradient.abs().view(3, 3, 8, FRAMES, 6).sum((1, 2, 4))
    assert (sizes[1] > 0).all()
    assert (sizes[[0, 2]] == 0).all()


def test_the_zoos_net_tells_motion_as_it_was_measured():
    target = ClipTarget(zoo.load("action-lstm-motion-mini"), mean=zoo.get("action-lstm-motion-mini").preprocessing.mean)
    draw = np.random.RandomState(0)
    coarse = draw.randint(0, 256, (30, 16, 16, 3)).astype(np.uint8)
    stills = Dataset.of_arrays("blocks", coarse.repeat(4, 1).repeat(4, 2), np.zeros(30, np.int64))
    frames, labels = Clips(stills, ClipOptions(window=56, label="motion")).take(slice(None))
    shown = torch.from_numpy(preprocess(frames)).view(16, -1, 3, 56, 56).transpose(0, 1)
    assert target.size == (56, 896)
    right = (target(strips(shown), ["fc8"])["fc8"].argmax(1).numpy() == labels).mean()
    assert right > 0.8


def test_preprocessing_is_that_of_frames():
    plain = ClipTarget(clip_net())
    own = ClipTarget(clip_net(), mean=(10.0, 20.0, 30.0), scale=0.5, channels="RGB")
    shown = clips(1)
    pixels = shown + torch.tensor(MEAN_BGR).view(3, 1, 1)
    asked = (pixels.flip(2) - torch.tensor([10.0, 20.0, 30.0]).view(3, 1, 1)) * 0.5
    assert torch.allclose(own(strips(shown), ["fc8"])["fc8"], plain(strips(asked), ["fc8"])["fc8"], atol=1e-3)


@pytest.mark.parametrize("layer", ["beside", "mean", "cont", "data"])
def test_layers_without_values_of_clips_are_an_error(target, layer):
    with pytest.raises(DgnamError, match=r"single clips|no layer"):
        target.layer_shape(layer)


def test_what_is_no_net_of_clips_is_one_error(target):
    with pytest.raises(DgnamError, match=r"sees single images: give it as CaffeTarget"):
        ClipTarget(zoo.load("caffenet-mini"))
    with pytest.raises(DgnamError, match=r"sees clips .* and a target sees one image"):
        CaffeTarget(clip_net())
    with pytest.raises(DgnamError, match=r"target 'a' sees clips"):
        JointTarget(a=target)
    fixed = CaffeModule(parse_net(FIXED), seed=1)
    with pytest.raises(DgnamError, match=r"no other number of clips than its own .* write -1"):
        ClipTarget(fixed).layers()
    three = TEXT.replace(
        INPUTS, INPUTS.replace('top: "cont"', 'top: "cont" top: "x"').replace("dim: 1 }", "dim: 1 } shape { dim: 1 }")
    )
    with pytest.raises(DgnamError, match=r"has the inputs .*'x'"):
        ClipTarget(clip_net(three))


def test_markers_may_be_a_row_and_are_of_no_other_shape():
    rows = ClipTarget.__new__(ClipTarget)
    plan = SimpleNamespace(name="n", blob_shapes=[(4,)], blob_index=lambda name: 0)
    rows.frames, rows._clips, rows.module = 4, 1, SimpleNamespace(plan=plan)
    assert rows._markers("cont", 2).tolist() == [0, 0, *[1] * 6]
    plan.blob_shapes = [(4, 1)]
    assert rows._markers("cont", 2).tolist() == [[0, 0], *[[1, 1]] * 3]
    plan.blob_shapes, rows._clips = [(4,)], 3
    with pytest.raises(DgnamError, match=r"its input 'cont' is \(4,\), and not \(4, 3\)"):
        rows._markers("cont", 2)


def test_its_net_goes_to_the_device(monkeypatch):
    target, asked = ClipTarget(clip_net()), []
    monkeypatch.setattr(target._net, "to", asked.append)
    target.to(torch.device("cpu"))
    assert asked == [torch.device("cpu")]
