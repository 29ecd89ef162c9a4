"""What a generator makes of the codes that its own encoder has of pictures: G(E(x))."""

from __future__ import annotations

import numpy as np

from dgnam import zoo
from dgnam.api.priors import ResolvedPrior, open_prior
from dgnam.api.render import render
from dgnam.api.targets import open_target
from dgnam.errors import DgnamError
from dgnam.measure.layer_codes import LayerCodes

BATCH = 100
"""Images that a network sees at once."""


def reconstructions(prior: str | ResolvedPrior, images: np.ndarray, device: str = "cpu") -> np.ndarray:
    """(N, 3, h, w) float32, reconstructions of images of the same form and size, as the encoder takes them.

    prior: of the zoo, which knows its encoder.
    """
    size = (images.shape[2], images.shape[3])
    opened = open_prior(prior, size)
    generator = zoo.get(opened.name).generator
    if generator is None:
        raise DgnamError(f"prior '{opened.name}' is no generator, which alone reconstructs pictures")
    read = LayerCodes(open_target(generator.encoder).target, [generator.layer], device)
    parts = [images[k : k + BATCH] for k in range(0, len(images), BATCH)]
    codes = np.concatenate([read(part, [""] * len(part))[generator.layer] for part in parts])
    return render(opened, codes.reshape(-1, *opened.prior.code_shape), size, device=device)
