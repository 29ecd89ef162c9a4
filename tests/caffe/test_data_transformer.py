"""transform_param: hand-derived cases of mean, scale, crop and mirror, in either phase."""

import numpy as np
import pytest
from google.protobuf import text_format

from dgnam.caffe.data_transformer import DataTransformer, needs_random
from dgnam.caffe.proto import pb
from dgnam.errors import CaffeError, DgnamError

IMAGE = np.arange(24, dtype=np.uint8).reshape(2, 3, 4)


def transformer(text: str = "", phase: int = pb.TEST, seed: int = 0) -> DataTransformer:
    param = text_format.Parse(text, pb.TransformationParameter())
    random = np.random.default_rng(seed) if needs_random(param, phase) else None
    return DataTransformer(param, phase, "layer 'd'", random)


def transform(text: str = "", **options: int) -> np.ndarray:
    return transformer(text, **options).transform(IMAGE, "it")


def mean_file(folder, values: np.ndarray, shape: tuple[int, ...] | None = None) -> str:
    blob = pb.BlobProto(data=values.ravel().tolist())
    blob.shape.dim.extend(values.shape if shape is None else shape)
    path = folder / "mean.binaryproto"
    path.write_bytes(blob.SerializeToString())
    return f'mean_file: "{path}"'


def test_nothing_to_do():
    got = transform()
    assert got.dtype == np.float32
    assert np.array_equal(got, IMAGE)


def test_the_mean_comes_off_before_scaling():
    assert np.array_equal(transform("scale: 0.5 mean_value: 2"), (IMAGE - np.float32(2)) / 2)
    per_channel = np.float32([1, 10]).reshape(2, 1, 1)
    assert np.array_equal(transform("scale: 2 mean_value: 1 mean_value: 10"), (IMAGE - per_channel) * 2)


def test_the_crop_is_the_middle_in_test():
    # 3x4 to 2x2: offsets (3 - 2) // 2 = 0 and (4 - 2) // 2 = 1.
    assert transform("crop_size: 2")[0].tolist() == [[1, 2], [5, 6]]


def test_the_mean_image_is_cropped_alike(tmp_path):
    mean = np.arange(24, dtype=np.float32).reshape(1, 2, 3, 4) / 4
    got = transform(f"crop_size: 2 {mean_file(tmp_path, mean)}")
    assert np.array_equal(got[0], [[0.75, 1.5], [3.75, 4.5]])


def test_of_a_mirrored_image_the_mean_is_mirrored_too(tmp_path):
    text = f"mirror: true {mean_file(tmp_path, np.eye(3, 4, dtype=np.float32)[None, None].repeat(2, 1))}"
    straight = IMAGE - np.eye(3, 4, dtype=np.float32)
    found = [transform(text, seed=seed) for seed in range(20)]
    assert all(np.array_equal(got, straight) or np.array_equal(got, straight[..., ::-1]) for got in found)
    assert 3 < sum(np.array_equal(got, straight) for got in found) < 17


@pytest.mark.parametrize("phase", [pb.TRAIN, pb.TEST])
def test_half_are_mirrored_in_either_phase(phase):
    made = transformer("mirror: true", phase)
    mirrored = sum(bool(made.transform(IMAGE, "it")[0, 0, 0] == 3) for _ in range(2000))
    assert abs(mirrored - 1000) < 5 * np.sqrt(500)  # five standard deviations


def test_crops_are_anywhere_in_train_and_equally_often():
    made = transformer("crop_size: 2", pb.TRAIN)
    corners = [int(made.transform(IMAGE, "it")[0, 0, 0]) for _ in range(3000)]
    values, counts = np.unique(corners, return_counts=True)
    assert values.tolist() == [0, 1, 2, 4, 5, 6]  # two rows of three places
    assert np.abs(counts - 500).max() < 5 * np.sqrt(3000 * (1 / 6) * (5 / 6))


def test_the_same_seed_gives_the_same_stream():
    made = [transformer("crop_size: 2 mirror: true", pb.TRAIN, seed=3) for _ in range(2)]
    for _ in range(10):
        assert np.array_equal(*(one.transform(IMAGE, "it") for one in made))


def test_chance_is_needed_for_mirrors_and_for_crops_in_train():
    assert not needs_random(pb.TransformationParameter(crop_size=2), pb.TEST)
    assert needs_random(pb.TransformationParameter(crop_size=2), pb.TRAIN)
    assert needs_random(pb.TransformationParameter(mirror=True), pb.TEST)
    assert not needs_random(pb.TransformationParameter(), pb.TRAIN)


def test_what_does_not_fit(tmp_path):
    mean = mean_file(tmp_path, np.zeros((1, 2, 4, 3), np.float32))
    cases = {
        "mean_value: 1 mean_value: 2 mean_value: 3": "3 mean_value entries, and it has 2 channels",
        f"{mean} mean_value: 1": "has both mean_file and mean_value",
        "crop_size: 4": "crop_size 4 is larger than it, which is 3x4",
        mean: r"mean\.binaryproto is \(2, 4, 3\), and it \(2, 3, 4\)",
        'mean_file: "nowhere"': "nowhere: no such file",
    }
    for text, message in cases.items():
        with pytest.raises(DgnamError, match=message):
            transform(text)


def test_a_mean_of_three_axes_is_no_image_as_in_caffe(tmp_path):
    # Caffe's legacy axes count from the front: channels are the second of the three.
    with pytest.raises(CaffeError, match=r"is \(3, 4, 1\), and it"):
        transform(mean_file(tmp_path, np.zeros((2, 3, 4), np.float32)))


def test_color_of_encoded_data():
    assert transformer().color == "native"
    assert transformer("force_color: true").color == "color"
    assert transformer("force_gray: true").color == "gray"
    with pytest.raises(CaffeError, match="layer 'd': transform_param has both force_color and force_gray"):
        _ = transformer("force_gray: true force_color: true").color
