"""Picture files that claim more pixels than memory can hold are refused before they are decoded."""

import io

import pytest
from PIL import Image

from dgnam.data.decode import decode_picture
from dgnam.data.picture import BrokenPictureError
from dgnam.errors import FormatError
from dgnam.files import images
from dgnam.files.images import open_image


def png(width, height):
    out = io.BytesIO()
    Image.new("L", (width, height)).save(out, format="PNG")
    return out.getvalue()


def test_the_limit_on_pixels_is_kept(monkeypatch):
    monkeypatch.setattr(images, "MAX_PIXELS", 60)
    with open_image(io.BytesIO(png(10, 6))) as image:
        assert image.size == (10, 6)
    for width, height in ((61, 1), (1, 61), (8, 8)):
        with pytest.raises(FormatError, match=f"claims {width}x{height} pixels; at most 60"):
            open_image(io.BytesIO(png(width, height))).__enter__()
    with pytest.raises(BrokenPictureError, match=r"p\.png: .*8x8"):
        decode_picture(png(8, 8), "p.png")


def test_more_than_8192_by_8192_pixels_are_refused():
    """Fewer than Pillow's own limit, of which it only warns."""
    with pytest.raises(FormatError, match="claims 8192x8193 pixels; at most 67108864"):
        open_image(io.BytesIO(png(8192, 8193))).__enter__()
