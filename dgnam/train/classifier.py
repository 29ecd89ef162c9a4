"""Training a classifier from Caffe's own files: solver.prototxt and the train_val.prototxt that it names."""

from __future__ import annotations

import hashlib
from collections.abc import Collection, Generator, Mapping, Sequence
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor

from ..caffe.mode import exact
from ..caffe.modules.caffe_module import CaffeModule
from ..caffe.modules.precision import FLOAT32
from ..caffe.proto import pb, to_text
from ..caffe.solving.updates import ParamGroup, Updater, learning_rate
from ..caffe.wiring.build import WiredLayer, build
from ..caffe.wiring.weights import Weights
from ..data.dataset import Indexed
from ..errors import DgnamError
from .adversarial_examples import AdversarialExamples
from .batch_norm.restore import is_folded, restore_batch_norm
from .checkpoint import training_in
from .curves import Curves
from .data_layer import DataLayer, split_data_layer
from .device_loader import stream_on
from .fit import check_same_weights
from .image_loader import ImageLoader
from .intermediate_weights import intermediate_file, write_intermediate
from .passes import Passes
from .progress import Progress
from .sheet import write_pictures
from .solver_nets import named_weights, solver_nets
from .training_module import TrainingModule

FOR_STATISTICS = 512
"""How many pictures, or a batch more, batch normalisation's statistics are found from."""

_ON_SHEET = 32
"""How many pictures of the first batch are laid out, to see what the net is shown."""


@dataclass
class Accuracy:
    """The share of pictures whose class is the first, and among the first five, of the net's ranking."""

    top1: float
    top5: float


