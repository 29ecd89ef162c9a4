"""Several targets as one."""

import pytest
import torch
from torch import nn

from dgnam.am import CaffeTarget, JointTarget, TorchTarget, Unit, parse_objective
from dgnam.errors import DgnamError


class TestLayers:
    def test_layers_of_each_by_its_name(self, tiny_modules):
        caffe, small = CaffeTarget(tiny_modules[0]), TorchTarget(nn.Sequential(nn.Flatten()), (14, 14))
        both = JointTarget(a=caffe, b=small)
        assert both.size == (28, 28)
        images = torch.randn(2, 3, 28, 28)
        values = both(images, ["a.fc8", "b.0"])
        assert torch.equal(values["a.fc8"], caffe(images, ["fc8"])["fc8"])
        assert torch.equal(values["b.0"], small(images[..., 7:21, 7:21], ["0"])["0"])
        assert both.layer_shape("a.conv5") == (8, 6, 6)

    def test_unknown_names(self, tiny_modules):
        both = JointTarget(a=CaffeTarget(tiny_modules[0]))
        with pytest.raises(DgnamError, match=r"layer 'c.fc8': write target.layer, with one of the targets a"):
            both.layer_shape("c.fc8")


def test_names_may_be_import_strings(tiny_modules):
    target = CaffeTarget(tiny_modules[0])
    both = JointTarget(None, **{"my.nets:target": target, "a": target})
    assert both.layer_shape("my.nets:target.conv5") == (8, 6, 6)
    assert parse_objective("my.nets:target.fc8:3 + a.fc8:4", both) == Unit("my.nets:target.fc8", 3) + Unit("a.fc8", 4)


@pytest.mark.parametrize(
    ("names", "message"), [([""], "give each target a name"), (["a", "a.b"], "could be of either")]
)
def test_names_unsuitable_as_prefixes_raise(tiny_modules, names, message):
    with pytest.raises(DgnamError, match=message):
        JointTarget(None, **dict.fromkeys(names, CaffeTarget(tiny_modules[0])))


def test_no_target_is_an_error():
    with pytest.raises(DgnamError, match="JointTarget needs at least one target"):
        JointTarget()
