"""Training a generator of the user's, for any layer of any encoder, whose weights end as a caffemodel.

    python -m dgnam.train.own_generator prototxt/deepsim-fc6 --encoder prototxt/caffenet/deploy.prototxt \\
        --encoder-weights bvlc_reference_caffenet.caffemodel --code fc6 --source ilsvrc12/train.txt \\
        --resize 256 256 --crop 227 --data DIR --run runs/fc6 --device cuda

does it on a machine that has nothing but numpy, torch, h5py, protobuf and Pillow.  By default the losses and the batch
are the published ones; what they mean, and what the folder of nets must hold, is said in `generator.py`.
"""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

from ..caffe.mode import usable_device
from ..caffe.modules.caffe_module import CaffeModule
from ..caffe.proto import read_net, read_weights, write_caffemodel
from ..errors import DgnamError
from ..runs.interrupt import BAD_INPUT, STOPPED, Interrupted
from .generator import GeneratorRecipe, train_generator
from .losses import PUBLISHED, RelativeLosses
from .solver_nets import solver_nets

LOSSES = {"published": PUBLISHED, "relative": RelativeLosses()}


def train_own_generator(
    nets: str | Path,
    recipe: GeneratorRecipe,
    encoder: str | Path,
    encoder_weights: str | Path,
    run_folder: str | Path,
    *,
    data_folder: str | Path | None = None,
    device: str = "cpu",
    time_limit: float | None = None,
    progress: bool = True,
) -> Path | None:
    """Train the generator in the folder `nets`, or go on from the checkpoint in `run_folder`; see `train_generator`.

    encoder, encoder_weights: the files of E's deployed definition and its weights, which must have all its layers.
    Returns generator.caffemodel in `run_folder`, with the net as it was trained; None where the time limit came first.
    """
    weights = read_weights(encoder_weights)
    net = CaffeModule(read_net(encoder), weights)
    without = [layer for layer, _ in net.layer_params() if layer not in weights]
    if without:
        raise DgnamError(f"{encoder_weights} has no weights for layers {', '.join(without)} of {encoder}")
    made = train_generator(
        nets,
        recipe,
        net,
        run_folder,
        data_folder=data_folder,
        device=device,
        time_limit=time_limit,
        progress=progress,
    )
    if made is None:
        return None
    path = Path(run_folder) / "generator.caffemodel"
    definition = solver_nets(Path(nets) / "solver.prototxt", beside=True).train.definition
    write_caffemodel(path, definition, made.cpu().weights())
    return path


def main(arguments: list[str] | None = None) -> int:
    """Train a generator; returns the exit status."""
    given = _parser().parse_args(arguments)
    try:
        recipe = GeneratorRecipe(
            given.source,
            given.code,
            tuple(given.comparator),
            given.batch,
            LOSSES[given.losses],
            resize=None if given.resize is None else tuple(given.resize),
            crop_size=given.crop,
        )
        made = train_own_generator(
            given.nets,
            recipe,
            given.encoder,
            given.encoder_weights,
            given.run,
            data_folder=given.data,
            device=usable_device(given.device),
            time_limit=None if given.time_limit is None else given.time_limit * 60,
        )
    except (DgnamError, OSError) as error:
        print(f"dgnam.train: {error}", file=sys.stderr)
        return BAD_INPUT
    except Interrupted as stop:
        print(f"dgnam.train: {stop} in {given.run}; the same command goes on from there", file=sys.stderr)
        return stop.status
    if made is None:
        print(f"==> stopped at a checkpoint in {given.run}; the same command goes on from there")
        return STOPPED
    print(f"==> made: {made}")
    return 0


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="dgnam.train.own_generator", description="Train a generator.")
    parser.add_argument("nets", help="the folder of solver.prototxt, discriminator_solver.prototxt and their nets")
    parser.add_argument("--encoder", required=True, help="the encoder's deploy.prototxt")
    parser.add_argument("--encoder-weights", required=True, help="its weights")
    parser.add_argument("--code", required=True, help="the encoder's layer to invert, such as fc6")
    parser.add_argument("--comparator", nargs="+", default=["pool5"], help="the layers that features are compared at")
    parser.add_argument(
        "--source", required=True, help="the pictures: a listing, a folder, a database, or a set's name"
    )
    parser.add_argument("--resize", nargs=2, type=int, metavar=("HEIGHT", "WIDTH"), help="what pictures are brought to")
    parser.add_argument("--crop", type=int, help="the side of the square cut out at random; the largest if left out")
    parser.add_argument("--batch", type=int, default=64, help="pictures at once")
    parser.add_argument("--losses", default="published", choices=LOSSES, help="sums as published, or ratios")
    parser.add_argument("--run", required=True, help="the folder of checkpoints, log, sheets and weights")
    parser.add_argument("--data", help="the folder of the image sets; $DGNAM_DATA if left out")
    parser.add_argument("--device", default="cpu", help="cpu, or cuda")
    parser.add_argument("--time-limit", type=float, help="minutes after which to stop at a checkpoint")
    return parser


if __name__ == "__main__":
    sys.exit(main())
