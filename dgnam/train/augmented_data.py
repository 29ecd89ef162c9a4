"""The data layer of nets that learn from augmented pictures: a Python layer.

    layer {
      name: "data" type: "Python" top: "data" top: "label"
      include { phase: TRAIN }
      python_param {
        module: "dgnam.train.augmented_data" layer: "AugmentedData"
        param_str: '{"source": "tinyimagenet64-train", "batch_size": 128, "crop_size": 56, "area": 0.4}'
      }
    }

The trainers read these options and make the batches themselves.  In a net that `dgnam.caffe` runs, the layer does,
where Python layers are allowed (`caffe.allow_python_layers()`).
"""

from __future__ import annotations

from .data_layer import DataLayer, augmented_layer
from .python_data_layer import PythonDataLayer


class AugmentedData(PythonDataLayer):
    """Images (batch_size, 3, crop_size, crop_size), BGR, mean-subtracted, and labels (batch_size,).

    In phase TEST the centers of the pictures, not augmented.
    """

    contents = "the images and the labels"

    @staticmethod
    def read(text: str) -> DataLayer:
        return augmented_layer(text)
