"""The parameters of a layer whose definition holds their values, as in a caffemodel printed as text."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import torch

from ...errors import naming, shortened
from ..blob import Blob
from ..io import blobproto_to_array
from ..layer import Layer, ParamBlob
from ..proto import pb
from .weights import check_stored_shape


def given_blobs(layer: Layer, params: Sequence[ParamBlob]) -> list[ParamBlob]:
    """Return the parameters with the values that the definition itself has, in place of its fillers."""
    with naming(f"layer '{shortened(layer.name)}' ({layer.type})"):
        given = [blobproto_to_array(blob) for blob in layer.definition.blobs]
    if len(given) != len(params):
        raise layer.fail(f"has {len(params)} parameters; its definition has {len(given)} blobs")
    blobs = []
    for i, (array, param) in enumerate(zip(given, params, strict=True)):
        check_stored_shape(f"layer '{layer.name}', parameter {i}", array.shape, param.shape)
        blob = Blob(*param.shape)
        blob.put_data(torch.from_numpy(array.astype(np.float32)).view(param.shape))
        blobs.append(ParamBlob(param.shape, pb.FillerParameter(), made=blob))
    return blobs