def train_classifier(
    solver_path: str | Path,
    run_folder: str | Path,
    *,
    data_folder: str | Path | None = None,
    weights: Weights | None = None,
    device: str = "cpu",
    precision: str | None = None,
    time_limit: float | None = None,
    keep: Collection[int] = (),
    until: int | None = None,
    adversarial_radius: float | None = None,
    beside: bool = False,
    spec: Mapping[str, Any] | None = None,
    progress: bool = True,
) -> CaffeModule | None:
    """Train the net that `solver_path` names, or go on from the checkpoint in `run_folder`.

    weights: what layers of the same name start from, for fine-tuning; None takes the files that the solver's `weights`
        names, if any.  Those of a net whose batch normalisation was folded away are unfolded.
    precision: of the passes, "bfloat16" or "float32"; None takes what the device is faster in, also where a run that
        began on another goes on.
    time_limit: seconds after which the run saves its checkpoint and returns None, to be continued by the same call.
    keep: the iterations at which the weights are kept, as `weights-<iteration>.caffemodel` in the run's folder, to see
        later how the net learned (Sec. 3.6, 1); 0 keeps those that it starts with.
    until: the iteration at which the run saves its checkpoint and returns None, where that is before max_iter; the
        recipe stays that of the whole training, and a call without `until` goes on with it.  A run that is past it
        already is an error.
    adversarial_radius: how far, in gray levels, the images of each batch are changed for the worse before the net
        learns from them (`AdversarialExamples`); None leaves them.
    beside: look for the solver's nets beside it first, as for definitions that come with it.
    spec: the keyword arguments of `dgnam.api.train.train` that do this training, for `dgnam resume`; None takes those
        that train the solver's net alone.
    Raises Interrupted after Ctrl-C or SIGTERM, at a checkpoint.
    Returns the trained net (its training definition), once max_iter is reached.
    """
    solver, train, test = solver_nets(solver_path, beside=beside)
    definition = train.definition
    passes = Passes(device, precision)
    last = _end(solver, until)
    folder = Path(run_folder)
    layer, train_net = split_data_layer(definition, pb.TRAIN, data_folder, train.folder, train.state)
    test_layer, test_net = None, None
    if solver.test_interval:
        test_layer, test_net = split_data_layer(test.definition, pb.TEST, data_folder, test.folder, test.state)
    adversarial = None if adversarial_radius is None else AdversarialExamples(adversarial_radius, layer.scale)
    loader = ImageLoader(layer.load(data_folder), layer, max(solver.random_seed, 0))
    held_out = None if test_layer is None else test_layer.load(data_folder)
    net = TrainingModule(train_net, phase=pb.TRAIN, seed=loader.seed)
    if test_net is not None:
        check_same_weights(net.plan, build(test_net, pb.TEST))
    starts = named_weights(solver_path, solver) if weights is None else [weights]
    for start in starts:
        _start_from(net, start, loader)
    identity = {**recipe(solver, definition), **_origin(starts)}
    if precision == FLOAT32:
        identity["precision"] = precision
    run = _Run(solver, net.place(device), folder, identity, passes, adversarial)
    about: dict[str, Any] = {"precision": precision, "adversarial_radius": adversarial_radius}
    about |= {"weights": None if weights is None else {"object": "weights"}}
    usual = {"model": str(solver_path), "data": _text(data_folder), "device": device, **about}
    with training_in(folder, run.recipe, usual if spec is None else spec, solver.max_iter) as training:
        first = training.resume(run.restore)
        if first > last:
            raise DgnamError(
                f"{folder}: the training can't stop at iteration {last}, since its checkpoint is at {first} already; "
                "give another folder, or remove it to train anew"
            )
        run.keep(first, definition, keep)
        if first == 0:
            write_pictures(folder / "sheet-000000.png", loader.batch(0)[0][:_ON_SHEET], columns=8)
        curves = Curves(folder)
        with closing(run.iterations(loader, first, last, progress)) as steps:
            for done, shown in steps:
                run.keep(done, definition, keep)
                if test_layer is not None and held_out is not None and done % solver.test_interval == 0:
                    score = evaluate(net, held_out, test_layer)
                    shown.tested(done, top1=score.top1, top5=score.top5)
                over = time_limit is not None and shown.elapsed > time_limit
                ends = over or bool(training.stop) or done == last
                if ends or (solver.snapshot and done % solver.snapshot == 0):
                    training.save(run.state(done, shown.elapsed))
                    curves.draw(at_end=ends)
                training.end_if_stopped(done, last)
                if over and done < last:
                    training.pause("time limit")
                    return None
        if last < solver.max_iter:
            training.pause(f"iteration {last}")
            return None
    return net


def _text(path: str | Path | None) -> str | None:
    return None if path is None else str(path)


def _end(solver: pb.SolverParameter, until: int | None) -> int:
    """The iteration at which a call stops."""
    if until is None:
        return solver.max_iter
    if not isinstance(until, int) or until < 0:
        raise DgnamError(f"until {until}: give an iteration of the training, 0 or more")
    return min(until, solver.max_iter)


def _start_from(net: CaffeModule, weights: Weights, loader: ImageLoader) -> None:
    """Copy weights, as Caffe does; those of a folded net by the statistics of some training pictures."""
    if is_folded(net, weights):
        restore_batch_norm(net, weights, pictures_for_statistics(loader)[0])
        return
    own = [name for name, _ in net.layer_params()]
    if not set(own) & set(weights):
        raise DgnamError(
            f"the weights to start from are of none of the net's layers: they have {', '.join(list(weights)[:8])}, and "
            f"the net has {', '.join(own[:8])}"
        )
    net.copy_from(weights)


