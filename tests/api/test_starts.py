"""Starts from text, with the small generator and its encoder."""

import io
import zipfile

import numpy as np
import pytest
import torch
from PIL import Image

from dgnam.am import MeanImageStart, NoiseStart, PixelPrior, RandomStart, ZeroStart
from dgnam.api.priors import open_prior
from dgnam.api.starts import open_start
from dgnam.data.picture import DataError
from dgnam.data.preprocessing import MEAN_BGR
from dgnam.errors import DgnamError


@pytest.fixture(scope="module")
def prior():
    return open_prior("deepsim-fc6-mini", (56, 56))


@pytest.fixture
def listing(tmp_path):
    """Six pictures, bright ones and dark ones, of class 187, which is lemon, and one of another."""
    draw = np.random.default_rng(0)
    lines = []
    for k in range(7):
        pixels = draw.integers(0, 60, (64, 64, 3)) + (190 if k % 2 else 0)
        Image.fromarray(pixels.astype(np.uint8)).save(tmp_path / f"{k}.png")
        lines.append(f"{k}.png {187 if k < 6 else 3}")
    (tmp_path / "list.txt").write_text("\n".join(lines) + "\n")
    return tmp_path / "list.txt"


def test_without_text_it_is_the_priors_own(prior):
    assert open_start(None, prior) == RandomStart() == open_start("random", prior)
    assert open_start("zero", prior) == ZeroStart()
    pixels = open_prior("yosinski2015", (56, 56))
    assert isinstance(open_start(None, pixels), NoiseStart)


def test_a_picture_is_its_code_and_in_pixels_itself(prior, listing):
    path = listing.parent / "1.png"
    code = open_start(f"image:{path}", prior).codes([0, 5], (384,))
    assert code.shape == (2, 384)
    assert (code >= 0).all()
    assert code.max() > 1
    pixels = open_prior("pixels", (56, 56))
    assert isinstance(pixels.prior, PixelPrior)
    assert open_start(f"image:{path}", pixels) == MeanImageStart.of(str(path))


def test_clusters_of_a_class_by_number_and_by_name(prior, listing):
    by_number = open_start(f"cluster:{listing}:187:2", prior)
    by_name = open_start(f"cluster:{listing}:lemon:2", prior)
    codes = by_number.codes([0, 1, 2], (384,))
    assert np.array_equal(codes, by_name.codes([0, 1, 2], (384,)))
    assert np.array_equal(codes[0], codes[2])
    assert not np.array_equal(codes[0], codes[1])
    groups = [sorted(int(name.rsplit("/", 1)[-1][0]) % 2 for name in cluster) for cluster in by_name.members]
    assert groups in ([[0, 0, 0], [1, 1, 1]], [[1, 1, 1], [0, 0, 0]])


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("rnadom", "give one of random"),
        ("image:", "give one of image:FILE"),
        ("image:nothing.png", "no such file"),
        ("cluster:LIST:lemno:2", "no class 'lemno'"),
        ("cluster:LIST:187", "write cluster:PICTURES:CLASS:K"),
        ("cluster:LIST:187:0", "cannot be partitioned into 0 clusters"),
        ("cluster:LIST:187:7", "cannot be partitioned into 7 clusters"),
        ("cluster:LIST:5:2", "none of its pictures"),
        ("mean:LIST", "start in pixels, and prior 'deepsim-fc6-mini' takes codes; cluster:"),
    ],
)
def test_what_is_no_start_is_one_error(prior, listing, text, message):
    with pytest.raises((DgnamError, DataError), match=message):
        open_start(text.replace("LIST", str(listing)), prior).codes([0], (384,))


def test_pictures_have_no_codes_where_no_encoder_is_known(tiny_nets, listing):
    own = open_prior(tiny_nets / "generator.prototxt", (28, 28), weights=tiny_nets / "generator.h5")
    with pytest.raises(DgnamError, match="inverts no known encoder"):
        open_start(f"image:{listing.parent / '1.png'}", own)


@pytest.fixture
def folders(tmp_path):
    """Pictures in the folders apple and pear: red ones and yellow ones, and green ones."""
    draw = np.random.default_rng(0)
    colors = {"apple": [(220, 20, 20), (220, 200, 20)], "pear": [(20, 200, 20)]}
    for name, kinds in colors.items():
        (tmp_path / "fruit" / name).mkdir(parents=True)
        for k in range(8):
            pixels = np.clip(np.array(kinds[k % len(kinds)]) + draw.normal(0, 10, (64, 64, 3)), 0, 255)
            Image.fromarray(pixels.astype(np.uint8)).save(tmp_path / "fruit" / name / f"{k}.png")
    return tmp_path / "fruit"


