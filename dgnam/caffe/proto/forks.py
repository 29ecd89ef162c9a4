"""Layer types and options of Caffe's forks, which BVLC Caffe 1.0 refuses, and what takes their place."""

from __future__ import annotations

_MODELS = {
    "C3D": "Convolution3D Deconvolution3D Pooling3D VideoData",
    "CRF-RNN": "MultiStageMeanfield",
    "DeepLab": "DenseCRF ImageSegData Interp MatRead MatWrite SegAccuracy UniqueLabel",
    "DeconvNet": "Unpooling WindowSegData",
    "face recognition": "CenterLoss InnerDistance MarginInnerProduct TripletLoss",
    "Fast R-CNN": "ROIPooling SmoothL1Loss",
    "FlowNet": "Correlation DataAugmentation Downsample FlowWarp L1Loss Resample",
    "HED": "AutoCrop ImageLabelmapData",
    "MobileNet": "ConvolutionDepthwise DepthwiseConvolution ReLU6",
    "OpenPose": "CPMData ImResize Nms",
    "R-FCN": "BoxAnnotatorOHEM PSROIPooling SmoothL1LossOHEM SoftmaxWithLossOHEM",
    "SegNet": "BN DenseImageData Upsample",
    "SENet": "Axpy",
    "ShuffleNet": "ShuffleChannel",
    "SSD": "AnnotatedData DetectionEvaluate DetectionOutput MultiBoxLoss Normalize Permute PriorBox",
    "text recognition": "CTCGreedyDecoder CTCLoss Reverse Transpose WarpCTC",
    "YOLO": "DetectionLoss EvalDetection RegionLoss Reorg Yolov3 Yolov3DetectionOutput",
}
"""Types by the models that they are known from."""

_GROUPS = "Convolution with a group for each channel takes its place"
_INSTEAD = {
    "autocrop": "Crop takes its place, with the offset that coord_map.crop computes",
    "axpy": "Flatten of the factors, Scale with axis: 0 and Eltwise take its place",
    "bn": "BatchNorm and Scale with bias_term: true take its place",
    "convolutiondepthwise": _GROUPS,
    "depthwiseconvolution": _GROUPS,
    "relu6": "Clip with min: 0 and max: 6 takes its place",
}
PYTHON_LAYER = 'a layer of type "Python" can take its place, with the options in param_str'

_OPTIONS = {
    "ceil_mode": "round_mode: CEIL (the default) or FLOOR takes its place",
    "hole": "dilation takes its place",
    "scale_bias": "a Scale layer with bias_term: true takes its place",
}


def about_type(name: str) -> str:
    """Say which fork's this layer type is and what takes its place; "" if it isn't known to be one's.

    name: as in prototxts of the current format (VideoData) or of V1 (VIDEO_DATA).
    """
    key = _key(name)
    for model, types in _MODELS.items():
        if key in map(_key, types.split()):
            instead = _INSTEAD.get(key, PYTHON_LAYER)
            return f"type '{name}' is of a fork of Caffe ({model}), not of BVLC Caffe 1.0; {instead}"
    return ""


def about_option(name: str, layer_type: str) -> str:
    """Say what takes the place of an option that BVLC's layers don't have, or of the layer named as it is; or ""."""
    if name in _OPTIONS:
        return f"it is of a fork of Caffe; {_OPTIONS[name]}"
    if layer_type and _key(name) == f"{_key(layer_type)}param":
        return f"if the layer is of a fork of Caffe, {PYTHON_LAYER}"
    return ""


def _key(name: str) -> str:
    return name.replace("_", "").lower()