def pictures_for_statistics(loader: ImageLoader) -> tuple[Tensor, int]:
    """What batch normalisation's statistics are found from: training pictures as the net takes them.

    Also how many different ones they are; a set of fewer than `FOR_STATISTICS` gives each in several cuts.
    """
    count = -(-FOR_STATISTICS // loader.layer.batch_size)
    pictures = torch.from_numpy(np.concatenate([loader.prepared(number)[0] for number in range(count)]))
    return pictures, loader.different(count)


def recipe(solver: pb.SolverParameter, definition: pb.NetParameter) -> dict[str, Any]:
    """All that decides the weights a run comes to, as text; a checkpoint belongs to one recipe."""
    deciding = pb.SolverParameter()
    deciding.CopyFrom(solver)
    for name in ("snapshot", "snapshot_prefix", "display", "test_interval", "test_iter"):
        deciding.ClearField(name)
    return {"solver": to_text(deciding), "net": to_text(definition)}


def trunk(net: CaffeModule, scores: str | None = None) -> dict[str, list[np.ndarray]]:
    """A trained net's weights but for the layer that makes its scores, whose classes another training won't have.

    scores: the blob of its scores; None takes the loss layer's first bottom.
    """
    last = _maker(net, scores if scores is not None else _score_blob(net)).name
    return {name: blobs for name, blobs in net.weights().items() if name != last}


def _origin(starts: Sequence[Weights]) -> dict[str, Any]:
    """What a recipe says of the weights that a run starts from; nothing where it starts from the fillers."""
    return {"weights": [digest(start) for start in starts]} if starts else {}


def digest(weights: Weights) -> str:
    """A checksum of a net's weights."""
    total = hashlib.sha256()
    for layer, blobs in weights.items():
        total.update(layer.encode())
        for blob in blobs:
            total.update(np.ascontiguousarray(blob).tobytes())
    return total.hexdigest()


def evaluate(net: CaffeModule, dataset: Indexed, layer: DataLayer, scores: str | None = None) -> Accuracy:
    """Accuracy on the pictures' centers.

    scores: the blob (N, classes) that ranks; None takes the loss layer's first bottom.
    """
    blob = scores if scores is not None else _score_blob(net)
    maker = _maker(net, blob).name
    was_training = net.training
    net.eval()
    hits = np.zeros(2)
    for start in range(0, len(dataset), layer.batch_size):
        part = slice(start, start + layer.batch_size)
        pictures, labels = dataset.take(part)
        given = [_to_device(layer.centers(pictures), net), torch.from_numpy(labels).to(net.device)]
        with torch.no_grad(), exact():
            values = net(*given[: len(net.plan.inputs)], end=maker)[blob]
            ranked = values.topk(min(5, values.shape[1])).indices.cpu().numpy()
        right = ranked == labels[:, None]
        hits += right[:, 0].sum(), right.any(1).sum()
    net.train(was_training)
    top1, top5 = (float(count) / len(dataset) for count in hits)
    return Accuracy(top1, top5)


class _Run:
    """One training run: the net, its update rule and its folder."""

    def __init__(
        self,
        solver: pb.SolverParameter,
        net: CaffeModule,
        folder: Path,
        recipe: dict[str, Any],
        passes: Passes,
        adversarial: AdversarialExamples | None = None,
    ):
        self.solver, self.net, self.folder = solver, net, folder
        self.recipe = recipe
        if adversarial is not None:
            self.recipe = {**self.recipe, "adversarial_radius": adversarial.radius}
        self.passes, self.adversarial = passes, adversarial
        learned = [(p, net.parameter(k)) for k, p in enumerate(net.plan.params) if p.lr_mult]
        if not learned:
            raise DgnamError(f"net '{net.plan.name}' has nothing to learn: each lr_mult is 0")
        for k, param in enumerate(net.plan.params):
            net.parameter(k).requires_grad_(bool(param.lr_mult))  # what stays as it is needs no gradient
        group = ParamGroup([t for _, t in learned], [p.lr_mult for p, _ in learned], [p.decay_mult for p, _ in learned])
        self.updater = Updater(solver, group)
        self.seconds = 0.0

    def iterations(self, loader: ImageLoader, first: int, last: int, show: bool) -> Generator[tuple[int, Progress]]:
        """Make the steps from `first` to `last`; after each one, how many are done, and the progress."""
        solver, count = self.solver, self.solver.iter_size
        shown = Progress(
            self.folder,
            self.net.plan.name,
            first=first,
            total=last,
            images=count * loader.layer.batch_size * loader.layer.frames,
            before=self.seconds,
            device=self.net.device.type,
            show=show,
        )
        with closing(shown), closing(stream_on(loader, self.net.device, first * count, last * count)) as stream:
            for iteration in range(first, last):
                loss = self.step(iteration, [shown.wait(stream) for _ in range(count)])
                shown.step()
                if (iteration + 1) % max(solver.display, 1) == 0:
                    shown.log(iteration + 1, loss=float(loss), rate=learning_rate(solver, iteration))
                yield iteration + 1, shown

    def step(self, iteration: int, batches: Sequence[tuple[Any, Any]]) -> Tensor:
        """One update by the mean gradient of the batches, of the solver's iter_size; returns their mean loss."""
        self.net.seed(self.solver.random_seed + 1 + iteration)
        self.net.zero_grad()
        first = iteration * self.solver.iter_size
        losses = [self._pass(iteration, number, *batch) for number, batch in enumerate(batches, first)]
        total = torch.stack(losses).mean()
        self.updater.step(learning_rate(self.solver, iteration))
        return total

    def _pass(self, iteration: int, number: int, images: np.ndarray | Tensor, labels: np.ndarray | Tensor) -> Tensor:
        """The loss of batch `number`, whose gradient is added to the parameters'."""
        x = _to_device(images, self.net)
        y = torch.as_tensor(labels).to(x.device)
        if self.adversarial is not None:
            draw = np.random.default_rng((max(self.solver.random_seed, 0), number))
            x = self.adversarial(self.net, x, y, seed=int(draw.integers(1 << 62)), passes=self.passes)
        with self.passes():
            outputs = self.net(x, y)
        loss = self.net.loss(outputs)
        if not bool(torch.isfinite(loss)):
            name = self.net.plan.name
            raise DgnamError(
                f"net '{name}': the loss is {float(loss.detach())} at iteration {iteration}; lower base_lr"
            )
        loss.backward()
        return loss.detach()

    def keep(self, iteration: int, definition: pb.NetParameter, wanted: Collection[int]) -> None:
        """Write the weights, batch normalisation and all, where `iteration` is one of those wanted."""
        if iteration in wanted:
            write_intermediate(intermediate_file(self.folder, iteration), definition, self.net.weights(), self.recipe)

    def state(self, iteration: int, seconds: float) -> dict[str, Any]:
        """What a checkpoint holds; `seconds` are those of this process, to which earlier ones' are added."""
        state = {"net": self.net.state_dict(), "history": self.updater.history, "steps": self.updater.iteration}
        return {**state, "iteration": iteration, "seconds": self.seconds + seconds}

    def restore(self, state: dict[str, Any]) -> None:
        """Take up a checkpoint's state."""
        self.net.load_state_dict(state["net"])
        for mine, saved in zip(self.updater.history, state["history"], strict=True):
            mine.copy_(saved)
        self.updater.iteration = int(state["steps"])
        self.seconds = float(state["seconds"])


def _to_device(images: np.ndarray | Tensor, net: CaffeModule) -> Tensor:
    return torch.as_tensor(images).to(net.device, memory_format=torch.channels_last)


def _maker(net: CaffeModule, blob: str) -> WiredLayer:
    """The first layer that has `blob` as a top."""
    return next(w for w in net.plan.layers if blob in w.layer.definition.top and w.layer.type != "Split")


def _score_blob(net: CaffeModule) -> str:
    """The blob that the loss layer takes, before it is split for several layers."""
    made = {top: wired for wired in net.plan.layers if wired.layer.type == "Split" for top in wired.tops}
    for wired in net.plan.layers:
        if wired.layer.loss:
            blob = wired.bottoms[0]
            return net.plan.blob_names[made[blob].bottoms[0] if blob in made else blob]
    raise DgnamError(f"net '{net.plan.name}' has no loss layer to tell its scores by")
