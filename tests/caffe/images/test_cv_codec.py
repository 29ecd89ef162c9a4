"""Image files as OpenCV decodes them: hand-derived cases of channels, gray, alpha, depth and orientation."""

import io

import numpy as np
import pytest
from PIL import Image

from dgnam.caffe.images.cv_codec import decode_image, encode_image, has_extension, read_image
from dgnam.errors import CaffeFormatError, DgnamError
from tests.caffe.made_databases import noise


def saved(image: Image.Image, kind: str, **options: object) -> bytes:
    out = io.BytesIO()
    image.save(out, kind, **options)
    return out.getvalue()


def picture(*values: object, mode: str | None = None) -> Image.Image:
    return Image.fromarray(np.array(values, np.uint8), mode)


RGB = noise(5, 7, 3)


@pytest.mark.parametrize("kind", ["PNG", "BMP", "PPM", "TIFF"])
def test_channels_are_blue_green_red(kind):
    encoded = saved(Image.fromarray(RGB), kind)
    for color in ("color", "native"):
        assert np.array_equal(decode_image(encoded, "x", color), RGB[..., ::-1])


def test_a_gray_image_has_one_channel_natively_and_three_in_color():
    encoded = saved(Image.fromarray(RGB[..., 0]), "PNG")
    assert np.array_equal(decode_image(encoded, "x", "native"), RGB[..., :1])
    assert np.array_equal(decode_image(encoded, "x", "gray"), RGB[..., :1])
    assert np.array_equal(decode_image(encoded, "x", "color"), RGB[..., [0, 0, 0]])


@pytest.mark.parametrize(
    ("kind", "red", "green", "blue"),
    [
        # 9797, 19234 and 3737 of 32768, cut off: 200 * 9797 / 32768 = 59.8; 117.4; 22.8
        ("PNG", 59, 117, 22),
        # 4899, 9617 and 1868 of 16384, rounded: 59.8; 117.4; 22.8
        ("BMP", 60, 117, 23),
    ],
)
def test_gray_of_colors(kind, red, green, blue):
    encoded = saved(picture([[200, 0, 0], [0, 200, 0], [0, 0, 200], [77, 77, 77]]), kind)
    assert decode_image(encoded, "x", "gray").ravel().tolist() == [red, green, blue, 77]


def test_gray_of_a_jpeg_is_its_luminance():
    encoded = saved(Image.fromarray(noise(16, 16, 3)), "JPEG", quality=95)
    with Image.open(io.BytesIO(encoded)) as image:
        image.draft("YCbCr", None)
        luminance = np.asarray(image)[..., :1]
    assert np.array_equal(decode_image(encoded, "x", "gray"), luminance)


def test_alpha_is_dropped_or_native():
    rgba = noise(5, 7, 4)
    encoded = saved(Image.fromarray(rgba), "PNG")
    assert np.array_equal(decode_image(encoded, "x", "color"), rgba[..., [2, 1, 0]])
    assert np.array_equal(decode_image(encoded, "x", "native"), rgba[..., [2, 1, 0, 3]])
    gray = saved(Image.fromarray(rgba[..., :2], "LA"), "PNG")
    assert np.array_equal(decode_image(gray, "x", "native"), rgba[..., [0, 0, 0, 1]])
    assert np.array_equal(decode_image(gray, "x", "gray"), rgba[..., :1])


def test_palettes_are_looked_up():
    image = Image.fromarray(RGB).quantize(4)
    colors = np.asarray(image.convert("RGB"))[..., ::-1]
    assert np.array_equal(decode_image(saved(image, "PNG"), "x", "native"), colors)
    with_hole = decode_image(saved(image, "PNG", transparency=0), "x", "native")
    assert np.array_equal(with_hole[..., :3], colors)
    assert np.array_equal(with_hole[..., 3] == 0, np.asarray(image) == 0)


def test_of_16_bits_the_upper_8_count_and_natively_none_do():
    deep = np.array([[0x1234, 0xFF80]], np.uint16)
    encoded = saved(Image.fromarray(deep), "PNG")
    assert decode_image(encoded, "x", "gray").ravel().tolist() == [0x12, 0xFF]
    assert decode_image(encoded, "x", "color")[0, 0].tolist() == [0x12] * 3
    with pytest.raises(CaffeFormatError, match=r"^x: has more than 8 bits per channel"):
        decode_image(encoded, "x", "native")


