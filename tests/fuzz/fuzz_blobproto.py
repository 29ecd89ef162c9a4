"""Mean images: one blob in a file."""

from __future__ import annotations

from pathlib import Path

from dgnam.caffe.proto import pb, read_blobproto

FILE = "hostile.binaryproto"


def seeds() -> list[bytes]:
    old = pb.BlobProto(num=1, channels=3, height=2, width=2, data=range(12))
    new = pb.BlobProto(shape=pb.BlobShape(dim=[3, 2]), double_data=range(6), diff=range(6))
    return [old.SerializeToString(), new.SerializeToString()]


def read(path: Path) -> None:
    read_blobproto(path)
