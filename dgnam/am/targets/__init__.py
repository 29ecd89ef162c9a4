"""The network to visualize: a Caffe net of images or of clips, a torch module, or several of them joined."""

from .caffe_target import CaffeTarget
from .clip_target import ClipTarget
from .joint_target import JointTarget
from .target import Target
from .torch_target import TorchTarget

__all__ = ["CaffeTarget", "ClipTarget", "JointTarget", "Target", "TorchTarget"]
