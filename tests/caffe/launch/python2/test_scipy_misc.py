"""Old scipy.misc; checksums are those of what SciPy 1.2.3 computed on Python 2.7.18 with Pillow 6.2.2."""

import zlib

import numpy as np
import pytest
from PIL import Image

from dgnam.am.images import published_picture
from dgnam.caffe.launch.python2 import scipy_misc as misc

RAMP = (np.arange(13 * 17 * 3, dtype=np.int64) * 7919 % 1009).reshape(13, 17, 3)
ARRAYS = {
    "float32": (RAMP / np.float32(7) - 50).astype(np.float32),
    "float64": RAMP / 3.0 - 100,
    "uint8": (RAMP % 256).astype(np.uint8),
    "int64": RAMP[..., 0] - 500,
    "channels first": RAMP[:9, :7].transpose(2, 0, 1) / 9.0,
    "one color": np.ones((4, 5)),
}


def checksum(array):
    return array.shape, array.dtype.name, zlib.crc32(np.ascontiguousarray(array).tobytes())


CALLS = {
    "bytescale": misc.bytescale,
    "limits": lambda a: misc.bytescale(a, cmin=-20, cmax=30, high=200, low=10),
    "toimage": lambda a: np.array(misc.toimage(a)),
    "half": lambda a: misc.imresize(a, 50),
    "factor": lambda a: misc.imresize(a, 1.5, "bicubic"),
    "size": lambda a: misc.imresize(a, (11, 5), interp="nearest"),
    "rotated": lambda a: misc.imrotate(a, 30),
    "blurred": lambda a: misc.imfilter(a, "blur"),
}

EXPECTED = {
    ("bytescale", "float32"): ((13, 17, 3), "uint8", 2660681595),
    ("bytescale", "float64"): ((13, 17, 3), "uint8", 2660681595),
    ("bytescale", "uint8"): ((13, 17, 3), "uint8", 2835023959),
    ("bytescale", "int64"): ((13, 17), "uint8", 3991549578),
    ("bytescale", "channels first"): ((3, 9, 7), "uint8", 158214053),
    ("bytescale", "one color"): ((4, 5), "uint8", 265657229),
    ("limits", "float32"): ((13, 17, 3), "uint8", 2983079929),
    ("limits", "float64"): ((13, 17, 3), "uint8", 830743893),
    ("limits", "uint8"): ((13, 17, 3), "uint8", 2835023959),
    ("limits", "int64"): ((13, 17), "uint8", 1646793279),
    ("limits", "channels first"): ((3, 9, 7), "uint8", 801967806),
    ("limits", "one color"): ((4, 5), "uint8", 3560414192),
    ("toimage", "float32"): ((13, 17, 3), "uint8", 2660681595),
    ("toimage", "float64"): ((13, 17, 3), "uint8", 2660681595),
    ("toimage", "uint8"): ((13, 17, 3), "uint8", 2835023959),
    ("toimage", "int64"): ((13, 17), "uint8", 3991549578),
    ("toimage", "channels first"): ((9, 7, 3), "uint8", 1273910329),
    ("toimage", "one color"): ((4, 5), "uint8", 265657229),
    ("half", "float32"): ((6, 8, 3), "uint8", 2408799197),
    ("half", "float64"): ((6, 8, 3), "uint8", 2408799197),
    ("half", "uint8"): ((6, 8, 3), "uint8", 464140435),
    ("half", "int64"): ((6, 8), "uint8", 360660093),
    ("half", "channels first"): ((4, 3, 3), "uint8", 1486337912),
    ("half", "one color"): ((2, 2), "uint8", 558161692),
    ("factor", "float32"): ((19, 25, 3), "uint8", 67152260),
    ("factor", "float64"): ((19, 25, 3), "uint8", 67152260),
    ("factor", "uint8"): ((19, 25, 3), "uint8", 944919775),
    ("factor", "int64"): ((19, 25), "uint8", 2010887173),
    ("factor", "channels first"): ((13, 10, 3), "uint8", 1926745376),
    ("factor", "one color"): ((6, 7), "uint8", 3832490235),
    ("size", "float32"): ((11, 5, 3), "uint8", 213842406),
    ("size", "float64"): ((11, 5, 3), "uint8", 213842406),
    ("size", "uint8"): ((11, 5, 3), "uint8", 3544682559),
    ("size", "int64"): ((11, 5), "uint8", 2698267777),
    ("size", "channels first"): ((11, 5, 3), "uint8", 3810284629),
    ("size", "one color"): ((11, 5), "uint8", 289129025),
    ("rotated", "float32"): ((13, 17, 3), "uint8", 1334666322),
    ("rotated", "float64"): ((13, 17, 3), "uint8", 1334666322),
    ("rotated", "uint8"): ((13, 17, 3), "uint8", 2228890623),
    ("rotated", "int64"): ((13, 17), "uint8", 3355380450),
    ("rotated", "channels first"): ((9, 7, 3), "uint8", 613277484),
    ("rotated", "one color"): ((4, 5), "uint8", 265657229),
    ("blurred", "float32"): ((13, 17, 3), "uint8", 1877915904),
    ("blurred", "float64"): ((13, 17, 3), "uint8", 1877915904),
    ("blurred", "uint8"): ((13, 17, 3), "uint8", 1535658601),
    ("blurred", "int64"): ((13, 17), "uint8", 1655134513),
    ("blurred", "channels first"): ((9, 7, 3), "uint8", 721396484),
    ("blurred", "one color"): ((4, 5), "uint8", 265657229),
}


@pytest.mark.parametrize("name", ARRAYS)
@pytest.mark.parametrize("call", CALLS)
def test_results_are_scipys(name, call):
    assert checksum(CALLS[call](ARRAYS[name])) == EXPECTED[call, name]


def test_files(tmp_path):
    picture = ARRAYS["uint8"]
    misc.imsave(tmp_path / "a.png", picture)
    assert np.array_equal(misc.imread(tmp_path / "a.png"), picture)
    assert misc.imread(tmp_path / "a.png", flatten=True).dtype == np.float32
    assert misc.imread(tmp_path / "a.png", mode="L").shape == picture.shape[:2]
    misc.imsave(tmp_path / "b", picture, "png")
    assert np.array_equal(misc.imread(tmp_path / "b"), picture)
    Image.fromarray(picture).quantize(4).save(tmp_path / "palette.png")
    assert misc.imread(tmp_path / "palette.png").shape == picture.shape


def test_saved_values_are_stretched_as_in_published_pictures():
    image = np.random.default_rng(0).normal(0, 60, (3, 8, 9)).astype(np.float32)
    shown = (np.clip(image[::-1].transpose(1, 2, 0), -120, 120).astype(np.float64) + 120) / 240
    assert np.array_equal(misc.bytescale(shown), published_picture(image))


@pytest.mark.parametrize(
    ("call", "reason"),
    [
        (lambda: misc.toimage(np.zeros((2, 5, 6))), "suitable array shape"),
        (lambda: misc.toimage(np.zeros((3, 5, 6)), channel_axis=2), "Channel axis"),
        (lambda: misc.toimage(np.zeros((2, 2), complex)), "complex"),
        (lambda: misc.bytescale(np.zeros(2), cmin=2, cmax=1), "cmax"),
        (lambda: misc.imfilter(np.zeros((4, 4)), "nothing"), "filter"),
    ],
)
def test_what_is_no_picture(call, reason):
    with pytest.raises(ValueError, match=reason):
        call()
