"""Training a generator against the features of fixed nets: compared there with the picture, and judged there by heads.

The generator G inverts a code of the encoder E, as in `generator.py`.  It lessens

    image * |x - x'| / 64
    + the sum over comparators C of weight * mean over layers of |C(x) - C(x')|^2 / |C(x)|^2
    + code * |E(x) - E(x')|^2 / |E(x)|^2
    + adversarial * the hinge loss of the heads on the comparators' features
    + pixels * that of a small discriminator on the pixels,

at a window of the comparator's size, at the same random place of the picture x and of x' = G(E(x)), or at a larger one,
made smaller.  The heads and G learn at once, from one pass of x and x' through each comparator [1]_.  What is kept is
the moving average of G's weights.

.. [1] A. Sauer, K. Chitta, J. Müller, A. Geiger: Projected GANs converge faster. NeurIPS 2021.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor

from ..caffe.modules.caffe_module import CaffeModule
from ..caffe.proto import pb
from ..caffe.solving.updates import learning_rate
from ..data.dataset import open_dataset
from ..data.preprocessing import MEAN_BGR
from ..errors import DgnamError
from .classifier import digest
from .classifier import recipe as solver_recipe
from .data_layer import DataLayer, small_in_memory
from .encoder import Encoder
from .feature_heads import FeatureHeads, PixelHead, generator_hinge, hinge
from .fit import check_comparator, check_generator
from .generator import center_of
from .generator_loop import run_training
from .image_loader import ImageLoader
from .losses import PIXEL_SCALE
from .moving_average import MovingAverage
from .passes import Passes
from .projected_recipe import Comparison, ProjectedRecipe
from .sheet import write_sheet
from .solver_nets import solver_nets
from .training_module import TrainingModule

CODE_MEAN = 12.0
"""What codes are divided by for the heads: about the mean of their act_range."""


def train_projected(
    nets: str | Path,
    recipe: ProjectedRecipe,
    encoder: CaffeModule,
    comparators: Sequence[CaffeModule],
    run_folder: str | Path,
    *,
    data_folder: str | Path | None = None,
    device: str = "cpu",
    time_limit: float | None = None,
    spec: Mapping[str, Any] | None = None,
    progress: bool = True,
) -> CaffeModule | None:
    """Train the generator whose definition and solver lie in `nets`, or go on from the checkpoint in `run_folder`.

    A longer training goes on from a shorter one: max_iter, and with it the cooldown, may change in between.

    nets: a folder with solver.prototxt and the definition that it names.
    encoder, comparators: the fixed nets, deployed, without batch normalization for speed; a comparator for each
        comparison of the recipe.
    time_limit: seconds after which the run saves its checkpoint and returns None, to be continued by the same call.
    spec: the keyword arguments of `dgnam.api.train.train` that do this training, for `dgnam resume`; None: none do.
    Raises Interrupted after Ctrl-C or SIGTERM, at a checkpoint.
    Returns the generator, in training form, with the averaged weights.
    """
    dataset = small_in_memory(open_dataset(recipe.source, folder=data_folder))
    layer = DataLayer(recipe.source, recipe.batch_size, min(dataset.size), True, MEAN_BGR)
    run = ProjectedRun(Path(nets), recipe, encoder, comparators, layer.crop_size, device)
    loader = ImageLoader(dataset, layer, max(run.solver.random_seed, 0))
    through = run_training(
        run,
        loader,
        Path(run_folder),
        device=device,
        time_limit=time_limit,
        spec={"model": {"object": "ProjectedRecipe"}} if spec is None else spec,
        progress=progress,
    )
    if not through:
        return None
    run.average.swap(run.net)
    return run.net


@dataclass
class _Compared:
    """A comparator in use, and the places among its layers that have a head."""

    comparison: Comparison
    net: Encoder
    heads: list[int]

    @property
    def size(self) -> tuple[int, int]:
        """Height and width of the window that it sees."""
        height, width = self.net.size
        return height * self.comparison.shrink, width * self.comparison.shrink

    def features(self, images: Tensor, rows: slice, columns: slice) -> list[Tensor]:
        """Each layer's features of a window of images (N, 3, H, W)."""
        window, shrink = images[..., rows, columns], self.comparison.shrink
        return self.net.features(window if shrink == 1 else F.avg_pool2d(window, shrink))


