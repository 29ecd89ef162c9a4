"""WindowData: hand-derived cases of which windows are taken, and how they are cut out."""

from collections import Counter
from pathlib import Path

import numpy as np
import pytest

import dgnam.caffe as caffe
from dgnam.caffe.images.cv_resize import resize_bilinear
from dgnam.caffe.layer_types.data.window_data import Cut, cut_of
from dgnam.caffe.layer_types.data.window_file import Window
from dgnam.caffe.net import Net
from dgnam.caffe.proto import parse_net, pb
from dgnam.errors import CaffeError, DgnamError
from tests.caffe.made_databases import noise, save_bgr

ROWS, COLUMNS = 20, 30
IMAGES = [noise(ROWS, COLUMNS, 3, seed=k) for k in range(2)]
OBJECT, BACKGROUND = "3 0.75 2 4 17 11", "5 0.25 1 2 8 9"


def window_net(
    folder: Path,
    windows: tuple[str, str] = (OBJECT, BACKGROUND),
    options: str = "batch_size: 4",
    transform: str = "crop_size: 8",
    phase: int = pb.TEST,
) -> Net:
    """A net on two images, each with windows of its own, a line to each."""
    text = ""
    for k, lines in enumerate(windows):
        save_bgr(folder / f"{k}.png", IMAGES[k])
        boxes = lines.split("\n") if lines else []
        text += "\n".join([f"# {k}", f"{k}.png", "3", str(ROWS), str(COLUMNS), str(len(boxes)), *boxes]) + "\n"
    (folder / "windows.txt").write_text(text)
    return Net(
        parse_net(
            f'layer {{ name: "w" type: "WindowData" top: "data" top: "label" window_data_param '
            f'{{ source: "{folder}/windows.txt" root_folder: "{folder}/" {options} }} '
            f"transform_param {{ {transform} }} }}"
        ),
        phase,
    )


def resized(image: int, x1: int, y1: int, x2: int, y2: int, height: int = 8, width: int = 8) -> np.ndarray:
    """A window of an image, corners included, as (3, height, width)."""
    return resize_bilinear(IMAGES[image][y1 : y2 + 1, x1 : x2 + 1], height, width).transpose(2, 0, 1)


@pytest.mark.parametrize("phase", [pb.TRAIN, pb.TEST])
def test_background_first_and_then_objects(tmp_path, phase):
    net = window_net(tmp_path, phase=phase)
    assert net.blobs["data"].shape == (4, 3, 8, 8)
    assert net.blobs["label"].shape == (4,)
    net.forward()
    # A quarter are objects where nothing else is said.
    assert net.blobs["label"].data.tolist() == [0, 0, 0, 3]
    assert np.array_equal(net.blobs["data"].data[3], resized(0, 2, 4, 17, 11))
    assert np.array_equal(net.blobs["data"].data[0], resized(1, 1, 2, 8, 9))


def test_the_fraction_is_cut_to_a_whole_number(tmp_path):
    net = window_net(tmp_path, options="batch_size: 5 fg_fraction: 0.59")
    assert net.forward()["label"].tolist() == [0, 0, 0, 3, 3]


def test_thresholds(tmp_path):
    windows = "1 0.75 0 0 7 7\n2 0.6 0 0 7 7\n3 0.4 0 0 7 7\n4 0.3 0 0 7 7", "5 0.1 0 0 7 7"
    options = "batch_size: 200 fg_fraction: 0.5 fg_threshold: 0.6 bg_threshold: 0.4"
    net = window_net(tmp_path, windows, options)
    # 0.6 is an object, in float32 as the threshold is; 0.4 is neither; 0.3 is background, whatever its class.
    assert set(net.forward()["label"].tolist()) == {0, 1, 2}
    images = Counter(net.blobs["data"].data[:100].reshape(100, -1).sum(1).tolist())
    assert len(images) == 2


