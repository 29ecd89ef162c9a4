"""Tables of scores, as spreadsheets and other programs save them."""

from __future__ import annotations

from pathlib import Path

from dgnam.am.evolve.stimuli import image_names, read_presentations

FILE = "hostile.csv"


def seeds() -> list[bytes]:
    return [
        b"image,score\r\n00000-00.png,1.5\r\n00000-01.png,lost\r\n",
        b'sep=;\nimage;note;score\n00000-00.png;"a;b";1.234,5\n00000-01.png;;1\n',
        "image\tscore\r00000-00.png\t1\u00a0234,5\r00000-01.png\tnan\r".encode("utf-16"),
    ]


def read(path: Path) -> None:
    for allow_lost in (False, True):
        found = read_presentations(path, image_names(0, 2), "the pictures", allow_lost=allow_lost)
        assert found.means.shape == (2,)
        assert found.rows.shape[1] == 2
