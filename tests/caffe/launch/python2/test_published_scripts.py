"""The five example scripts of Evolving-AI-Lab/synthesizing, unedited, on stand-in weights.

DGNAM_SYNTHESIZING names a checkout of github.com/Evolving-AI-Lab/synthesizing, which is not part of this project:

    DGNAM_SYNTHESIZING=~/synthesizing python -m pytest tests/caffe/launch/python2/test_published_scripts.py -m ""

The script that starts from a real image runs its 30 steps.  The others meet weights of zero, whose gradient ends each
image after a step: names, labels, crops and collages are made all the same.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
from PIL import Image

from dgnam.caffe.launch.python2 import shell
from dgnam.caffe.net import Net
from dgnam.caffe.proto import pb
from tests.caffe.golden import stand_in_weights

ROOT = Path(shell.__file__).parents[4]
CHECKOUT = os.environ.get("DGNAM_SYNTHESIZING")
NETS = {
    "caffenet/caffenet.prototxt": "caffenet/bvlc_reference_caffenet.caffemodel",
    "placesCNN/places205CNN_deploy_updated.prototxt": "placesCNN/places205CNN_iter_300000.caffemodel",
    "googlenet/bvlc_googlenet_updated.prototxt": "googlenet/bvlc_googlenet.caffemodel",
    "upconv/fc6/generator.prototxt": "upconv/fc6/generator.caffemodel",
}
SCRIPTS = {
    "1_activate_output.sh": "fc8_0629_200_0.99_8.0__0.jpg",
    "2_activate_output_placesCNN.sh": "fc8_0071_200_0.99_8.0__0.jpg",
    "3_start_from_real_image.sh": "fc8_0945_30_0.99_1.0__0.jpg",
    "4_activate_hidden.sh": "conv5_0045_200_0.99_8.0__0.jpg",
    "5_activate_output_GoogLeNet.sh": "loss3/classifier_0629_200_0.99_2.0__0.jpg",
}

pytestmark = [
    pytest.mark.slow,
    pytest.mark.exhaustive,
    pytest.mark.timeout(3600),
    pytest.mark.skipif(not CHECKOUT, reason="DGNAM_SYNTHESIZING names no checkout of Evolving-AI-Lab/synthesizing"),
    pytest.mark.skipif(shutil.which("montage") is None, reason="ImageMagick is not installed"),
]


@pytest.fixture(scope="module")
def checkout(tmp_path_factory):
    """A copy of the checkout."""
    assert CHECKOUT is not None
    return Path(shutil.copytree(CHECKOUT, tmp_path_factory.mktemp("synthesizing") / "copy"))


def write_weights(checkout: Path, zero: bool) -> None:
    made = stand_in_weights()
    for prototxt, weights in NETS.items():
        if zero or prototxt.startswith(("caffenet", "upconv")):
            net = Net(checkout / "nets" / prototxt, pb.TEST)
            for layer in net.layers:
                for i, blob in enumerate(layer.blobs):
                    blob.data[...] = 0 if zero else made.param_blob(layer.name, layer.type, i, blob.shape)
            net.save(checkout / "nets" / weights)


@pytest.mark.parametrize("script", SCRIPTS)
def test_script(checkout, script):
    write_weights(checkout, zero=not script.startswith("3"))
    done = subprocess.run(
        [sys.executable, "-m", "dgnam.caffe", "--python2", "--shell", script],
        cwd=checkout,
        env={**os.environ, "PYTHONPATH": str(ROOT), "CUDA_VISIBLE_DEVICES": ""},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr[-2000:]
    assert "Traceback" not in done.stderr
    assert "Caffe runs on the CPU" in done.stderr
    with Image.open(checkout / "output" / SCRIPTS[script]) as picture:
        assert picture.width == (163 if "hidden" in script else 224 if "GoogLeNet" in script else 227)
    with Image.open(checkout / "output" / f"example{script[0]}.jpg") as collage:
        assert collage.width > 3 * picture.width
