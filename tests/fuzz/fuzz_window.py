"""Window files, as the WindowData layer takes them."""

from __future__ import annotations

from pathlib import Path

from PIL import Image

from dgnam.caffe import TRAIN, Net
from dgnam.errors import naming

FILE = "hostile/windows.txt"

NET = """layer { name: "d" type: "WindowData" top: "d" top: "y" transform_param { crop_size: 8 mirror: true }
  window_data_param { source: "%s" root_folder: "%s/" batch_size: 4 context_pad: 1 crop_mode: "%s" }
  data_param { prefetch: 0 } }"""
WINDOWS = """# 0
a.png
3
20
16
3
1 0.9 0 0 5 7
2 0.1 3 2 15 19
0 0.2 8 8 8 8
# 1
a.png
3 20 16 1
3 1 2 2 9 9
"""


def seeds() -> list[bytes]:
    return [WINDOWS.encode()]


def read(path: Path) -> None:
    if not (path.parent / "a.png").exists():
        Image.new("RGB", (16, 20), (1, 2, 3)).save(path.parent / "a.png")
        for mode in ("warp", "square"):
            (path.parent / f"{mode}.prototxt").write_text(NET % (path, path.parent, mode))
    for mode in ("warp", "square"):
        net = Net(str(path.parent / f"{mode}.prototxt"), TRAIN)
        with naming(path):  # a pass's own errors name the layer
            net.forward()
