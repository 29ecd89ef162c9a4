"""The paper's sections and the experiments that cover them, for the status tables."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Section:
    """A part of the paper with one claim, or a few.

    experiments: names of `EXPERIMENTS`; none where it is still planned.
    """

    number: str
    figures: str
    subject: str
    experiments: tuple[str, ...] = ()


SECTIONS = (
    Section("2", "", "small L2 weight; codes clipped to act_range; activation and quality"),
    Section("3.1", "1", "output units of CaffeNet", ("fig1",)),
    Section("3.1", "S13, S17, S22", "code layers; previous priors; memorized pictures"),
    Section("3.2", "3, 4", "networks trained on scenes and on actions"),
    Section("3.3", "5", "other architectures: GoogLeNet, ResNet"),
    Section("3.4", "6, S14-S16", "hidden units"),
    Section("3.5", "S7, S18-S21", "what units learned: modified pictures; non-canonical classes"),
    Section("3.6", "", "training and overfitting; video; two-unit art"),
)
