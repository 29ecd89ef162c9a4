"""Pictures, ours and the published ones, and their names."""

import numpy as np
import pytest
from PIL import Image

from dgnam.am import Unit, paper, released, released_from_image, released_googlenet
from dgnam.am.images import (
    conv5_crop,
    file_name,
    objective_stem,
    picture,
    published_picture,
    save,
    save_jpeg,
    save_png,
)


def image_of(*bgr):
    """One row of pixels, each of three BGR values."""
    return np.array(bgr, np.float32).T[:, None, :]


def test_picture_maps_minus_120_to_120_onto_0_to_255():
    pixels = picture(image_of([-120, 0, 120], [-500, 60, 500]))
    assert pixels.dtype == np.uint8
    assert pixels.tolist() == [[[255, 128, 0], [255, 191, 0]]]


def test_published_picture_stretches_each_images_range():
    image = image_of([-60, 0, 0], [0, 0, 60])
    assert published_picture(image).tolist() == [[[128, 128, 0], [255, 128, 128]]]
    assert picture(image).min() == 64


def test_published_picture_cuts_to_120_before_it_stretches():
    assert np.array_equal(published_picture(image_of([-500, 0, 500])), published_picture(image_of([-120, 0, 120])))


def test_published_picture_of_one_color_is_black():
    assert published_picture(image_of([30, 30, 30])).tolist() == [[[0, 0, 0]]]


def test_published_file_is_a_jpeg_of_quality_75(tmp_path):
    pixels = np.random.RandomState(0).randint(0, 256, (16, 16, 3)).astype(np.uint8)
    save_jpeg(tmp_path / "ours.jpg", pixels)
    Image.fromarray(pixels).save(tmp_path / "pillow.jpg", quality=75)
    assert (tmp_path / "ours.jpg").read_bytes() == (tmp_path / "pillow.jpg").read_bytes()


def test_png_round_trip_leaves_no_other_file(tmp_path):
    pixels = np.random.RandomState(0).randint(0, 256, (5, 7, 3)).astype(np.uint8)
    save_png(tmp_path / "unit.png", pixels)
    assert np.array_equal(np.asarray(Image.open(tmp_path / "unit.png")), pixels)
    assert [path.name for path in tmp_path.iterdir()] == ["unit.png"]


def test_conv5_crop_is_163_at_offset_32():
    pixels = np.arange(227 * 227 * 3).reshape(227, 227, 3)
    assert np.array_equal(conv5_crop(pixels), pixels[32:195, 32:195])


@pytest.mark.parametrize(
    ("unit", "settings", "seed", "name"),
    [
        (Unit("fc8", 643), released(), 0, "fc8_0643_200_0.99_8.0__0.jpg"),
        (Unit("loss3/classifier", 7), released_googlenet(), 3, "loss3_classifier_0007_200_0.99_2.0__3.jpg"),
        (Unit("conv5", 55, xy=6), released(n_iters=5, start_lr=8), 0, "conv5_0055_05_0.99_8.0__0.jpg"),
        (Unit("fc8", 945), released_from_image(), 0, "fc8_0945_30_0.99_1.0__0.jpg"),
        (Unit("fc8", 1), paper(), 0, "fc8_0001_200_norm0.005_8.0__0.jpg"),
    ],
)
def test_published_file_name(unit, settings, seed, name):
    assert file_name(unit, settings, seed) == name


def test_file_name_of_other_objectives_is_their_text():
    both = Unit("fc8", 3) + 0.5 * Unit("loss3/classifier", 7)
    assert file_name(both, released(), 1, ".png") == "1_fc8_3+0.5_loss3_classifier_7_200_0.99_8.0__1.png"


def test_file_name_takes_another_suffix():
    assert file_name(Unit("fc8", 643), released(), 0, ".png") == "fc8_0643_200_0.99_8.0__0.png"


@pytest.mark.parametrize("published", [False, True])
def test_an_image_is_saved_under_its_name(tmp_path, published):
    image = np.full((3, 4, 5), 60, np.float32)
    image[0] = -60
    how = {"published": True} if published else {}
    path = save(tmp_path, image, Unit("fc8", 643), released(), 2, **how)
    assert path == tmp_path / f"fc8_0643_200_0.99_8.0__2.{'jpg' if published else 'png'}"
    with Image.open(path) as found:
        assert (found.format, found.size) == ("JPEG" if published else "PNG", (5, 4))
        color = np.asarray(found)[0, 0]
    assert np.allclose(color, [255, 255, 0] if published else [191, 191, 64], atol=3 if published else 0)


def test_texts_are_in_the_metadata(tmp_path):
    save_png(tmp_path / "a.png", np.zeros((2, 2, 3), np.uint8), {"unit": "fc8:3", "seed": "1"})
    assert Image.open(tmp_path / "a.png").text == {"unit": "fc8:3", "seed": "1"}


def test_files_about_an_objective_are_called_by_it():
    found = [objective_stem(one) for one in (Unit("a/b", 7), Unit("conv5", 55, xy=6), 2.0 * Unit("fc8", 3))]
    assert found == ["a_b_0007", "conv5_55@6", "2_fc8_3"]
    assert objective_stem(2.0 * Unit("f" * 100, 3)) == "2_" + "f" * 78
