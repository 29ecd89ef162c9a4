"""Clips made of stills, and the data layer that makes them."""

import numpy as np
import pytest

from dgnam import zoo
from dgnam.caffe.mode import python_layers_allowed
from dgnam.caffe.modules.caffe_module import CaffeModule
from dgnam.caffe.net import Net
from dgnam.caffe.proto import parse_net, pb
from dgnam.data.clip_text import read_clip_text
from dgnam.data.clips import DIRECTIONS, ClipOptions, Clips, FramesShuffled
from dgnam.data.dataset import Dataset
from dgnam.errors import DgnamError
from dgnam.train.classifier import evaluate
from dgnam.train.data_layer import split_data_layer
from dgnam.train.image_loader import ImageLoader

FILL = (123, 117, 104)


def ramps(count: int = 6, side: int = 20) -> Dataset:
    """Stills whose red is the column and whose green is the still."""
    images = np.zeros((count, side, side, 3), np.uint8)
    images[..., 0] = np.arange(side)
    images[..., 1] = 200 + np.arange(count)[:, None, None]
    return Dataset.of_arrays("ramps", images, np.arange(count, dtype=np.int64) % 3, ("a", "b", "c"))


def clips(**options) -> Clips:
    return Clips(
        ramps(), ClipOptions(**{"window": 12, "label": "motion", "frames": 5, "paths": 2, "overhang": 0} | options)
    )


def lefts(frames: np.ndarray) -> np.ndarray:
    """Where the window stood, by the column that its left edge shows."""
    return frames[:, 0, 0, 0].astype(int)


def test_the_directions_are_the_classes_of_the_net_that_tells_them():
    assert [label.name for label in zoo.get("action-lstm-motion-mini").labels()] == list(DIRECTIONS)


def test_the_window_moves_the_way_that_the_label_says():
    made = clips()
    frames, labels = made.take(slice(None))
    assert frames.shape == (5 * len(made), 12, 12, 3)
    assert len(made) == 6 * 2 * 2
    assert labels.tolist() == [0, 1] * 12
    assert DIRECTIONS == ("right", "left")
    path = lefts(frames).reshape(5, -1)
    steps = np.diff(path, axis=0)
    assert (steps[:, 0::2] >= 0).all()
    assert (steps[:, 1::2] <= 0).all()
    assert (abs(path[-1] - path[0]) >= 4).all()
    assert len(np.unique(path[0])) > 1


def test_a_set_of_frames_says_nothing_of_the_motion():
    frames, _ = clips().take(slice(None))
    by_clip = frames.reshape(5, -1, 12, 12, 3)
    np.testing.assert_array_equal(by_clip[:, 0::2], by_clip[::-1, 1::2])


def test_all_first_frames_come_first_and_belong_to_the_chosen_stills():
    frames, labels = clips(label="class").take(np.array([0, 9, 22]))
    assert (frames.reshape(5, 3, 12, 12, 3)[:, :, 0, 0, 1] == [200, 202, 205]).all()
    assert labels.tolist() == [0, 2, 2]


def test_past_its_sides_the_still_is_continued_by_one_color():
    made = clips(overhang=6, window=16)
    frames, _ = made.take(slice(None))
    outside = (frames == FILL).all(-1)
    assert outside.any()
    assert not outside.all(2).any()
    assert (outside == outside[:, :1]).all()
    assert (np.diff(frames[..., 0].astype(int), axis=2)[~outside[..., 1:] & ~outside[..., :-1]] == 1).all()


def test_shuffled_frames_are_the_same_ones_in_another_order():
    made = clips(frames=8)
    plain, labels = made.take(np.array([3, 8]))
    mixed, same = FramesShuffled(made).take(np.array([3, 8]))
    assert labels.tolist() == same.tolist()
    plain, mixed = (frames.reshape(8, 2, -1) for frames in (plain, mixed))
    for clip in range(2):
        assert not np.array_equal(plain[:, clip], mixed[:, clip])
        assert sorted(map(bytes, plain[:, clip])) == sorted(map(bytes, mixed[:, clip]))
    np.testing.assert_array_equal(mixed[:, 1], FramesShuffled(made).take(slice(8, 9))[0].reshape(8, -1))


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"window": 20}, r"a window of 20 has no room to move in pictures of 20x20 with an overhang of 0; bring them"),
        ({"window": 24, "overhang": 9}, "a window of 24 has no room"),
        ({"frames": 1}, "frames 1 of clips: give 2 to 1024"),
        ({"overhang": -1}, "overhang -1 of clips: give 0 to 4096"),
        ({"label": "motions"}, "label 'motions' of clips: give .*motion"),
    ],
)
def test_what_makes_no_clips_is_an_error(options, message):
    with pytest.raises(DgnamError, match=message):
        clips(**options)


