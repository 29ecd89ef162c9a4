"""Searches in ask/tell form: they converge, keep to their bounds, repeat, refuse misuse, and survive a kill."""

import os
import signal
import subprocess
import sys
import time
import warnings

import numpy as np
import pytest
from PIL import Image

from dgnam.am import Bounds
from dgnam.am.evolve import CmaEs, Genetic, Search, drive
from dgnam.am.evolve.search import generation_names, own_names
from dgnam.errors import DgnamError
from dgnam.runs import Record, Run
from dgnam.runs.chunks import to_bytes
from tests.am.evolve.bowl import PEAK, PixelsOfCode, bowl

METHODS = [CmaEs(sigma=1.0), Genetic(mutation_size=1.0)]
NAMES = [method.name for method in METHODS]
BOUNDS = Bounds(np.full((3, 2, 2), -3.5, np.float32), np.full((3, 2, 2), 3.5, np.float32))
each_method = pytest.mark.parametrize("method", METHODS, ids=NAMES)


def search(method, **options):
    return Search(PixelsOfCode(), method, **options)


def told(one, generations):
    return drive(one, bowl, generations, progress=False)


def new_run(folder):
    return Run.create_at(folder, Record("evolve", {}, {}))


def resumed(folder, method, rescore=False, **options):
    return search(method, **options).save_in(Run.open(folder), rescore=rescore)


@each_method
def test_it_finds_the_top_of_a_bowl(method):
    one = told(search(method), 1)
    first = one.best.score
    assert repr(one) == f"<Search: {method.name}, seed 0; 1 generations, best {first:.6g}>"
    told(one, 150)
    assert one.best.score > 0.02 * first
    assert np.abs(one.best.code - PEAK / 10).max() < 0.8


@each_method
def test_codes_keep_to_the_bounds_and_reach_them(method):
    one = search(method, clip=BOUNDS)
    for _ in range(60):
        codes, images = one.ask()
        assert codes.min() >= -3.5
        assert codes.max() <= 3.5
        one.tell(bowl(images))
    assert one.best.code.flat[7] > 3  # its top is at 4, beyond the bounds


@each_method
def test_bounds_that_leave_no_room_fix_a_number(method):
    upper = np.array(BOUNDS.upper)
    upper.flat[0] = -3.5
    codes, _ = search(method, clip=Bounds(BOUNDS.lower, upper)).ask()
    assert (codes[:, 0, 0, 0] == -3.5).all()
    assert len(np.unique(codes[:, 0, 0, 1])) > 1


@each_method
def test_what_ask_gives(method):
    codes, images = search(method).ask()
    assert (codes.dtype, codes.shape[1:]) == (np.float32, (3, 2, 2))
    assert (images.dtype, images.shape) == (np.uint8, (len(codes), 2, 2, 3))
    blue_top_left = np.clip(np.rint(104 + 10 * codes[:, 0, 0, 0]), 0, 255)
    assert (images[:, 0, 0, 2] == blue_top_left).all()


@each_method
def test_equal_seeds_give_equal_generations_whatever_the_global_random_state(method):
    found = []
    for noise, seed in ((1, 5), (2, 5), (1, 6)):
        np.random.seed(noise)
        one = told(search(method, clip=BOUNDS, seed=seed), 5)
        found.append(one.ask()[0])
    assert (found[0] == found[1]).all()
    assert not (found[0] == found[2]).all()


def test_the_first_genetic_generation_is_the_published_start():
    codes, _ = search(Genetic(population=6), clip=Bounds(-1.0, 1.0), seed=3).ask()
    drawn = np.random.RandomState(3).normal(0, 1, (6, 3, 2, 2))
    assert (codes == np.clip(drawn, -1, 1).astype(np.float32)).all()


def test_given_codes_begin_the_search():
    given = np.stack([np.full((3, 2, 2), value, np.float32) for value in (1, 9)])
    codes, _ = search(Genetic(population=6), clip=BOUNDS, start_codes=given).ask()
    assert (codes[:2] == np.clip(given, -3.5, 3.5)).all()
    assert codes[2:].min() > -3.5
    codes, _ = search(CmaEs(sigma=0.01), start_codes=given).ask()
    assert np.abs(codes - 5).max() < 0.1


