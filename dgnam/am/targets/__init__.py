"""The network to visualize: a Caffe net, a torch module, or several of them joined."""

from .caffe_target import CaffeTarget
from .joint_target import JointTarget
from .target import Target
from .torch_target import TorchTarget

__all__ = ["CaffeTarget", "JointTarget", "Target", "TorchTarget"]