def test_windows_are_drawn_evenly_and_repeat_with_the_seed(tmp_path):
    windows = "\n".join(f"{k} 1 {k} 0 {k + 7} 7" for k in range(1, 5)), BACKGROUND
    drawn = []
    for seed in (1, 1, 2):
        caffe.set_random_seed(seed)
        drawn.append(window_net(tmp_path, windows, "batch_size: 800 fg_fraction: 1").forward()["label"].tolist())
    assert drawn[0] == drawn[1] != drawn[2]
    counts = np.array([drawn[0].count(k) for k in range(1, 5)])
    assert np.abs(counts - 200).max() < 5 * np.sqrt(800 * 0.25 * 0.75)


def test_mirrors(tmp_path):
    net = window_net(tmp_path, options="batch_size: 40 fg_fraction: 1", transform="crop_size: 8 mirror: true")
    straight = resized(0, 2, 4, 17, 11)
    batch = net.forward()["data"]
    flipped = [np.array_equal(image, straight[..., ::-1]) for image in batch]
    assert all(flip or np.array_equal(image, straight) for flip, image in zip(flipped, batch, strict=True))
    assert 5 < sum(flipped) < 35


def test_cut_without_context():
    window = Window(0, 1, 1.0, 2, 4, 17, 11)
    assert cut_of(window, (ROWS, COLUMNS), 8, 0, False, False) == Cut(2, 4, 17, 11, 8, 8)


def test_cut_with_context_within_the_image():
    # A box of 8x8 with its middle at (14, 14), grown by 8 / (8 - 4) = 2: from 14 - 8 to 14 + 8, both included.
    window = Window(0, 1, 1.0, 10, 10, 17, 17)
    assert cut_of(window, (40, 40), 8, 2, False, False) == Cut(6, 6, 22, 22, 8, 8)


def test_cut_with_context_beyond_the_image():
    # The middle at (4, 4), grown from 8 to 17 pixels: -4 to 12.  Four are missing on the left and above, and 13 are
    # there: by 8/17 that is 1.88, so 2, and 6.12, so 6.
    window = Window(0, 1, 1.0, 0, 0, 7, 7)
    assert cut_of(window, (40, 40), 8, 2, False, False) == Cut(0, 0, 12, 12, 6, 6, above=2, left=2)
    # Mirrored, what is missing on the right comes first: nothing.
    assert cut_of(window, (40, 40), 8, 2, False, True) == Cut(0, 0, 12, 12, 6, 6, above=2, left=0)
    # In an image of 10 columns three more are missing on the right, -4 to 12 being cut to 0 to 9: 10 * 8/17 = 4.7.
    assert cut_of(window, (40, 10), 8, 2, False, True) == Cut(0, 0, 9, 12, 6, 5, above=2, left=1)


def test_what_is_rounded_up_twice_still_fits():
    # From -1 to 14, 16 pixels, of which 1 is missing: 0.5 and 7.5 of 8 would make 1 and 8.
    window = Window(0, 1, 1.0, -1, -1, 13, 13)
    assert cut_of(window, (40, 40), 8, 0, True, False) == Cut(0, 0, 14, 14, 7, 7, above=1, left=1)


def test_square_lengthens_the_shorter_side():
    # 16 wide and 8 high, its middle at (10, 8): half sides of 8, so 2 to 18 and 0 to 16, both included.
    window = Window(0, 1, 1.0, 2, 4, 17, 11)
    assert cut_of(window, (40, 40), 8, 0, True, False) == Cut(2, 0, 18, 16, 8, 8)


@pytest.mark.parametrize(("mode", "box"), [("square", (1, 0, 17, 16)), ("warp", (2, 4, 17, 11))])
def test_modes(tmp_path, mode, box):
    # 16 wide and 8 high, its middle at (9, 8): half sides of 8, so 1 to 17 and 0 to 16, both included.
    window = "3 0.75 1 4 16 11" if mode == "square" else OBJECT
    options = f'batch_size: 1 fg_fraction: 1 crop_mode: "{mode}"'
    net = window_net(tmp_path, (window, BACKGROUND), options)
    assert np.array_equal(net.forward()["data"][0], resized(0, *box))


