"""What methods reach with equal numbers of images: the gradient, CMA-ES and the genetic algorithm on twenty units.

    python tests/bench/bench_evolve.py [IMAGES]

Twenty units of caffenet-mini's fc8, every tenth class from 5 on, which took no part in the choice of the methods'
defaults; the prior deepsim-fc6-mini within its act_range; seed 0.  Each method looks at IMAGES images of each unit; the
420 of the default are 20 generations of CMA-ES's 21 and 21 of the genetic algorithm's 20.

A black box needs a forward pass for an image.  A step of the gradient takes a forward and a backward pass, and a
backward pass takes about as long as two forward ones; so the gradient has two rows: as many steps as images, and a
third as many, for equal computation.  Reached is the highest activation of a picture of 8 bits; the gradient's picture
is its last.
"""

import sys
import time
from collections.abc import Callable

import numpy as np

from dgnam import zoo
from dgnam.am import CaffeTarget, GeneratorPrior, Job, Unit, act_range_bounds, gather, released, synthesize
from dgnam.am.evolve import CmaEs, Genetic, Method, Search, UnitScore, drive
from dgnam.am.render import render
from dgnam.data.preprocessing import deprocess

UNITS = [Unit("fc8", index) for index in range(5, 200, 10)]
IMAGES = 420
PRIOR = GeneratorPrior(zoo.load("deepsim-fc6-mini"))
TARGET = CaffeTarget(zoo.load("caffenet-mini"))
CLIP = act_range_bounds(zoo.get("deepsim-fc6-mini").act_range())


def reached(unit: Unit, codes: np.ndarray) -> float:
    """The highest activation of the codes' pictures."""
    pictures = deprocess(render(PRIOR, codes, PRIOR.image_size))
    return float(UnitScore(TARGET, unit)(pictures).max())


def gradient(steps: int) -> list[float]:
    jobs = [Job(unit, settings=released(n_iters=steps)) for unit in UNITS]
    codes = gather(synthesize(TARGET, PRIOR, jobs, clip=CLIP, progress=False)).codes
    return [reached(unit, code[None]) for unit, code in zip(UNITS, codes, strict=True)]


def black_box(method: Method, population: int, images: int) -> list[float]:
    generations = images // population
    found = []
    for unit in UNITS:
        score = UnitScore(TARGET, unit)
        best = drive(Search(PRIOR, method, clip=CLIP), score, generations, progress=False).best
        found.append(best.score)
    return found


def random_codes(images: int) -> list[float]:
    codes = np.random.RandomState(0).normal(0, 1, (images, *PRIOR.code_shape)).astype(np.float32)
    return [reached(unit, CLIP.clip(codes)) for unit in UNITS]


def main() -> None:
    images = int(sys.argv[1]) if len(sys.argv) > 1 else IMAGES
    rows: dict[str, Callable[[], list[float]]] = {
        f"gradient, {images} steps": lambda: gradient(images),
        f"gradient, {images // 3} steps": lambda: gradient(images // 3),
        "CMA-ES": lambda: black_box(CmaEs(population=21), 21, images),
        "genetic, our mutations": lambda: black_box(Genetic(), 20, images),
        "genetic, XDream's": lambda: black_box(Genetic.xdream(), 20, images),
        "random codes": lambda: random_codes(images),
    }
    print(f"{len(UNITS)} units of caffenet-mini, {images} images each")
    print(f"{'':26}{'activation':>10}{'of gradient':>13}{'least':>8}{'most':>8}{'seconds':>9}")
    first = None
    for name, method in rows.items():
        start = time.perf_counter()
        found = np.array(method())
        first = found if first is None else first
        share = (found / first).mean()
        taken = time.perf_counter() - start
        print(f"{name:26}{found.mean():10.2f}{share:13.1%}{found.min():8.2f}{found.max():8.2f}{taken:9.1f}", flush=True)


if __name__ == "__main__":
    main()
