"""The moving average of a net's weights: steadier than any of those it is made of, and better for it [1]_.

.. [1] Y. Yazıcı et al.: The unusual effectiveness of averaging in GAN training. ICLR 2019.
"""

from __future__ import annotations

import torch
from torch import Tensor, nn

UPDATES = "updates"
"""What a checkpoint calls how many updates there were, beside the averages."""


class MovingAverage:
    """Parameters and buffers of `net`, all of them float32, averaged over about the last 1 / (1 - decay) updates.

    Early on fewer count, so that the first weights are soon forgotten.
    """

    def __init__(self, net: nn.Module, decay: float):
        self.decay = decay
        self.values = {name: value.detach().clone() for name, value in net.state_dict().items()}
        self.updates = 0

    @torch.no_grad()
    def update(self, net: nn.Module) -> None:
        """Include the net's present values."""
        self.updates += 1
        keep = min(self.decay, (1 + self.updates) / (10 + self.updates))
        state = net.state_dict()
        averages, present = ([values[name] for name in self.values] for values in (self.values, state))
        torch._foreach_lerp_(averages, present, 1 - keep)

    @torch.no_grad()
    def swap(self, net: nn.Module) -> None:
        """Exchange the net's values with the averages; a second call undoes it."""
        state = net.state_dict()
        for name, average in self.values.items():
            present = state[name].clone()
            state[name].copy_(average)
            average.copy_(present)

    def state(self) -> dict[str, Tensor | int]:
        """What a checkpoint holds."""
        return {**self.values, UPDATES: self.updates}

    def load(self, state: dict[str, Tensor | int]) -> None:
        """Take up a checkpoint's state."""
        self.updates = int(state[UPDATES])
        for name, value in self.values.items():
            value.copy_(torch.as_tensor(state[name]))