def test_four_inks():
    # Of one color all over, so that JPEG keeps it; stored inverted, cyan is 255 - 40 = 215 and black 155.
    encoded = saved(Image.new("CMYK", (8, 8), (40, 0, 255, 100)), "JPEG", quality=100, subsampling=0)
    blue, green, red = decode_image(encoded, "x", "color")[4, 4].tolist()
    # black - ((255 - ink) * black >> 8): 155 - (40 * 155 >> 8), 155 - 0, 155 - (255 * 155 >> 8)
    assert (red, green, blue) == (131, 155, 1)


@pytest.mark.parametrize(
    ("orientation", "corner"), [(1, "rg"), (2, "gr"), (3, "wb"), (4, "bw"), (5, "rb"), (6, "br"), (7, "wg"), (8, "gw")]
)
def test_the_orientation_of_a_jpeg_is_applied_but_not_natively(orientation, corner):
    # Quadrants: red, green above; blue, white below.  Named is the upper row after turning.
    quadrants = np.repeat(np.repeat([[[255, 0, 0], [0, 255, 0]], [[0, 0, 255], [255] * 3]], 16, 0), 24, 1)
    exif = Image.Exif()
    exif[0x0112] = orientation
    encoded = saved(Image.fromarray(quadrants.astype(np.uint8)), "JPEG", quality=95, exif=exif)
    turned = decode_image(encoded, "x", "color")
    assert turned.shape == ((32, 48, 3) if orientation < 5 else (48, 32, 3))
    names = {(255, 0, 0): "r", (0, 255, 0): "g", (0, 0, 255): "b", (255, 255, 255): "w"}
    ends = [tuple(int(v) for v in (turned[4, k][::-1] > 128) * 255) for k in (4, -4)]
    assert "".join(names[end] for end in ends) == corner
    assert decode_image(encoded, "x", "native").shape == (32, 48, 3)


@pytest.mark.parametrize(
    ("encoded", "message"),
    [
        (b"", "not an image of a supported format: JPEG, PNG"),
        (b"nonsense", "not an image of a supported format"),
        (saved(Image.fromarray(RGB), "GIF"), "not an image of a supported format"),
        (saved(Image.fromarray(noise(90, 90, 3)), "PNG")[:5000], "not a readable image"),
        (saved(Image.fromarray(noise(90, 90, 3)), "JPEG")[:2000], "not a readable image"),
        (b"%!PS-Adobe-3.0 EPSF-3.0\n%%BoundingBox: 0 0 9 9\n", "not an image of a supported format"),
    ],
)
def test_what_is_no_image_is_named(encoded, message):
    with pytest.raises(CaffeFormatError, match=rf"^here: {message}"):
        decode_image(encoded, "here", "color")


def test_files_are_named(tmp_path):
    with pytest.raises(DgnamError, match=r"absent\.png: no such file"):
        read_image(tmp_path / "absent.png")
    with pytest.raises(DgnamError, match=r"can't be read|no such file"):
        read_image(tmp_path / ("long" * 100))
    Image.fromarray(RGB).save(tmp_path / "a.png")
    assert read_image(tmp_path / "a.png").shape == (5, 7, 3)
    assert read_image(tmp_path / "a.png", gray=True).shape == (5, 7, 1)


@pytest.mark.parametrize("encoding", ["png", "bmp", "ppm", "tiff", "webp", "PNG"])
def test_lossless_encodings_give_the_image_back(encoding):
    assert np.array_equal(decode_image(encode_image(RGB, encoding), "x", "native"), RGB)


def test_jpeg_has_opencvs_quality():
    expected = saved(Image.fromarray(RGB[..., ::-1]), "JPEG", quality=95)
    assert encode_image(RGB, "jpg") == encode_image(RGB, "jpeg") == expected
    assert decode_image(encode_image(RGB[..., :1], "jpg"), "x", "native").shape == (5, 7, 1)


def test_encodings_that_can_not_be():
    with pytest.raises(CaffeFormatError, match=r"can't be encoded as 'pgn'.*: png"):
        encode_image(RGB, "pgn")
    with pytest.raises(CaffeFormatError, match="of 3 channels can't be encoded as 'pgm'"):
        encode_image(RGB, "pgm")


def test_extensions():
    assert has_extension("a/b.JPG", "jpg")
    assert has_extension("a.jpeg", "JPG")
    assert not has_extension("a.jpg", "jpeg")
    assert not has_extension("a.png.jpg", "png")


def test_it_is_what_opencv_does():
    cv2 = pytest.importorskip("cv2", reason="the comparison needs opencv-python-headless")
    for kind in ("PNG", "BMP", "PPM"):
        encoded = saved(Image.fromarray(noise(40, 50, 3)), kind)
        expected = cv2.imdecode(np.frombuffer(encoded, np.uint8), cv2.IMREAD_COLOR)
        assert np.array_equal(decode_image(encoded, "x", "color"), expected)
