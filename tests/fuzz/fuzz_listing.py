"""Listings of pictures: of an image set in a folder, and of the ImageData layer."""

from __future__ import annotations

from pathlib import Path

from PIL import Image

from dgnam.caffe import TEST, Net
from dgnam.data.dataset import open_dataset
from dgnam.errors import naming

FILE = "hostile/val.txt"

NET = """layer { name: "d" type: "ImageData" top: "d" top: "y" image_data_param {
  source: "%s" root_folder: "%s/" batch_size: 2 new_height: 3 new_width: 5 } data_param { prefetch: 0 } }"""


def seeds() -> list[bytes]:
    return [b"a.png 0\na.png 1\n", b"my a.png 2147483647\r\n../hostile/a.png -1\na.png"]


def read(path: Path) -> None:
    if not (path.parent / "a.png").exists():
        Image.new("RGB", (4, 6), (1, 2, 3)).save(path.parent / "a.png")
        (path.parent.parent / "net.prototxt").write_text(NET % (path, path.parent))
    failure: Exception | None = None
    for reader in (lambda: open_dataset("hostile-val", folder=path.parent.parent).in_memory(), lambda: _layer(path)):
        try:
            reader()
        except RuntimeError as error:
            failure = error
    if failure is not None:
        raise failure


def _layer(path: Path) -> None:
    net = Net(str(path.parent.parent / "net.prototxt"), TEST)
    with naming(path):  # a pass's own errors name the layer
        net.forward()