def colors(prior, start, seeds):
    """The mean color, RGB, of the first image for each seed."""
    codes = start.codes(seeds, prior.prior.code_shape)
    images = prior.prior(torch.from_numpy(codes)).numpy() + np.reshape(MEAN_BGR, (3, 1, 1))
    return images.mean((2, 3))[:, ::-1]


@pytest.mark.parametrize("name", ["pixels", "nguyen2016", "olah2017"])
def test_the_mean_of_pictures_starts_each_pixel_prior(folders, name):
    pixels = open_prior(name, (56, 56))
    assert np.abs(colors(pixels, open_start(f"mean:{folders}", pixels), [0])[0] - (120, 155, 20)).max() < 4
    apple = colors(pixels, open_start(f"mean:{folders}:apple", pixels), [0, 7])
    assert np.abs(apple - (220, 110, 20)).max() < 4
    assert np.array_equal(apple[0], apple[1])
    assert np.abs(colors(pixels, open_start(f"mean:{folders}:1", pixels), [0]) - (20, 200, 20)).max() < 4
    picture = colors(pixels, open_start(f"image:{folders / 'pear' / '0.png'}", pixels), [0])
    assert np.abs(picture - (20, 200, 20)).max() < 4


def test_the_mean_pictures_of_clusters_are_facets(folders):
    pixels = open_prior("nguyen2016", (56, 56))
    start = open_start(f"mean:{folders}:apple:2", pixels)
    kinds = [{int(name.rsplit("/", 1)[-1][0]) % 2 for name in cluster} for cluster in start.members]
    assert sorted(map(tuple, kinds)) == [(0,), (1,)]
    found = colors(pixels, start, [0, 1, 2])
    red, yellow = (0, 1) if kinds[0] == {0} else (1, 0)
    assert np.abs(found[red] - (220, 20, 20)).max() < 4
    assert np.abs(found[yellow] - (220, 200, 20)).max() < 4
    assert np.array_equal(found[0], found[2])
    record = start.as_dict()
    assert (record["start"], record["k"], record["nearest"]) == ("mean pictures of clusters", 2, 15)
    assert (record["net"], record["layer"]) == ("caffenet-mini", "fc7")
    whole = open_start(f"mean:{folders}:all:3", pixels)
    assert [len(cluster) for cluster in whole.members] == [8, 4, 4]


def test_at_most_fifteen_pictures_are_averaged(tmp_path):
    for k in range(20):
        value = 100 if k < 16 else 250
        Image.fromarray(np.full((56, 56, 3), value + k % 16, np.uint8)).save(tmp_path / f"{k:02}.png")
    pixels = open_prior("pixels", (56, 56))
    assert colors(pixels, open_start(f"mean:{tmp_path}", pixels), [0]).mean() > 130
    one = open_start(f"mean:{tmp_path}:all:1", pixels)
    assert 100 < colors(pixels, one, [0]).mean() < 120


def test_brackets_of_a_source_are_no_class(tmp_path, monkeypatch):
    monkeypatch.setenv("DGNAM_DATA", str(tmp_path))
    with zipfile.ZipFile(tmp_path / "toy-train.zip", "w") as zipped:
        for k in range(10):
            out = io.BytesIO()
            Image.fromarray(np.full((8, 8, 3), 20 * k, np.uint8)).save(out, format="PNG")
            zipped.writestr(f"{k}.png", out.getvalue())
        zipped.writestr("train.txt", "".join(f"{k}.png {k % 2}\n" for k in range(10)))
    pixels = open_prior("pixels", (8, 8))
    assert colors(pixels, open_start("mean:toy-train", pixels), [0]).mean() == pytest.approx(90, abs=0.1)
    assert colors(pixels, open_start("mean:toy-train[::5]", pixels), [0]).mean() == pytest.approx(50, abs=0.1)
    assert colors(pixels, open_start("mean:toy-train[::5]:1", pixels), [0]).mean() == pytest.approx(100, abs=0.1)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("mean:FRUIT:appel", "no class 'appel' among 2; the closest: apple"),
        ("mean:FRUIT:5", "label 5: has no pictures"),
        ("mean:FRUIT:apple:9", "8 pictures cannot be partitioned into 9 clusters"),
        ("mean:nothing", "'nothing' is not a folder or file here"),
        ("maen:FRUIT", "give one of .*mean:PICTURES"),
    ],
)
def test_what_has_no_mean_is_one_error(folders, monkeypatch, tmp_path, text, message):
    monkeypatch.setenv("DGNAM_DATA", str(tmp_path))
    with pytest.raises(DgnamError, match=message):
        open_start(text.replace("FRUIT", str(folders)), open_prior("pixels", (56, 56)))


def test_cluster_takes_the_sources_own_class_names(prior, folders):
    by_name = open_start(f"cluster:{folders}:pear:1", prior)
    assert [len(cluster) for cluster in by_name.members] == [8]
