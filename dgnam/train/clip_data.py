"""The data layer of nets that see clips: a Python layer, as LRCN's nets have one.

    layer {
      name: "data" type: "Python" top: "data" top: "label"
      python_param {
        module: "dgnam.train.clip_data" layer: "ClipData"
        param_str: '{"source": "sports64-train", "resize": [80, 80], "window": 56, "label": "motion", "clips": 12}'
      }
    }

The trainers read these options and make the batches themselves.  In a net that `dgnam.caffe` runs, the layer does,
where Python layers are allowed (`caffe.allow_python_layers()`).
"""

from __future__ import annotations

from .data_layer import DataLayer, clip_layer
from .python_data_layer import PythonDataLayer


class ClipData(PythonDataLayer):
    """Frames (frames * clips, 3, window, window), BGR, mean-subtracted, all first ones first, and labels (clips,)."""

    contents = "the frames and the labels"

    @staticmethod
    def read(text: str) -> DataLayer:
        return clip_layer(text)