@each_method
def test_asked_again_it_gives_the_same(method):
    one = search(method)
    first, again = one.ask(), one.ask()
    assert all((a == b).all() for a, b in zip(first, again, strict=True))
    first[0][:] = 0
    assert (one.ask()[0] == again[0]).all()


def test_tell_without_ask_is_an_error():
    one = search(Genetic())
    with pytest.raises(DgnamError, match="generation 0 hasn't been asked for"):
        one.tell(np.zeros(20))
    one.tell(bowl(one.ask()[1]))
    with pytest.raises(DgnamError, match="generation 1 hasn't been asked for"):
        one.tell(np.zeros(20))


@pytest.mark.parametrize(
    ("scores", "message"),
    [
        ([1.0] * 19, r"20 pictures were asked for, and the scores have shape \(19,\)"),
        (1.0, r"the scores have shape \(\)"),
        ([0.0] * 18 + [float("nan"), float("inf")], r"2 of 20 scores are not finite \(nan of picture 18, inf of pict"),
        (["a"] * 20, "the scores are not numbers"),
        (None, r"20 pictures were asked for|scores are not finite"),
    ],
)
def test_scores_that_cannot_be_used_leave_the_generation_open(scores, message, tmp_path):
    one = search(Genetic()).save_in(new_run(tmp_path / "run"))
    codes, images = one.ask()
    with pytest.raises(DgnamError, match=message):
        one.tell(scores)
    assert one.generation == 0
    assert not (tmp_path / "run/chunks").exists()
    one.tell(bowl(images).tolist())
    assert (one.generation, len(one.scores[0])) == (1, len(codes))


@each_method
def test_flat_and_noisy_scores_are_fine(method):
    one = search(method, clip=BOUNDS)
    noise = np.random.RandomState(0)
    for generation in range(40):
        codes, _ = one.ask()
        one.tell(np.full(len(codes), 1e300) if generation % 2 else noise.normal(size=len(codes)))
    assert np.isfinite(one.ask()[0]).all()


@each_method
def test_lost_trials_are_done_without(method, tmp_path):
    run = new_run(tmp_path / "run")
    one, draw = search(method, clip=BOUNDS).save_in(run), np.random.RandomState(0)
    for _ in range(60):
        _, images = one.ask()
        lost = draw.random(len(images)) < 0.3
        one.tell(np.ma.masked_array(np.where(lost, 1e9, bowl(images)), lost))
    lost = np.isnan(np.concatenate(one.scores))
    assert 0.2 < lost.mean() < 0.4
    assert one.best.score < 0
    whole = told(search(method, clip=BOUNDS), 60)
    assert one.best.score > 3 * whole.best.score  # nearly as near to the top
    again = resumed(run.path, method, clip=BOUNDS)
    assert np.array_equal(np.concatenate(again.scores), np.concatenate(one.scores), equal_nan=True)
    assert (again.ask()[0] == one.ask()[0]).all()


def test_a_lost_trial_neither_draws_nor_repels():
    def mean(scores):
        one = search(CmaEs(population=4))
        one.ask()
        one.tell(scores)
        return one.mean_code

    median = mean([1.0, 2, 3, 2])
    assert (mean(np.ma.masked_array([1.0, 2, 3, -50], [0, 0, 0, 1])) == median).all()
    one = search(Genetic(population=4, elite=2, mutation_rate=0.0))
    codes, _ = one.ask()
    one.tell(np.ma.masked_array([99.0, 2, 99, 99], [1, 0, 1, 1]))
    assert (one.ask()[0] == codes[1]).all()  # the one code that was scored is all that has children


def test_a_generation_lost_as_a_whole_stays_open():
    one = search(Genetic(population=4))
    one.ask()
    with pytest.raises(DgnamError, match="all 4 trials are lost: measure the pictures again"):
        one.tell(np.ma.masked_all(4))
    assert one.generation == 0


