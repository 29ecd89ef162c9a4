"""Training a generator to invert a network's features, in the way of DeePSiM (Dosovitskiy & Brox, NIPS 2016).

Four networks: the fixed encoder E, whose code at some layer is to be inverted; the generator G; the fixed comparator C;
and the discriminator D, which sees a picture and its code.  G lessens the distance of G(E(x)) to x, that of C(G(E(x)))
to C(x), and what gives G(E(x)) away to D (`losses.py`), while D learns to tell G(E(x)) from x.  The two take turns on
each batch.

    recipe = GeneratorRecipe("ilsvrc12/train.txt", "fc6", ("pool5",), 64, resize=(256, 256), crop_size=227)
    generator = train_generator("prototxt/deepsim-fc6", recipe, encoder, "runs/fc6", device="cuda")
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor

from ..caffe.modules.caffe_module import CaffeModule
from ..caffe.proto import pb
from ..caffe.solving.updates import ParamGroup, Updater, learning_rate
from ..data.dataset import Dataset, open_dataset
from ..data.preprocessing import MEAN_BGR, center_window
from ..errors import DgnamError
from .classifier import digest
from .classifier import recipe as solver_recipe
from .data_layer import DataLayer, small_in_memory
from .encoder import Encoder
from .fit import check_fit
from .generator_loop import run_training
from .image_loader import ImageLoader
from .losses import PIXEL_SCALE, PUBLISHED, Losses
from .passes import Passes
from .sheet import write_sheet
from .solver_nets import solver_nets
from .training_module import TrainingModule


@dataclass(frozen=True)
class GeneratorRecipe:
    """What a generator is trained on; by default as published (Dosovitskiy & Brox, NIPS 2016).

    source: the training pictures, as `open_dataset` takes them; they are mirrored at random.
    code_layer: the layer of E whose value after the whole forward pass is the code, of any shape (N, …).
    comparator_layers: the layers of C = E that features are compared at.
    pause_below: D rests on a batch when its loss is under this share of G's adversarial loss: it must stay beatable.
    resize: (height, width) that pictures are brought to first; None takes them as they are, of one size all.
    crop_size: the side of the square that is cut out at random; None takes the largest.
    """

    source: str
    code_layer: str
    comparator_layers: tuple[str, ...]
    batch_size: int = 64
    losses: Losses = PUBLISHED
    pause_below: float = 0.1
    resize: tuple[int, int] | None = None
    crop_size: int | None = None

    def __post_init__(self) -> None:
        if not self.comparator_layers:
            raise DgnamError("a generator's recipe needs one of comparator_layers at least, such as pool5")
        if self.batch_size < 1 or (self.crop_size is not None and self.crop_size < 1):
            raise DgnamError(f"batch_size {self.batch_size} and crop_size {self.crop_size} must be positive")

    def load(self, folder: str | Path | None = None) -> tuple[Dataset, DataLayer]:
        """The pictures, and how batches are made of them."""
        pictures = small_in_memory(open_dataset(self.source, folder=folder, resize=self.resize))
        square = min(pictures.size) if self.crop_size is None else self.crop_size
        return pictures, DataLayer(self.source, self.batch_size, square, True, MEAN_BGR, resize=self.resize)


def train_generator(
    nets: str | Path,
    recipe: GeneratorRecipe,
    encoder: CaffeModule,
    run_folder: str | Path,
    *,
    data_folder: str | Path | None = None,
    device: str = "cpu",
    time_limit: float | None = None,
    spec: Mapping[str, Any] | None = None,
    progress: bool = True,
) -> CaffeModule | None:
    """Train the generator whose definition and solvers lie in `nets`, or go on from the checkpoint in `run_folder`.

    nets: a folder with solver.prototxt and discriminator_solver.prototxt, and the definitions that these name.
    encoder: E with its weights, in its deployed form.
    time_limit: seconds after which the run saves its checkpoint and returns None, to be continued by the same call.
    spec: the keyword arguments of `dgnam.api.train.train` that do this training, for `dgnam resume`; None: none do.
    Raises Interrupted after Ctrl-C or SIGTERM, at a checkpoint.
    """
    dataset, layer = recipe.load(data_folder)
    run = GeneratorRun(Path(nets), recipe, encoder.place(device), device)
    check_fit(run.net.plan, run.discriminator.plan, run.encoder, layer.crop_size)
    loader = ImageLoader(dataset, layer, max(run.solver.random_seed, 0))
    through = run_training(
        run,
        loader,
        Path(run_folder),
        device=device,
        time_limit=time_limit,
        spec={"model": {"object": "GeneratorRecipe"}} if spec is None else spec,
        progress=progress,
    )
    return run.net if through else None


class GeneratorRun:
    """The four networks of one training and their update rules."""

    def __init__(self, nets: Path, recipe: GeneratorRecipe, encoder: CaffeModule, device: str):
        self.recipe, self.passes = recipe, Passes(device)
        self.solver, (g_net, *_), _ = solver_nets(nets / "solver.prototxt", beside=True)
        self.d_solver, (d_net, *_), _ = solver_nets(nets / "discriminator_solver.prototxt", beside=True)
        self.encoder = Encoder(encoder, recipe.code_layer, recipe.comparator_layers)
        seed = max(self.solver.random_seed, 0)
        self.net = TrainingModule(g_net, phase=pb.TRAIN, seed=seed).place(device)
        self.discriminator = TrainingModule(d_net, phase=pb.TRAIN, seed=seed + 1).place(device)
        self.g_update = _updater(self.solver, self.net)
        self.d_update = _updater(self.d_solver, self.discriminator)
        self.last_adversarial, self.seconds = 1.0, 0.0
        self.identity: dict[str, Any] = {
            "recipe": {**asdict(recipe), "form of losses": recipe.losses.form},
            "encoder": digest(encoder.weights()),
            "generator": solver_recipe(self.solver, g_net),
            "discriminator": solver_recipe(self.d_solver, d_net),
        }

    def step(self, iteration: int, real: Tensor, log: bool) -> dict[str, float]:
        """One turn of D and one of G on the pictures `real`, (N, 3, H, W) BGR, mean-subtracted.

        With `log` returns the losses.
        """
        seed = max(self.solver.random_seed, 0) + 1 + iteration
        self.net.seed(seed)
        self.discriminator.seed(seed + 1)
        with torch.no_grad(), self.passes():
            code, features = self.encoder(real)
        code = code.float()
        with self.passes():
            fake = self._generate(code, real)
        d_loss = self._discriminate(iteration, real, fake.detach(), code)
        self.discriminator.requires_grad_(False)  # its turn is over: only what it says of the picture counts
        with self.passes():
            score = self._score(fake, code)
            fake_features = self.encoder.features(fake)
        terms = self.recipe.losses.terms(fake, real, fake_features, features, score)
        total = self.recipe.losses.total(terms)
        if not bool(torch.isfinite(total)):
            raise DgnamError(
                f"net '{self.net.plan.name}': the loss is {float(total.detach())} at iteration {iteration}"
            )
        self.net.zero_grad()
        total.backward()
        self.discriminator.requires_grad_(True)
        self.g_update.step(learning_rate(self.solver, iteration))
        self.last_adversarial = float(terms["adversarial"].detach())
        return {**{name: float(term.detach()) for name, term in terms.items()}, "discriminator": d_loss} if log else {}

    def _discriminate(self, iteration: int, real: Tensor, fake: Tensor, code: Tensor) -> float:
        with self.passes():
            on_real, on_fake = self._score(real, code), self._score(fake, code)
        loss = F.softplus(-on_real.float()).mean() + F.softplus(on_fake.float()).mean()
        if float(loss.detach()) >= self.recipe.pause_below * self.last_adversarial:
            self.discriminator.zero_grad()
            loss.backward()
            self.d_update.step(learning_rate(self.d_solver, iteration))
        return float(loss.detach())

    def _generate(self, code: Tensor, real: Tensor) -> Tensor:
        return center_of(self._output(self.net(code)), real)

    def _score(self, images: Tensor, code: Tensor) -> Tensor:
        scaled = code / (code.abs().mean() + 1e-6)
        return self._output(self.discriminator(images / PIXEL_SCALE, scaled))

    @staticmethod
    def _output(blobs: dict[str, Tensor]) -> Tensor:
        return next(iter(blobs.values()))

    def sheet(self, real: Tensor, path: Path) -> None:
        """Write pictures over their reconstructions, as a PNG."""
        self.net.eval()  # a pass in training would count these pictures into BatchNorm's statistics
        with torch.no_grad():
            code, _ = self.encoder(real)
            fake = self._generate(code, real)
        self.net.train()
        rows = np.concatenate([real.float().cpu().numpy(), fake.float().cpu().numpy()])
        write_sheet(path, rows, len(real))

    def state(self, iteration: int, seconds: float) -> dict[str, Any]:
        """What a checkpoint holds; `seconds` are those of this process, to which earlier ones' are added."""
        return {
            "nets": {"generator": self.net.state_dict(), "discriminator": self.discriminator.state_dict()},
            "updates": {n: {"history": u.history, "steps": u.iteration} for n, u in self._updaters()},
            "adversarial": self.last_adversarial,
            "iteration": iteration,
            "seconds": self.seconds + seconds,
        }

    def restore(self, state: dict[str, Any]) -> None:
        """Take up a checkpoint's state."""
        self.net.load_state_dict(state["nets"]["generator"])
        self.discriminator.load_state_dict(state["nets"]["discriminator"])
        for name, updater in self._updaters():
            for mine, saved in zip(updater.history, state["updates"][name]["history"], strict=True):
                mine.copy_(saved)
            updater.iteration = int(state["updates"][name]["steps"])
        self.last_adversarial, self.seconds = float(state["adversarial"]), float(state["seconds"])

    def _updaters(self) -> list[tuple[str, Updater]]:
        return [("generator", self.g_update), ("discriminator", self.d_update)]


def center_of(made: Tensor, real: Tensor) -> Tensor:
    """The center of what a generator makes, where that is larger than the real pictures."""
    return made[(..., *center_window((made.shape[2], made.shape[3]), (real.shape[2], real.shape[3])))]


def _updater(solver: pb.SolverParameter, net: CaffeModule) -> Updater:
    if solver.iter_size != 1:
        raise DgnamError(f"net '{net.plan.name}': iter_size {solver.iter_size} is not supported here; give 1")
    params = [net.parameter(k) for k in range(len(net.plan.params))]
    return Updater(
        solver, ParamGroup(params, [p.lr_mult for p in net.plan.params], [p.decay_mult for p in net.plan.params])
    )
