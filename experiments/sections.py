"""The paper's sections and the experiments that cover them, for the status tables."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Section:
    """A part of the paper with one claim, or a few.

    experiments: names of `EXPERIMENTS`.
    """

    number: str
    figures: str
    subject: str
    experiments: tuple[str, ...]


SECTIONS = (
    Section("2", "", "small L2 weight; codes clipped to act_range; activation and quality", ("sec2_hyperparameters",)),
    Section("3.1", "1", "output units of CaffeNet", ("fig1",)),
    Section(
        "3.1",
        "S13, S17, S22",
        "code layers; previous methods; memorized pictures",
        ("sec3_1_prior_layers", "sec3_1_previous_methods", "sec3_1_memorization"),
    ),
    Section("3.2", "3, 4", "networks trained on scenes and on actions", ("sec3_2_places", "sec3_2_actions")),
    Section("3.3", "5", "other architectures: GoogLeNet, ResNet", ("sec3_3_architectures",)),
    Section("3.4", "6, S14-S16", "hidden units", ("sec3_4_imagenet_hidden", "sec3_4_places_hidden")),
    Section(
        "3.5",
        "S7, S18-S21",
        "what units learned: modified pictures; canonical and diverse classes",
        ("sec3_5_modified_data", "sec3_5_canonical"),
    ),
    Section(
        "3.6",
        "",
        "training and overfitting; video; two-unit art",
        ("sec3_6_training", "sec3_6_videos", "sec3_6_art"),
    ),
    Section("beyond", "", "processing path; equally active pictures", ("beyond_path", "beyond_invariance")),
)