@each_method
def test_the_mean_code_and_its_picture_are_kept(method, tmp_path):
    run = new_run(tmp_path / "run")
    one = search(method, clip=BOUNDS).save_in(run)
    means = []
    for _ in range(5):
        _, images = one.ask()
        means.append(one.mean_code)
        one.tell(bowl(images))
    assert [(run.load(f"{k:05d}")["mean"] == mean).all() for k, mean in enumerate(means)] == [True] * 5
    assert np.abs(one.mean_code).max() <= 3.5
    with Image.open(run.path / "mean.png") as shown:
        assert (np.asarray(shown) == one.pictures(one.mean_code[None])[0]).all()
    assert (resumed(run.path, method, clip=BOUNDS).mean_code == one.mean_code).all()


def test_the_best_is_the_highest_score_ever():
    one = search(Genetic(population=4))
    for scores in ([0, 3, 1, 2], [0, 1, 2, 1], [9, 0, 0, 0]):
        codes, _ = one.ask()
        one.tell(scores)
    assert (one.best.score, one.best.generation, one.best.index) == (9, 2, 0)
    assert (one.best.code == codes[0]).all()
    assert [list(scores) for scores in one.scores] == [[0, 3, 1, 2], [0, 1, 2, 1], [9, 0, 0, 0]]


def test_the_elite_is_kept_and_scored_again():
    one = search(Genetic(population=5, elite=2))
    codes, _ = one.ask()
    one.tell([0, 5, 1, 4, 2])
    assert (one.ask()[0][:2] == codes[[1, 3]]).all()


@each_method
def test_resumed_it_goes_on_to_the_same_bytes(method, tmp_path):
    options = {"clip": BOUNDS, "seed": 4, "start_codes": np.ones((2, 3, 2, 2), np.float32)}
    whole = told(search(method, **options).save_in(new_run(tmp_path / "whole")), 7)
    told(search(method, **options).save_in(new_run(tmp_path / "parts")), 3)
    again = resumed(tmp_path / "parts", method, **options)
    assert again.generation == 3
    again.ask()  # a generation in flight is lost
    again = told(resumed(tmp_path / "parts", method, **options), 7)
    assert (again.best.score, again.best.generation) == (whole.best.score, whole.best.generation)
    assert (again.ask()[0] == whole.ask()[0]).all()
    for name in (*(f"chunks/{k:05d}.h5" for k in range(7)), "chunks.jsonl", "best.png"):
        assert (tmp_path / "whole" / name).read_bytes() == (tmp_path / "parts" / name).read_bytes()


@each_method
def test_several_share_a_run(method, tmp_path):
    run = new_run(tmp_path / "run")
    for seed in range(2):
        told(search(method, seed=seed).save_in(run, f"{seed:03d}/"), 2)
    assert run.names() == ["000/00000", "000/00001", "001/00000", "001/00001"]
    opened = Run.open(run.path)
    again = [search(method, seed=seed).save_in(opened, f"{seed:03d}/") for seed in range(2)]
    assert [one.generation for one in again] == [2, 2]
    assert (run.path / "001/best.png").is_file()


KILLED = """
import sys, time
from tests.am.evolve.bowl import PixelsOfCode, bowl
from dgnam.am.evolve import CmaEs, Genetic, Search, drive
from dgnam.runs import Record, Run
folder, method = sys.argv[1:]
def slow(images):
    print("scoring", flush=True)
    time.sleep(0.02)
    return bowl(images)
search = Search(PixelsOfCode(), {"cma": CmaEs(), "genetic": Genetic()}[method])
drive(search.save_in(Run.create_at(folder, Record("evolve", {}, {}))), slow, 10**6, progress=False)
"""


@pytest.mark.parametrize("method", [CmaEs(), Genetic()], ids=NAMES)
def test_killed_it_loses_only_the_generation_in_flight(method, tmp_path):
    process = subprocess.Popen(
        [sys.executable, "-c", KILLED, tmp_path / "run", method.name],
        stdout=subprocess.PIPE,
        text=True,
        env={**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)},
    )
    for _ in range(6):
        assert process.stdout.readline() == "scoring\n"
    time.sleep(np.random.default_rng().uniform(0, 0.05))
    process.send_signal(signal.SIGKILL)
    asked = 6 + process.communicate()[0].count("scoring\n")
    again = resumed(tmp_path / "run", method)
    assert asked - 1 <= again.generation <= asked
    fresh = told(search(method), again.generation)
    assert (again.ask()[0] == fresh.ask()[0]).all()
    assert all((a == b).all() for a, b in zip(again.scores, fresh.scores, strict=True))
    told(again, again.generation + 2)


