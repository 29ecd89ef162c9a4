"""Training a generator to invert a network's features, in the way of DeePSiM (Dosovitskiy & Brox, NIPS 2016).

Four networks: the fixed encoder E, whose code at some layer is to be inverted; the generator G; the fixed comparator C;
and the discriminator D, which sees a picture and its code.  G minimises

    image * mean(((G(E(x)) - x) / 64)^2) + feature * mean((C(G(E(x))) - C(x))^2) / mean(C(x)^2)
    + adversarial * -log D(G(E(x)), E(x))

while D learns to tell G(E(x)) from x.  The two take turns on each batch.
"""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor

from ..caffe.errors import CaffeError
from ..caffe.module import CaffeModule
from ..caffe.proto import pb, read_net, read_solver
from ..caffe.updates import ParamGroup, Updater, learning_rate
from ..data import MEAN_BGR, centre, load_set
from .classifier import recipe as solver_recipe
from .curves import draw_curves
from .feed import Batches, FeedSpec
from .fused import TrainingModule
from .progress import Progress
from .sheet import write_sheet
from .snapshots import load_checkpoint, save_checkpoint

PIXEL_SCALE = 64.0
"""What pixel differences, and the pictures that D sees, are divided by: about one standard deviation."""


@dataclass(frozen=True)
class Losses:
    """The weights of the three losses, each of which is of order one before it is weighted."""

    image: float = 1.0
    feature: float = 1.0
    adversarial: float = 0.1


@dataclass(frozen=True)
class GeneratorRecipe:
    """What a generator is trained on.

    source: the training images; they are taken whole and mirrored at random.
    code_layer: the layer of E, a ReLU's blob, whose value after the whole forward pass is the code.
    comparator_layers: the layers of C = E that features are compared at.
    pause_below: D rests on a batch when its loss is under this share of G's adversarial loss: it must stay beatable.
    """

    source: str
    code_layer: str
    comparator_layers: tuple[str, ...]
    batch_size: int = 64
    losses: Losses = Losses()
    pause_below: float = 0.1


class Encoder:
    """E and C in one: the code and the comparator's features of pictures larger than its input, from their centre."""

    def __init__(self, net: CaffeModule, code_layer: str, comparator_layers: Sequence[str]):
        self.net = net.eval().requires_grad_(False)
        self.code_layer, self.comparator_layers = code_layer, tuple(comparator_layers)
        height, width = net.plan.blob_shapes[net.plan.inputs[0]][2:]
        self.size = (height, width)

    def __call__(self, images: Tensor) -> tuple[Tensor, list[Tensor]]:
        """(N, 3, H, W) → the code (N, n), and each comparator layer's blob."""
        window = (..., *centre((images.shape[2], images.shape[3]), self.size))
        blobs = self.net(images[window], keep=[self.code_layer, *self.comparator_layers])
        return blobs[self.code_layer], [blobs[name] for name in self.comparator_layers]

    def features(self, images: Tensor) -> list[Tensor]:
        return self(images)[1]


def train_generator(
    nets: str | Path,
    recipe: GeneratorRecipe,
    encoder: CaffeModule,
    run_folder: str | Path,
    *,
    data_folder: str | Path | None = None,
    device: str = "cpu",
    time_limit: float | None = None,
    progress: bool = True,
) -> CaffeModule | None:
    """Train the generator whose definition and solvers lie in `nets`, or go on from the checkpoint in `run_folder`.

    encoder: E with its weights, in its deployed form.
    time_limit: seconds after which the run saves its checkpoint and returns None, to be continued by the same call.
    """
    folder = Path(run_folder)
    folder.mkdir(parents=True, exist_ok=True)
    images = load_set(recipe.source, data_folder)
    spec = FeedSpec(recipe.source, recipe.batch_size, min(images.images.shape[1:3]), True, MEAN_BGR)
    run = GeneratorRun(Path(nets), recipe, encoder.place(device), folder, device)
    batches = Batches(images, spec, max(run.solver.random_seed, 0))
    first = run.resume()
    shown = Progress(
        folder,
        run.generator.plan.name,
        first=first,
        total=run.solver.max_iter,
        images=recipe.batch_size,
        before=run.seconds,
        show=progress,
    )
    stream = batches.stream(first, run.solver.max_iter)
    for iteration in range(first, run.solver.max_iter):
        batch, _ = shown.wait(stream)
        losses = run.step(iteration, torch.from_numpy(batch).to(device, memory_format=torch.channels_last))
        done = iteration + 1
        shown.step()
        if done % max(run.solver.display, 1) == 0:
            shown.log(done, **losses)
        if run.solver.snapshot and done % run.solver.snapshot == 0:
            run.save(done, shown.elapsed)
            run.sheet(done, torch.from_numpy(batch[:16]).to(device))
            draw_curves(folder)
        if time_limit is not None and shown.elapsed > time_limit:
            run.save(done, shown.elapsed)
            stream.close()
            return None
    run.save(run.solver.max_iter, shown.elapsed)
    draw_curves(folder)
    return run.generator


