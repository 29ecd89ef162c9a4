"""Starts from text, with the small generator and its encoder."""

import numpy as np
import pytest
from PIL import Image

from dgnam.am import MeanImageStart, NoiseStart, PixelPrior, RandomStart, ZeroStart
from dgnam.api.priors import open_prior
from dgnam.api.starts import open_start
from dgnam.data.picture import DataError
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
    ],
)
def test_what_is_no_start_is_one_error(prior, listing, text, message):
    with pytest.raises((DgnamError, DataError), match=message):
        open_start(text.replace("LIST", str(listing)), prior).codes([0], (384,))


def test_pictures_have_no_codes_where_no_encoder_is_known(tiny_nets, listing):
    own = open_prior(tiny_nets / "generator.prototxt", (28, 28), weights=tiny_nets / "generator.h5")
    with pytest.raises(DgnamError, match="inverts no known encoder"):
        open_start(f"image:{listing.parent / '1.png'}", own)