def test_two_that_go_on_with_one_folder_do_not_overwrite_each_other(tmp_path):
    new_run(tmp_path / "run")
    one, other = (resumed(tmp_path / "run", Genetic()) for _ in range(2))
    told(one, 1)
    with pytest.raises(DgnamError, match="has generation 0: another process told it"):
        told(other, 1)


def rewrite(run, name, **arrays):
    """Put other arrays into a chunk, with a line that vouches for them, as a hostile folder may have."""
    run.save(name, {**run.load(name), **arrays})


def drop_scores(run):
    run.save_bytes("00001", to_bytes({"codes": run.load("00001")["codes"]}), ".h5")


@pytest.mark.parametrize(
    ("damage", "message"),
    [
        (lambda run: (run.path / "chunks/00001.h5").unlink(), r"00001\.h5 is missing"),
        (lambda run: (run.path / "chunks/00001.h5").write_bytes(b"x"), r"00001\.h5 is damaged"),
        (lambda run: run.save_bytes("00001", b"x", ".h5"), r"00001\.h5"),
        (drop_scores, "chunk '00001' is not a generation of this search"),
        (lambda run: rewrite(run, "00001", codes=np.zeros((20, 5))), "is not a generation of this search"),
        (lambda run: rewrite(run, "00001", codes=np.ones((20, 3, 2, 2))), "generation 1 can't be repeated"),
        (lambda run: rewrite(run, "00001", codes=np.full((20, 3, 2, 2), np.nan)), "generation 1 can't be repeated"),
        (lambda run: rewrite(run, "00001", scores=np.zeros(19)), "20 pictures were asked for"),
        (lambda run: rewrite(run, "00001", scores=np.full(20, np.nan)), "20 of 20 scores are not finite"),
    ],
)
def test_a_damaged_folder_is_an_error_that_names_it(damage, message, tmp_path):
    run = new_run(tmp_path / "run")
    told(search(Genetic()).save_in(run), 3)
    damage(run)
    with pytest.raises(DgnamError, match=message):
        resumed(run.path, Genetic())


def test_a_hole_among_the_generations_is_an_error(tmp_path):
    run = new_run(tmp_path / "run")
    told(search(Genetic()).save_in(run), 3)
    lines = (run.path / "chunks.jsonl").read_text().splitlines(keepends=True)
    (run.path / "chunks.jsonl").write_text(lines[0] + lines[2])
    (run.path / "chunks/00001.h5").unlink()
    with pytest.raises(DgnamError, match="generation '00001' is missing, and '00002' is there"):
        resumed(run.path, Genetic())


def test_another_seed_does_not_go_on(tmp_path):
    run = new_run(tmp_path / "run")
    told(search(Genetic()).save_in(run), 1)
    with pytest.raises(DgnamError, match="generation 0 can't be repeated from the record"):
        resumed(run.path, Genetic(), seed=1)


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: search(CmaEs(), seed=-1), "seed -1"),
        (lambda: search(CmaEs(), batch_size=0), "batch_size 0"),
        (lambda: search(CmaEs(), clip=Bounds(1.0, 0.0)), "each lower one at most its upper one"),
        (lambda: search(CmaEs(), clip=Bounds(np.zeros(5), np.ones(5))), "the bounds are of 5 neurons"),
        (lambda: search(CmaEs(), start_codes=np.zeros((1, 4))), r"start_codes have shape \(1, 4\)"),
        (lambda: search(CmaEs(), start_codes=np.full((1, 3, 2, 2), np.nan)), "start_codes must be finite"),
        (lambda: search(Genetic(), start_codes=np.zeros((21, 3, 2, 2))), "21 start codes are more than the population"),
        (lambda: CmaEs(population=3), "population 3: CMA-ES takes 4 to 100000"),
        (lambda: CmaEs(sigma=0), "sigma 0 must be positive"),
        (lambda: Genetic(population=1), "population 1"),
        (lambda: Genetic(elite=20), "elite 20"),
        (lambda: Genetic(mutation_rate=2), "mutation_rate 2"),
        (lambda: Genetic(mutation_size=float("nan")), "mutation_size nan"),
    ],
)
def test_what_cannot_be_done_is_one_clear_error(make, message):
    with pytest.raises(DgnamError, match=message):
        make()