NET = """
name: "clips"
layer { name: "data" type: "Python" top: "data" top: "label" include { phase: PHASE }
  python_param { module: "dgnam.train.clip_data" layer: "ClipData" param_str: '{OPTIONS}' } }
layer { name: "width" type: "Reduction" bottom: "data" top: "width" reduction_param { axis: 1 operation: MEAN } }
"""
OPTIONS = '"source": "toy-train", "window": 12, "label": "motion", "clips": 3, "frames": 4, "overhang": 4'


def net_text(phase: str = "TRAIN", options: str = OPTIONS) -> str:
    return NET.replace("PHASE", phase).replace("OPTIONS", options)


def test_the_trainers_read_the_layer_s_options():
    spec, net = split_data_layer(parse_net(net_text(), "test"), pb.TRAIN)
    assert (spec.source, spec.batch_size, spec.crop_size, spec.mirror, spec.frames) == ("toy-train", 3, 12, False, 4)
    assert [tuple(shape.dim) for shape in net.layer[0].input_param.shape] == [(12, 3, 12, 12), (3,)]
    assert spec.clips == ClipOptions(12, "motion", 4, 1, 4)
    options = OPTIONS.replace("motion", "class") + ', "mirror": true, "mean": [1, 2, 3], "resize": [30, 40]'
    spec, _ = split_data_layer(parse_net(net_text(options=options), "test"), pb.TRAIN)
    assert (spec.mirror, spec.mean, spec.resize) == (True, (1, 2, 3), (30, 40))
    assert spec.clips is not None
    assert spec.clips.fill == (3, 2, 1)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (OPTIONS + ', "mirror": true', "mirror with the label motion"),
        (OPTIONS + ', "windows": 3', "param_str has no option 'windows'; there are window, "),
        (OPTIONS.replace('"clips": 3', '"clips": 0'), "clips is 0; give a whole number of 1 to 10000"),
        (OPTIONS.replace('"clips": 3', '"clips": true'), "clips is True; give a whole number"),
        (OPTIONS.replace('"clips": 3', '"clips": 2.9'), "clips is 2.9; give a whole number"),
        ('"source": "toy-train"', "param_str lacks window, label"),
        (OPTIONS + ', "mean": 3', "mean is 3; give three numbers of 0 to 255"),
        (OPTIONS + ', "mean": [Infinity, 0, 0]', "mean is .inf, 0, 0.; give three numbers"),
        (OPTIONS + ', "mean": [300, 0, -5]', "mean is .300, 0, -5.; give three numbers"),
        (OPTIONS + ', "mirror": "false"', "mirror is false; give true or false"),
        (OPTIONS + ', "resize": [80, 80, 3]', r"resize is .80, 80, 3.; give .height, width."),
        (OPTIONS.replace('"frames": 4', '"frames": 1e400'), "frames is inf; give a whole number"),
        (OPTIONS.replace('"frames": 4', '"frames": 1000000000'), "frames 1000000000 of clips: give 2 to 1024"),
        (OPTIONS + ', "paths": 1000000000', "paths 1000000000 of clips: give 1 to 10000"),
        (OPTIONS.replace('"motion"', "{}"), "label is {}; give a text"),
        (OPTIONS.replace('"toy-train"', "null"), "source is None; give a text"),
        ("x", "is not JSON"),
    ],
)
def test_wrong_options_name_the_layer(options, message):
    with pytest.raises(DgnamError, match=f"net 'clips', layer 'data': .*{message}"):
        split_data_layer(parse_net(net_text(options=options), "test"), pb.TRAIN)


@pytest.mark.parametrize("text", ["[" * 100_000, "[1, 2]", "3"])
def test_what_has_no_options_by_name_is_an_error(text):
    with pytest.raises(DgnamError, match=r"is not JSON|has no options by name"):
        read_clip_text(text)


def test_the_layer_has_two_tops(data_folder, tmp_path, monkeypatch):
    monkeypatch.setenv("DGNAM_ALLOW_PYTHON_LAYERS", "1")
    monkeypatch.setenv("DGNAM_DATA", str(data_folder))
    text = net_text().replace('top: "label"', "", 1)
    path = tmp_path / "net.prototxt"
    path.write_text(text)
    with pytest.raises(DgnamError, match="2 tops, the frames and the labels, not 1"):
        Net(str(path), pb.TRAIN)
    with pytest.raises(DgnamError, match="layer 'data': must have 2 tops here, the frames and the labels, not 1"):
        split_data_layer(parse_net(text, "test"), pb.TRAIN)