def test_what_lies_outside_is_zero_whatever_the_mean(tmp_path):
    net = window_net(
        tmp_path,
        ("1 1 0 0 7 7", BACKGROUND),
        "batch_size: 1 fg_fraction: 1 context_pad: 2 scale: 0.5",
        "crop_size: 8 mean_value: 100 scale: 3",
    )
    out = net.forward()["data"][0]
    assert np.array_equal(out[:, 2:, 2:], (resized(0, 0, 0, 12, 12, 6, 6) - np.float32(100)) / 2)
    assert not out[:, :2].any()
    assert not out[:, :, :2].any()


def test_of_the_mean_image_a_square_at_the_offset_of_its_width(tmp_path):
    mean = np.random.default_rng(0).uniform(0, 255, (3, 14, 12)).astype(np.float32)
    blob = pb.BlobProto(num=1, channels=3, height=14, width=12, data=mean.ravel().tolist())
    (tmp_path / "mean").write_bytes(blob.SerializeToString())
    net = window_net(
        tmp_path, options="batch_size: 1 fg_fraction: 1", transform=f'crop_size: 8 mean_file: "{tmp_path}/mean"'
    )
    assert np.array_equal(net.forward()["data"][0], resized(0, 2, 4, 17, 11) - mean[:, 2:10, 2:10])
    with pytest.raises(CaffeError, match=r"mean is \(3, 14, 12\): no square of 13"):
        window_net(tmp_path, transform=f'crop_size: 13 mean_file: "{tmp_path}/mean"')


def test_images_may_be_cached(tmp_path):
    net = window_net(tmp_path, options="batch_size: 1 fg_fraction: 1 cache_images: true")
    (tmp_path / "0.png").unlink()
    assert np.array_equal(net.forward()["data"][0], resized(0, 2, 4, 17, 11))
    with pytest.raises(DgnamError, match=r"windows\.txt: .*0\.png: no such file"):
        Net(
            parse_net(
                f'layer {{ name: "w" type: "WindowData" top: "d" top: "l" window_data_param {{ batch_size: 1 '
                f'source: "{tmp_path}/windows.txt" root_folder: "{tmp_path}/" cache_images: true }} '
                "transform_param { crop_size: 8 } }"
            ),
            pb.TEST,
        )


@pytest.mark.parametrize(
    ("windows", "options", "transform", "message"),
    [
        ((OBJECT, ""), "batch_size: 4", "crop_size: 8", "has 1 windows .* and 0 below 0.5; at least one of each"),
        (("", BACKGROUND), "batch_size: 4", "crop_size: 8", "has 0 windows .* and 1 below"),
        (("0 1 0 0 7 7", BACKGROUND), "batch_size: 4", "crop_size: 8", "an object's class is 0"),
        ((OBJECT, BACKGROUND), "batch_size: 4", "", "needs a crop_size"),
        ((OBJECT, BACKGROUND), "", "crop_size: 8", "batch_size must be positive"),
        ((OBJECT, BACKGROUND), "batch_size: 4 context_pad: 4", "crop_size: 8", "context_pad 4 leaves no room"),
        ((OBJECT, BACKGROUND), "batch_size: 4 fg_fraction: 1.5", "crop_size: 8", "fg_fraction 1.5 must lie"),
        ((OBJECT, BACKGROUND), "batch_size: 4", "crop_size: 8 mean_value: 1 mean_value: 2", "2 mean_value entries"),
    ],
)
def test_what_can_not_be(tmp_path, windows, options, transform, message):
    with pytest.raises(CaffeError, match=rf"layer 'w' \(WindowData\): .*{message}"):
        window_net(tmp_path, windows, options, transform)


@pytest.mark.parametrize(
    ("box", "options"),
    [("2 4 30 11", ""), ("40 4 50 11", "context_pad: 1"), ("9 4 5 11", ""), ("9 4 7 11", "context_pad: 1")],
)
def test_windows_outside_of_the_image(tmp_path, box, options):
    net = window_net(tmp_path, (f"1 1 {box}", BACKGROUND), f"batch_size: 1 fg_fraction: 1 {options}")
    with pytest.raises(CaffeError, match=r"windows\.txt: .*doesn't lie in .*0\.png, which is 30 wide and 20 high"):
        net.forward()