class ProjectedRun:
    """The networks of one training and their update rules.

    side: of the pictures.
    """

    def __init__(
        self,
        nets: Path,
        recipe: ProjectedRecipe,
        encoder: CaffeModule,
        comparators: Sequence[CaffeModule],
        side: int,
        device: str,
    ):
        self.recipe, self.passes = recipe, Passes(device)
        self.solver, (definition, *_), _ = solver_nets(nets / "solver.prototxt", beside=True)
        seed = max(self.solver.random_seed, 0)
        Encoder(encoder, recipe.code_layer, recipe.comparator_layers)  # an unknown layer is an error
        self.encoder = Encoder(encoder.place(device), recipe.code_layer, [recipe.code_layer])
        self.net = TrainingModule(definition, phase=pb.TRAIN, seed=seed).place(device)
        check_generator(self.net.plan, self.encoder, side)
        self.average = MovingAverage(self.net, recipe.average)
        self.compared = [
            _compared(comparison, net.place(device), side)
            for comparison, net in zip(recipe.comparisons, comparators, strict=True)
        ]
        shapes = [own.net.feature_shapes[place] for own in self.compared for place in own.heads]
        numbers = math.prod(self.encoder.code_shape)
        with torch.random.fork_rng(devices=[]):
            torch.manual_seed(seed)
            self.heads = FeatureHeads(shapes, numbers, recipe.width).to(device)
            self.pixel_head = PixelHead(numbers).to(device)
        self.g_update = self._optimizer(list(self.net.parameters()))
        self.d_update = self._optimizer([*self.heads.parameters(), *self.pixel_head.parameters()])
        self.seconds = 0.0
        self.identity: dict[str, Any] = {
            "recipe": recipe.as_dict(),
            "encoder": digest(encoder.weights()),
            "comparators": [digest(net.weights()) for net in comparators],
            "generator": solver_recipe(_without_end(self.solver), definition),
        }

    def _optimizer(self, params: Sequence[Tensor]) -> torch.optim.Adam:
        """The solver's Adam, of torch's, whose pass over the weights is several times as fast."""
        solver, plan = self.solver, self.net.plan
        if solver.type != "Adam" or solver.weight_decay or solver.iter_size != 1:
            raise DgnamError(f"net '{plan.name}': its solver must be Adam without weight_decay, of iter_size 1")
        statistics = {wired.name for wired in plan.layers if wired.layer.statistics}
        other = [param.owner for param in plan.params if param.lr_mult != 1 and param.owner not in statistics]
        if other:
            raise DgnamError(f"net '{plan.name}', layer '{other[0]}': an lr_mult other than 1 is not supported here")
        momenta = (solver.momentum, solver.momentum2)
        return torch.optim.Adam(params, 0.0, betas=momenta, eps=solver.delta, fused=True)

    def rate(self, iteration: int) -> float:
        """The generator's learning rate: the solver's, falling to zero over the last part of the training."""
        left = self.solver.max_iter - iteration
        falling = max(self.recipe.cooldown * self.solver.max_iter, 1)
        return learning_rate(self.solver, iteration) * min(1.0, left / falling)

    def step(self, iteration: int, real: Tensor, log: bool) -> dict[str, float]:
        """One update of the heads and of G by the pictures `real`, (N, 3, H, W) BGR, mean-subtracted.

        With `log` returns the losses, and how strongly each pulls at the images; only then is a GPU waited for.
        """
        self.net.seed(max(self.solver.random_seed, 0) + 1 + iteration)
        with torch.no_grad(), self.passes():
            code = self.encoder(real)[0].float()
        with self.passes():
            fake = center_of(next(iter(self.net(code).values())), real)
            theirs, ours = self._features(iteration, real, fake)
        on_real, on_fake = self._of_heads(theirs), self._of_heads(ours)
        self.heads.learn_statistics(on_real)

        rate, shown_code = self.rate(iteration), code.flatten(1) / CODE_MEAN
        discriminators = self._discriminate(on_real, on_fake, real, fake, shown_code)
        torch.stack(list(discriminators.values())).sum().backward()
        _move(self.d_update, rate * self.recipe.discriminator_rate)

        terms = self._terms(ours, theirs, on_fake, real, fake, code, shown_code)
        losses = self._logged(iteration, {**terms, **discriminators}) if log else {}
        if log:
            losses |= self._pulls(terms, fake)
        torch.stack(list(terms.values())).sum().backward()
        _move(self.g_update, rate)
        self.average.update(self.net)
        return losses

    def _features(self, iteration: int, real: Tensor, fake: Tensor) -> tuple[list[list[Tensor]], list[list[Tensor]]]:
        """Each comparator's features of the real and of the generated images, at the same random window."""
        draw = np.random.default_rng((max(self.solver.random_seed, 0), iteration))
        windows = [_window(draw, real, own.size) for own in self.compared]
        theirs: list[list[Tensor]] = []
        ours: list[list[Tensor]] = []
        for own, (rows, columns) in zip(self.compared, windows, strict=True):
            with torch.no_grad():
                theirs.append(own.features(real, rows, columns))
            ours.append(own.features(fake, rows, columns))
        return theirs, ours

    def _of_heads(self, features: Sequence[Sequence[Tensor]]) -> list[Tensor]:
        """Those features that have a head."""
        return [blobs[k] for own, blobs in zip(self.compared, features, strict=True) for k in own.heads]

    def _discriminate(
        self, on_real: Sequence[Tensor], on_fake: Sequence[Tensor], real: Tensor, fake: Tensor, code: Tensor
    ) -> dict[str, Tensor]:
        """What the heads learn from."""
        self._learning(True)
        with self.passes():
            real_scores, pixels_real = self.heads(on_real, code), self.pixel_head(real / PIXEL_SCALE, code)
            detached, image = [blob.detach() for blob in on_fake], fake.detach() / PIXEL_SCALE
            fake_scores, pixels_fake = self.heads(detached, code), self.pixel_head(image, code)
        return {
            "discriminator": hinge(real_scores, fake_scores),
            "pixel_discriminator": hinge([pixels_real], [pixels_fake]),
        }

    def _terms(
        self,
        ours: Sequence[Sequence[Tensor]],
        theirs: Sequence[Sequence[Tensor]],
        on_fake: Sequence[Tensor],
        real: Tensor,
        fake: Tensor,
        code: Tensor,
        shown_code: Tensor,
    ) -> dict[str, Tensor]:
        """G's losses, weighted."""
        recipe = self.recipe
        self._learning(False)
        with self.passes():
            adversarial = generator_hinge(self.heads(on_fake, shown_code))
            pixels = generator_hinge([self.pixel_head(fake / PIXEL_SCALE, shown_code)])
            again = self.encoder.features(fake)[0]
        terms = {"image": recipe.image * (fake.float() - real).abs().mean() / PIXEL_SCALE}
        for own, mine, wanted in zip(self.compared, ours, theirs, strict=True):
            terms[own.comparison.name] = own.comparison.weight * _distance(mine, wanted)
        terms["code"] = recipe.code * _distance([again], [code])
        terms["adversarial"] = recipe.adversarial * adversarial
        terms["pixels"] = recipe.pixels * pixels
        return terms

    def _logged(self, iteration: int, terms: Mapping[str, Tensor]) -> dict[str, float]:
        values = {name: float(term.detach()) for name, term in terms.items()}
        if not np.isfinite(list(values.values())).all():
            raise DgnamError(f"net '{self.net.plan.name}': a loss is not finite at iteration {iteration}")
        return values

    @staticmethod
    def _pulls(terms: Mapping[str, Tensor], fake: Tensor) -> dict[str, float]:
        """How strongly each loss pulls at the generated images: a thousand times its gradient's mean norm."""
        pulls = {}
        for name, term in terms.items():
            (gradient,) = torch.autograd.grad(term, fake, retain_graph=True)
            pulls[f"pull_{name}"] = float(gradient.float().flatten(1).norm(dim=1).mean()) * len(fake) * 1e3
        return pulls

    def _learning(self, wanted: bool) -> None:
        """Whether it is the heads' turn to learn."""
        for module in (self.heads, self.pixel_head):
            module.requires_grad_(wanted).train(wanted)

    def sheet(self, real: Tensor, path: Path) -> None:
        """Write pictures over their reconstructions by the averaged weights, as a PNG."""
        self.average.swap(self.net)
        self.net.eval()
        with torch.no_grad():
            fake = center_of(next(iter(self.net(self.encoder(real)[0]).values())), real)
        self.net.train()
        self.average.swap(self.net)
        rows = np.concatenate([real.float().cpu().numpy(), fake.float().cpu().numpy()])
        write_sheet(path, rows, len(real))

    def state(self, iteration: int, seconds: float) -> dict[str, Any]:
        """What a checkpoint holds; `seconds` are those of this process, to which earlier ones' are added.

        Raises DgnamError where the weights are not finite, so that the last checkpoint is one to go on from.
        """
        weights = torch.stack([value.detach().float().sum() for value in self.net.parameters()])
        if not bool(torch.isfinite(weights).all()):
            raise DgnamError(f"net '{self.net.plan.name}': its weights are not finite at iteration {iteration}")
        return {
            "modules": {name: module.state_dict() for name, module in self._modules()},
            "updates": {"generator": self.g_update.state_dict(), "discriminator": self.d_update.state_dict()},
            "average": self.average.state(),
            "iteration": iteration,
            "seconds": self.seconds + seconds,
        }

    def restore(self, state: dict[str, Any]) -> None:
        """Take up a checkpoint's state."""
        for name, module in self._modules():
            module.load_state_dict(state["modules"][name])
        self.g_update.load_state_dict(state["updates"]["generator"])
        self.d_update.load_state_dict(state["updates"]["discriminator"])
        self.average.load(state["average"])
        self.seconds = float(state["seconds"])

    def _modules(self) -> list[tuple[str, torch.nn.Module]]:
        return [("generator", self.net), ("heads", self.heads), ("pixel_head", self.pixel_head)]


