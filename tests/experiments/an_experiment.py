"""An experiment to test with, pictures of it and a judge."""

import numpy as np

from dgnam.experiments.context import Context
from dgnam.experiments.fig1_output_units import EXPERIMENT
from dgnam.experiments.pictures import Pictures
from dgnam.measure import Verdict

AS_IT_IS = {"weights": None, "labels": None, "labels_layer": None, "mean": None, "channels": "BGR"}
"""Of a target that is opened without options."""


def context(units=None, scale="full", target=None):
    arguments = {"units": units, "scale": scale, "target": target, "seed": 3, **AS_IT_IS}
    return Context(EXPERIMENT, EXPERIMENT.models["mini"], arguments)


class FakeJudge:
    """Ranks the class of each image as many places down as its index says."""

    def rank(self, images, classes):
        return Verdict(np.array(classes), -np.array(classes, float))


def pictures(units, seeds=(0,)):
    count = len(units) * len(seeds)
    return Pictures(np.zeros((count, 3, 56, 56), np.float32), units, seeds, np.ones((len(units), len(seeds))))