def test_of_no_clips_none_are_shuffled():
    frames, labels = FramesShuffled(clips()).take(slice(0, 0))
    assert (frames.shape, labels.shape) == ((0, 12, 12, 3), (0,))


def test_a_mirrored_clip_is_mirrored_as_a_whole(data_folder):
    options = OPTIONS.replace("motion", "class") + ', "mirror": true'
    spec, _ = split_data_layer(parse_net(net_text(options=options), "test"), pb.TRAIN)
    whole = ImageLoader(spec.load(data_folder), spec, 1)
    plain = ImageLoader(whole.dataset, spec.__class__(**{**vars(spec), "mirror": False}), 1)
    turned = []
    for number in range(6):
        for one, other in zip(
            *(b.batch(number)[0].reshape(4, 3, -1, 12, 3).swapaxes(0, 1) for b in (whole, plain)), strict=True
        ):
            turned.append(np.array_equal(one, other[..., ::-1, :]))
            assert turned[-1] or np.array_equal(one, other)
    assert 0 < sum(turned) < len(turned)


@pytest.mark.parametrize("phase", ["TRAIN", "TEST"])
def test_the_layer_gives_the_batches_that_the_trainers_make(phase, data_folder, tmp_path, monkeypatch):
    monkeypatch.setenv("DGNAM_ALLOW_PYTHON_LAYERS", "1")
    monkeypatch.setenv("DGNAM_DATA", str(data_folder))
    assert python_layers_allowed()
    path = tmp_path / "net.prototxt"
    path.write_text(net_text(phase))
    net = Net(str(path), getattr(pb, phase))
    spec, _ = split_data_layer(parse_net(net_text(phase), "test"), getattr(pb, phase))
    loader = ImageLoader(spec.load(data_folder), spec, 0)
    for number in range(2):
        net.forward()
        wanted = loader.prepared(number) if phase == "TRAIN" else loader.in_order(number)
        np.testing.assert_array_equal(net.blobs["data"].data, wanted[0])
        np.testing.assert_array_equal(net.blobs["label"].data, wanted[1])


def test_a_clip_net_is_told_apart_from_one_that_sees_frames_only():
    """A net that compares the last frame with the first one knows the motion, and not of shuffled frames."""
    text = """
    name: "compares"
    layer { name: "data" type: "Input" top: "data" input_param { shape { dim: 8 dim: 3 dim: 12 dim: 12 } } }
    layer { name: "red" type: "Slice" bottom: "data" top: "b" top: "g" top: "r"
      slice_param { axis: 1 slice_point: 1 slice_point: 2 } }
    layer { name: "no" type: "Silence" bottom: "b" bottom: "g" }
    layer { name: "level" type: "Reduction" bottom: "r" top: "level" reduction_param { axis: 1 operation: MEAN } }
    layer { name: "frames" type: "Reshape" bottom: "level" top: "frames" reshape_param { shape { dim: 8 dim: -1 } } }
    layer { name: "cut" type: "Slice" bottom: "frames" top: "first" top: "middle" top: "last"
      slice_param { axis: 0 slice_point: 1 slice_point: 7 } }
    layer { name: "no2" type: "Silence" bottom: "middle" }
    layer { name: "right" type: "Eltwise" bottom: "last" bottom: "first" top: "right"
      eltwise_param { coeff: 1 coeff: -1 } }
    layer { name: "left" type: "Power" bottom: "right" top: "left" power_param { scale: -1 } }
    layer { name: "both" type: "Concat" bottom: "right" bottom: "left" top: "both" concat_param { axis: 0 } }
    layer { name: "apart" type: "Reshape" bottom: "both" top: "apart"
      reshape_param { shape { dim: 1 dim: 2 dim: -1 } } }
    layer { name: "one" type: "Reshape" bottom: "apart" top: "scores" reshape_param { shape { dim: 1 dim: 2 } } }
    """
    net = CaffeModule(parse_net(text, "test")).eval()
    options = ClipOptions(window=12, label="motion", frames=8, paths=20, overhang=0)
    made = Clips(ramps(), options)
    spec, _ = split_data_layer(
        parse_net(net_text(options=OPTIONS.replace('"clips": 3', '"clips": 1')), "test"), pb.TRAIN
    )
    assert evaluate(net, made, spec, scores="scores").top1 == 1
    assert abs(evaluate(net, FramesShuffled(made), spec, scores="scores").top1 - 0.5) < 0.15