@pytest.mark.parametrize(("name", "kept"), [("00001", 1), ("00000", 0)])
def test_damaged_generations_are_scored_again_where_they_can_be(tmp_path, name, kept):
    run = new_run(tmp_path / "run")
    whole = told(search(Genetic(population=4)).save_in(run), 4)
    run.save("remeasured-00004-0000", {"scores": np.zeros((1, 2))}, count=0)
    (run.path / f"chunks/{name}.h5").write_bytes(b"x")
    with pytest.raises(DgnamError, match="damaged"):
        resumed(run.path, Genetic(population=4))
    with pytest.warns(UserWarning, match=f"generation '{name}' is missing or damaged; it and those after it"):
        again = resumed(run.path, Genetic(population=4), rescore=True)
    assert (again.generation, Run.open(run.path).names()) == (kept, [f"{number:05d}" for number in range(kept)])
    told(again, 4)
    assert [list(one) for one in again.scores] == [list(one) for one in whole.scores]
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        assert resumed(run.path, Genetic(population=4), rescore=True).generation == 4


def test_the_usual_search_and_where_its_numbers_end():
    one = Search(PixelsOfCode())
    assert (one.method, one.seed, one.batch_size, one.run, one.prefix, one.best) == (CmaEs(), 0, 100, None, "", None)
    assert repr(one) == "<Search: cma, seed 0; 0 generations>"
    for fine in ({"seed": 2**32 - 1}, {"batch_size": 1}):
        Search(PixelsOfCode(), **fine)
    for wrong in ({"seed": -1}, {"seed": 2**32}, {"batch_size": 0}):
        with pytest.raises(DgnamError):
            Search(PixelsOfCode(), **wrong)
    for codes, words in ((np.zeros((0, 3, 2, 2)), "have shape"), (np.full((1, 3, 2, 2), np.nan), "must be finite")):
        with pytest.raises(DgnamError, match=words):
            Search(PixelsOfCode(), start_codes=codes)


def test_inputs_say_what_decides_the_codes():
    start = np.ones((1, 3, 2, 2), np.float32)
    found = search(Genetic(population=4), seed=3, start_codes=start).inputs()
    assert (found["method"], found["seed"], found["parameters"]["population"]) == ("genetic", 3, 4)
    assert (found["code_shape"], found["image_size"]) == ([3, 2, 2], [2, 2])
    assert found["start_codes"].startswith("sha256:")
    assert search(Genetic()).inputs()["start_codes"] is None


def test_chunks_of_a_search_among_others(tmp_path):
    run = new_run(tmp_path / "run")
    for name in ("00010", "100000", "00002", "remeasured-00001-0000", "007/00000", "007/remeasured-1", "0001"):
        run.save(name, {"x": np.zeros(1)})
    assert generation_names(run) == ["00002", "00010", "100000"]
    assert generation_names(run, "007/") == ["007/00000"]
    assert own_names(run, "007/") == ["007/00000", "007/remeasured-1"]


def test_the_best_is_the_first_of_equals_and_names_its_place():
    one = search(Genetic(population=4))
    one.ask()
    one.tell([1, 3, 3, 2])
    assert (one.best.score, one.best.generation, one.best.index) == (3, 0, 1)
    one.ask()
    one.tell([3, 3, 2, 1])
    assert (one.best.generation, one.best.index) == (0, 1)
    one.ask()
    one.tell([3, 0, 1, 4])
    assert (one.best.score, one.best.generation, one.best.index, one.generation) == (4, 2, 3, 3)
