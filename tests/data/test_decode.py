"""One decoder for all that reads pictures: depth, orientation, palettes, alpha, CMYK, and refused files."""

import io
import os
import zipfile

import numpy as np
import pytest
from PIL import Image

from dgnam.am.starts.image import read_image
from dgnam.caffe.databases.backends import create_database
from dgnam.caffe.databases.datum import encoded_datum
from dgnam.data import decode
from dgnam.data.dataset import Dataset, open_dataset
from dgnam.data.decode import decode_picture, read_picture
from dgnam.data.picture import BrokenPictureError, DataError
from dgnam.errors import DgnamError, FormatError

GRADIENT = (np.arange(48).reshape(6, 8) * 5).astype(np.uint8)
COLORS = np.random.default_rng(0).integers(0, 256, (6, 8, 3)).astype(np.uint8)


def encoded(image: Image.Image, kind: str, **options) -> bytes:
    out = io.BytesIO()
    image.save(out, kind, **options)
    return out.getvalue()


def readings(folder, content: bytes, suffix: str) -> list[np.ndarray]:
    """A picture as each kind of dataset reads it, streaming and by index."""
    name = f"a.{suffix}"
    pictures = folder / "pictures"
    (pictures / "class").mkdir(parents=True)
    (pictures / "class" / name).write_bytes(content)
    (folder / "list.txt").write_text(f"pictures/class/{name} 0\n")
    with zipfile.ZipFile(folder / "x.zip", "w") as archive:
        archive.writestr(name, content)
        archive.writestr("val.txt", f"{name} 0\n")
    writer = create_database(folder / "db", "lmdb")
    writer.put(b"0", encoded_datum(content, 0).SerializeToString())
    writer.commit()
    writer.close()
    datasets = [open_dataset(folder / name) for name in ("pictures", "list.txt", "x.zip", "db")]
    return [
        read_picture(pictures / "class" / name),
        *(picture.read() for dataset in datasets for picture in dataset),
        *(dataset.take(slice(None))[0][0] for dataset in datasets),
    ]


@pytest.mark.parametrize("kind", ["PNG", "TIFF", "PPM"])
def test_deep_gray_becomes_its_upper_byte(tmp_path, kind):
    deep = Image.fromarray(GRADIENT.astype(np.uint16) * 256 + 77)
    content = encoded(deep, kind)
    for found in readings(tmp_path, content, kind.lower()):
        assert np.array_equal(found, np.repeat(GRADIENT[..., None], 3, 2))
    assert np.array_equal(decode_picture(content, "x", gray=True)[..., 0], GRADIENT)


@pytest.mark.parametrize("kind", ["JPEG", "PNG", "WEBP", "TIFF"])
@pytest.mark.parametrize(("orientation", "turns"), [(6, -1), (3, 2), (8, 1)])
def test_orientation_is_applied_everywhere(tmp_path, kind, orientation, turns):
    exif = Image.Exif()
    exif[0x0112] = orientation
    options = {"quality": 100, "subsampling": 0} if kind == "JPEG" else {"lossless": True} if kind == "WEBP" else {}
    plain = decode_picture(encoded(Image.fromarray(COLORS), kind, **options), "plain")
    content = encoded(Image.fromarray(COLORS), kind, exif=exif, **options)
    for found in readings(tmp_path, content, kind.lower()):
        assert np.array_equal(found, np.rot90(plain, turns))


def test_starts_read_pictures_the_same_way(tmp_path):
    Image.fromarray(GRADIENT.astype(np.uint16) * 257).save(tmp_path / "deep.png")
    Image.fromarray(GRADIENT).save(tmp_path / "plain.png")
    deep, plain = (read_image(tmp_path / f"{name}.png", (6, 8), np.zeros(3)) for name in ("deep", "plain"))
    assert np.array_equal(deep, plain)


def test_palettes_and_alpha():
    palette = Image.fromarray(COLORS).quantize(16)
    assert np.array_equal(decode_picture(encoded(palette, "PNG"), "x"), np.asarray(palette.convert("RGB")))
    seen = Image.fromarray(np.dstack([COLORS, GRADIENT]), "RGBA")
    assert np.array_equal(decode_picture(encoded(seen, "PNG"), "x"), COLORS)
    assert np.array_equal(decode_picture(encoded(palette, "GIF"), "x"), np.asarray(palette.convert("RGB")))


def test_cmyk_becomes_rgb():
    inks = np.zeros((8, 8, 4), np.uint8)
    inks[..., 0] = 255
    found = decode_picture(encoded(Image.fromarray(inks, "CMYK"), "JPEG"), "x")
    assert found.shape == (8, 8, 3)
    assert found[0, 0, 0] < 60
    assert found[0, 0, 1] > 200


def test_gray_pictures_of_arrays_have_the_luminance():
    dataset = Dataset.of_arrays("one", COLORS[None])
    red, green, blue = (COLORS[..., k].astype(float) for k in range(3))
    gray = dataset[0].read(gray=True)[..., 0]
    assert np.abs(gray - (0.299 * red + 0.587 * green + 0.114 * blue)).max() < 1


def test_unreadable_files_are_named(tmp_path, monkeypatch):
    (tmp_path / "a.png").write_bytes(b"no picture")
    with pytest.raises(BrokenPictureError, match=r"a\.png: not an image of a supported format"):
        read_picture(tmp_path / "a.png")
    with pytest.raises(DgnamError, match=r"b\.png: no such file"):
        read_picture(tmp_path / "b.png")
    with pytest.raises(FormatError, match="is a folder, not a file"):
        read_picture(tmp_path)
    monkeypatch.setattr(decode, "LARGEST_FILE", 5)
    with pytest.raises(BrokenPictureError, match=r"a\.png: is larger than 5 bytes"):
        read_picture(tmp_path / "a.png")


def test_pipes_and_devices_are_refused(tmp_path):
    os.mkfifo(tmp_path / "pipe.png")
    (tmp_path / "list.txt").write_text("pipe.png 0\n/dev/zero 0\n")
    listed = list(open_dataset(tmp_path / "list.txt"))
    for picture in (*listed, *open_dataset(tmp_path)):
        with pytest.raises(BrokenPictureError, match=r"(pipe\.png|/dev/zero): is a device or pipe, not a file"):
            picture.read()
    with pytest.raises(DataError, match="is a device or pipe"):
        open_dataset(tmp_path / "list.txt").take(slice(None))
    with pytest.raises(FormatError, match=r"pipe\.png: is a device or pipe, not a file"):
        open_dataset(tmp_path / "pipe.png")