def _compared(comparison: Comparison, net: CaffeModule, side: int) -> _Compared:
    fixed = Encoder(net, comparison.layers[0], comparison.layers)
    check_comparator(fixed, comparison.layers, comparison.heads, side, comparison.shrink)
    return _Compared(comparison, fixed, [comparison.layers.index(layer) for layer in comparison.heads])


def _without_end(solver: pb.SolverParameter) -> pb.SolverParameter:
    """The solver without max_iter, which may change during a training."""
    endless = pb.SolverParameter()
    endless.CopyFrom(solver)
    endless.ClearField("max_iter")
    return endless


def _window(draw: np.random.Generator, real: Tensor, size: tuple[int, int]) -> tuple[slice, slice]:
    """Rows and columns of a window of this size, at a random place."""
    top = int(draw.integers(0, real.shape[2] - size[0] + 1))
    left = int(draw.integers(0, real.shape[3] - size[1] + 1))
    return slice(top, top + size[0]), slice(left, left + size[1])


def _move(optimizer: torch.optim.Optimizer, rate: float) -> None:
    """One update at this rate, after which there are no gradients."""
    for group in optimizer.param_groups:
        group["lr"] = rate
    optimizer.step()
    optimizer.zero_grad()


def _distance(ours: Sequence[Tensor], theirs: Sequence[Tensor]) -> Tensor:
    """The squared distance relative to the wanted features' mean square, a mean over layers."""
    ratios = [(a.float() - b).square().mean() / b.float().square().mean() for a, b in zip(ours, theirs, strict=True)]
    return torch.stack(ratios).mean()
