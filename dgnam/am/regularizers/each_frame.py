"""A regularizer of images or their codes, for each frame of clips (N, frames, *code_shape)."""

from __future__ import annotations

from dataclasses import dataclass

from .regularizer import Array, Regularizer, StepContext


@dataclass(frozen=True)
class EachFrame(Regularizer):
    """A regularizer that takes each frame's code as one of its own; penalties add up over the frames."""

    regularizer: Regularizer

    @property
    def label(self) -> str:
        return self.regularizer.label

    def penalty_gradient(self, codes: Array) -> Array | None:
        found = self.regularizer.penalty_gradient(_frames(codes))
        return None if found is None else found.reshape(codes.shape)

    def mask(self, gradient: Array, context: StepContext) -> Array:
        return self.regularizer.mask(_frames(gradient), _of_frames(context)).reshape(gradient.shape)

    def project(self, codes: Array, context: StepContext) -> Array:
        return self.regularizer.project(_frames(codes), _of_frames(context)).reshape(codes.shape)


def _frames(codes: Array) -> Array:
    return codes.reshape(codes.shape[0] * codes.shape[1], *codes.shape[2:])


def _of_frames(context: StepContext) -> StepContext:
    return StepContext(context.step, _frames(context.gradient))