class GeneratorRun:
    """The four networks of one run, their update rules and its folder."""

    def __init__(self, nets: Path, recipe: GeneratorRecipe, encoder: CaffeModule, folder: Path, device: str):
        self.recipe, self.folder = recipe, folder
        self.solver = read_solver(nets / "solver.prototxt")
        self.d_solver = read_solver(nets / "discriminator_solver.prototxt")
        g_net, d_net = read_net(nets / self.solver.net), read_net(nets / self.d_solver.net)
        self.encoder = Encoder(encoder, recipe.code_layer, recipe.comparator_layers)
        seed = max(self.solver.random_seed, 0)
        self.generator = TrainingModule(g_net, phase=pb.TRAIN, seed=seed).place(device)
        self.discriminator = TrainingModule(d_net, phase=pb.TRAIN, seed=seed + 1).place(device)
        self.g_update, self.d_update = (
            _updater(self.solver, self.generator),
            _updater(self.d_solver, self.discriminator),
        )
        self.last_adversarial, self.seconds = 1.0, 0.0
        self.identity: dict[str, Any] = {
            "recipe": asdict(recipe),
            "encoder": _digest(encoder),
            "generator": solver_recipe(self.solver, g_net),
            "discriminator": solver_recipe(self.d_solver, d_net),
        }

    def step(self, iteration: int, real: Tensor) -> dict[str, float]:
        """One turn of D and one of G on the pictures `real`, (N, 3, H, W) BGR, mean-subtracted."""
        self.discriminator.seed(self.solver.random_seed + 2 + iteration)
        mixed = torch.autocast(real.device.type, torch.bfloat16)
        with torch.no_grad(), mixed:
            code, features = self.encoder(real)
        code = code.float()
        with mixed:
            fake = self._output(self.generator(code))
        d_loss = self._discriminate(iteration, real, fake.detach(), code, mixed)
        with mixed:
            score = self._score(fake, code)
            fake_features = self.encoder.features(fake)
        terms = {
            "image": ((fake.float() - real) / PIXEL_SCALE).square().mean(),
            "feature": _relative(fake_features, features),
            "adversarial": F.softplus(-score.float()).mean(),
        }
        weights = asdict(self.recipe.losses)
        total = torch.stack([weights[name] * term for name, term in terms.items()]).sum()
        if not bool(torch.isfinite(total)):
            raise CaffeError(
                f"net '{self.generator.plan.name}': the loss is {float(total.detach())} at iteration {iteration}"
            )
        self.generator.zero_grad()
        total.backward()
        self.g_update.step(learning_rate(self.solver, iteration))
        self.last_adversarial = float(terms["adversarial"].detach())
        return {**{name: float(term.detach()) for name, term in terms.items()}, "discriminator": d_loss}

    def _discriminate(self, iteration: int, real: Tensor, fake: Tensor, code: Tensor, mixed: Any) -> float:
        with mixed:
            on_real, on_fake = self._score(real, code), self._score(fake, code)
        loss = F.softplus(-on_real.float()).mean() + F.softplus(on_fake.float()).mean()
        if float(loss.detach()) >= self.recipe.pause_below * self.last_adversarial:
            self.discriminator.zero_grad()
            loss.backward()
            self.d_update.step(learning_rate(self.d_solver, iteration))
        return float(loss.detach())

    def _score(self, images: Tensor, code: Tensor) -> Tensor:
        scaled = code / (code.mean() + 1e-6)
        return self._output(self.discriminator(images / PIXEL_SCALE, scaled))

    @staticmethod
    def _output(blobs: dict[str, Tensor]) -> Tensor:
        return next(iter(blobs.values()))

    def sheet(self, iteration: int, real: Tensor) -> None:
        """Pictures over their reconstructions, as `sheet-<iteration>.png` in the run's folder."""
        self.generator.eval()  # a pass in training would count these pictures into BatchNorm's statistics
        with torch.no_grad():
            code, _ = self.encoder(real)
            fake = self._output(self.generator(code))
        self.generator.train()
        rows = np.concatenate([real.float().cpu().numpy(), fake.float().cpu().numpy()])
        write_sheet(self.folder / f"sheet-{iteration:06d}.png", rows, len(real))

    def save(self, iteration: int, seconds: float) -> None:
        """Write the checkpoint; `seconds` are those of this process, to which earlier ones' are added."""
        nets = {"generator": self.generator.state_dict(), "discriminator": self.discriminator.state_dict()}
        steps = {n: {"history": u.history, "steps": u.iteration} for n, u in self._updaters()}
        save_checkpoint(
            self.folder,
            {
                "nets": nets,
                "updates": steps,
                "adversarial": self.last_adversarial,
                "iteration": iteration,
                "seconds": self.seconds + seconds,
                "recipe": self.identity,
            },
        )

    def resume(self) -> int:
        """Take up the checkpoint where there is one; returns the iteration to go on with."""
        state = load_checkpoint(self.folder, self.identity)
        if state is None:
            return 0
        self.generator.load_state_dict(state["nets"]["generator"])
        self.discriminator.load_state_dict(state["nets"]["discriminator"])
        for name, updater in self._updaters():
            for mine, saved in zip(updater.history, state["updates"][name]["history"], strict=True):
                mine.copy_(saved)
            updater.iteration = state["updates"][name]["steps"]
        self.last_adversarial, self.seconds = state["adversarial"], state["seconds"]
        return int(state["iteration"])

    def _updaters(self) -> list[tuple[str, Updater]]:
        return [("generator", self.g_update), ("discriminator", self.d_update)]


def _digest(net: CaffeModule) -> str:
    """A checksum of the net's weights."""
    digest = hashlib.sha256()
    for layer, blobs in net.weights().items():
        digest.update(layer.encode())
        for blob in blobs:
            digest.update(blob.tobytes())
    return digest.hexdigest()


def _updater(solver: pb.SolverParameter, net: CaffeModule) -> Updater:
    params = [net.parameter(k) for k in range(len(net.plan.params))]
    return Updater(
        solver, ParamGroup(params, [p.lr_mult for p in net.plan.params], [p.decay_mult for p in net.plan.params])
    )


def _relative(ours: Sequence[Tensor], theirs: Sequence[Tensor]) -> Tensor:
    """The mean over layers of the squared distance relative to the mean square of the real pictures' features."""
    ratios = [
        (a.float() - b.float()).square().mean() / b.float().square().mean() for a, b in zip(ours, theirs, strict=True)
    ]
    return torch.stack(ratios).mean()
