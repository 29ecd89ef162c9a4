"""The small picture of a run."""

import io
import struct
import zlib

import numpy as np
from PIL import Image

from dgnam.atlas.thumbnail import SIZE, thumbnail
from dgnam.files.encode import png


def write(path, color, size=(8, 8)):
    path.write_bytes(png(np.full((*size, 3), color, np.uint8)))
    return path


def opened(content):
    return np.asarray(Image.open(io.BytesIO(content)))


def test_four_pictures_in_a_square(tmp_path):
    colors = [(250, 0, 0), (0, 250, 0), (0, 0, 250), (250, 250, 250), (0, 0, 0)]
    found = opened(thumbnail([write(tmp_path / f"{k}.png", color) for k, color in enumerate(colors)]))
    assert found.shape == (SIZE, SIZE, 3)
    corners = found[[20, 20, -20, -20], [20, -20, 20, -20]].astype(int)
    assert np.abs(corners - np.array(colors[:4])).max() < 12


def test_one_wide_figure_shows_its_left(tmp_path):
    pixels = np.zeros((8, 40, 3), np.uint8)
    pixels[:, 8:] = 255
    (tmp_path / "x.png").write_bytes(png(pixels))
    assert opened(thumbnail([tmp_path / "x.png"])).mean() < 5


def test_pictures_that_cannot_be_read(tmp_path):
    def chunk(name, content):
        return struct.pack(">I", len(content)) + name + content + struct.pack(">I", zlib.crc32(name + content))

    bomb = (
        b"\x89PNG\r\n\x1a\n"
        + chunk(b"IHDR", struct.pack(">IIBBBBB", 60000, 60000, 8, 2, 0, 0, 0))
        + chunk(b"IEND", b"")
    )
    (tmp_path / "bomb.png").write_bytes(bomb)
    (tmp_path / "text.png").write_text("no picture")
    (tmp_path / "torn.png").write_bytes(write(tmp_path / "x.png", (9, 9, 9), (64, 64)).read_bytes()[:60])
    assert thumbnail([tmp_path / f"{name}.png" for name in ("bomb", "text", "torn", "none")]) is None
    assert thumbnail([]) is None
