"""Weights and definitions from caffemodels of all three generations and every encoding of the numbers."""

from __future__ import annotations

import struct
from pathlib import Path

from dgnam.caffe.proto import pb, read_caffemodel, read_diffs, read_net_from_caffemodel, read_weights

FILE = "hostile.caffemodel"


def seeds() -> list[bytes]:
    new = pb.NetParameter(name="net")
    blobs = [pb.BlobProto(data=range(12), shape=pb.BlobShape(dim=[2, 6])), pb.BlobProto(num=2, data=[1, 2])]
    blobs[1].channels = blobs[1].height = blobs[1].width = 1
    new.layer.add(name="fc", type="InnerProduct", bottom=["a"], top=["b"], blobs=blobs)
    new.layer.add(name="fc2", blobs=[pb.BlobProto(double_data=[1, 2, 3], shape=pb.BlobShape(dim=[3]))])
    new.layer.add(name="fc3", blobs=[pb.BlobProto(data=[1], diff=[2]), pb.BlobProto(data=[1], double_diff=[2])])
    old = pb.NetParameter(input=["d"])
    old.layers.add(name="v1", type=pb.V1LayerParameter.INNER_PRODUCT, blobs=blobs)
    v0 = pb.NetParameter()
    inner = v0.layers.add(bottom=["d"], top=["e"]).layer
    inner.name, inner.type = "v0", "innerproduct"
    inner.blobs.extend(blobs)
    unpacked = b"".join(b"\x2d" + struct.pack("<f", x) for x in range(4)) + b"\x3a\x02\x08\x04"
    layer = b"\x0a\x01u" + b"\x3a" + bytes([len(unpacked)]) + unpacked
    return [
        *(net.SerializeToString() for net in (new, old, v0)),
        b"\xa2\x06" + bytes([len(layer)]) + layer,
    ]


def read(path: Path) -> None:
    failure: Exception | None = None
    for reader in (read_caffemodel, read_net_from_caffemodel, read_weights, read_diffs):
        try:
            reader(path)
        except RuntimeError as error:
            failure = error
    if failure is not None:
        raise failure
