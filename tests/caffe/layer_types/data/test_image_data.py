"""ImageData: hand-derived cases of listings, order, sizes and colors."""

from pathlib import Path

import numpy as np
import pytest

import dgnam.caffe as caffe
from dgnam.caffe.images.cv_resize import resize_bilinear
from dgnam.caffe.net import Net
from dgnam.caffe.proto import parse_net, pb
from dgnam.errors import CaffeError, DgnamError, FormatError
from tests.caffe.made_databases import noise, save_bgr

COUNT = 5
IMAGES = [noise(6, 8, 3, seed=k) for k in range(COUNT)]


@pytest.fixture
def folder(tmp_path) -> Path:
    for k, image in enumerate(IMAGES):
        save_bgr(tmp_path / f"{k} of five.png", image)
    (tmp_path / "list.txt").write_text("".join(f"{k} of five.png {10 + k}\n" for k in range(COUNT)))
    return tmp_path


def image_net(folder: Path, options: str = "batch_size: 2", transform: str = "", phase: int = pb.TEST) -> Net:
    return Net(
        parse_net(
            f'layer {{ name: "i" type: "ImageData" top: "data" top: "label" image_data_param '
            f'{{ source: "{folder}/list.txt" root_folder: "{folder}/" {options} }} transform_param {{ {transform} }} }}'
        ),
        phase,
    )


def labels(net: Net, passes: int) -> list[float]:
    return [label for _ in range(passes) for label in net.forward()["label"].tolist()]


def chw(image: np.ndarray) -> np.ndarray:
    return image.transpose(2, 0, 1)


def test_images_in_order_and_round_again(folder):
    net = image_net(folder)
    assert net.blobs["data"].shape == (2, 3, 6, 8)
    assert net.blobs["label"].shape == (2,)
    assert labels(net, 3) == [10, 11, 12, 13, 14, 10]
    assert np.array_equal(net.blobs["data"].data, [chw(IMAGES[4]), chw(IMAGES[0])])


def test_one_image_is_the_batch_where_none_is_given(folder):
    assert image_net(folder, "").blobs["data"].shape == (1, 3, 6, 8)


def test_new_sizes(folder):
    net = image_net(folder, "batch_size: 1 new_height: 5 new_width: 11")
    assert np.array_equal(net.forward()["data"][0], chw(resize_bilinear(IMAGES[0], 5, 11)))
    halved = image_net(folder, "batch_size: 1 new_height: 3 new_width: 4").forward()["data"][0]
    corner = IMAGES[0][:2, :2].astype(int).sum((0, 1))
    assert halved[:, 0, 0].tolist() == ((corner + 2) // 4).tolist()


def test_gray(folder):
    got = image_net(folder, "batch_size: 1 is_color: false").forward()["data"]
    blue, green, red = (IMAGES[0][..., k].astype(int) for k in range(3))
    assert np.array_equal(got[0, 0], 9797 * red + 19234 * green + 3737 * blue >> 15)


def test_transforms(folder):
    got = image_net(folder, "batch_size: 1", "crop_size: 4 mean_value: 10 scale: 0.5").forward()["data"]
    assert np.array_equal(got[0], (chw(IMAGES[0])[:, 1:5, 2:6].astype(np.float32) - 10) / 2)


def test_mirrors_and_a_mean_image(folder):
    mean = np.random.default_rng(0).uniform(0, 255, (3, 6, 8)).astype(np.float32)
    blob = pb.BlobProto(num=1, channels=3, height=6, width=8, data=mean.ravel().tolist())
    (folder / "mean").write_bytes(blob.SerializeToString())
    net = image_net(folder, "batch_size: 5", f'mirror: true mean_file: "{folder}/mean"', pb.TRAIN)
    batches = np.concatenate([net.forward()["data"].copy() for _ in range(8)])
    straight = [chw(image) - mean for image in IMAGES] * 8
    flipped = [np.array_equal(got, image[..., ::-1]) for got, image in zip(batches, straight, strict=True)]
    plain = [np.array_equal(got, image) for got, image in zip(batches, straight, strict=True)]
    assert all(one != other for one, other in zip(flipped, plain, strict=True))
    assert 5 < sum(flipped) < 35


def test_shuffling_takes_each_once_a_round_in_orders_of_the_seed(folder):
    def orders() -> list[list[float]]:
        caffe.set_random_seed(1)
        net = image_net(folder, "batch_size: 5 shuffle: true")
        return [labels(net, 1) for _ in range(8)]

    found = orders()
    assert all(sorted(order) == [10, 11, 12, 13, 14] for order in found)
    assert len({tuple(order) for order in found}) > 4
    assert found == orders()
    caffe.set_random_seed(2)
    assert labels(image_net(folder, "batch_size: 5 shuffle: true"), 8) != [label for order in found for label in order]


def test_skipping_a_random_few(folder):
    firsts = set()
    for seed in range(30):
        caffe.set_random_seed(seed)
        firsts.add(labels(image_net(folder, "batch_size: 1 rand_skip: 3"), 1)[0])
    assert firsts == {10, 11, 12}


def test_skipping_more_than_there_are(folder):
    (folder / "list.txt").write_text("0 of five.png 1\n")
    caffe.set_random_seed(0)
    with pytest.raises(CaffeError, match=r"can't skip \d+ images \(rand_skip\): .*list\.txt lists 1"):
        image_net(folder, "rand_skip: 1000000")


def test_images_of_different_sizes(folder):
    save_bgr(folder / "1 of five.png", noise(7, 5, 3))
    net = image_net(folder, "batch_size: 1")
    assert [net.forward()["data"].shape for _ in range(3)] == [(1, 3, 6, 8), (1, 3, 7, 5), (1, 3, 6, 8)]
    assert image_net(folder, transform="crop_size: 5").forward()["data"].shape == (2, 3, 5, 5)
    with pytest.raises(CaffeError, match=r"list\.txt, line 2: .*1 of five\.png has shape \(3, 7, 5\)"):
        image_net(folder).forward()


@pytest.mark.parametrize(
    ("listing", "options", "message"),
    [
        ("absent.png 1\n", "", r"list\.txt, line 1: .*absent\.png: no such file"),
        ("0 of five.png one\n", "", r"list\.txt, line 1: 'one' is not a label"),
        ("", "", r"list\.txt: the listing is empty"),
        ("list.txt 1\n", "", r"list\.txt, line 1: .*list\.txt: not an image"),
        ("0 of five.png 1\n", "new_height: 5", "needs both new_height and new_width"),
        ("0 of five.png 1\n", "new_height: 99999 new_width: 99999", "larger than a blob can be"),
        ("0 of five.png 1\n", "batch_size: 0", "batch_size must be positive"),
    ],
)
def test_what_can_not_be(folder, listing, options, message):
    (folder / "list.txt").write_text(listing)
    with pytest.raises(DgnamError, match=message):
        image_net(folder, options)


def test_an_image_that_is_missing_further_on(folder):
    (folder / "list.txt").write_text("0 of five.png 1\n\n")
    net = image_net(folder, "batch_size: 1")
    net.forward()
    with pytest.raises(FormatError, match=r"list\.txt, line 2: .* is a folder"):
        net.forward()
