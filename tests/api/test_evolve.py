"""Evolution without gradients: of units, of callables, saved and resumed."""

import csv
import json
import os
import signal

import numpy as np
import pytest
import torch
from PIL import Image

import dgnam
from dgnam import zoo
from dgnam.am import Bounds, CaffeTarget, GeneratorPrior, RandomStart, Unit, ZeroStart, unit_box
from dgnam.am.evolve import Genetic
from dgnam.api.lab import begin_search, open_search
from dgnam.errors import DgnamError, FormatError
from dgnam.runs import Interrupted, Run
from dgnam.runs.index import list_runs


@pytest.fixture
def target(tiny_nets):
    return CaffeTarget(zoo.load_net(tiny_nets / "target.prototxt", tiny_nets / "target.h5", "target"))


@pytest.fixture
def prior(tiny_nets):
    return GeneratorPrior(zoo.load_net(tiny_nets / "generator.prototxt", tiny_nets / "generator.h5", "generator"))


def redness(pictures):
    return pictures[..., 0].mean((1, 2)) - pictures[..., 2].mean((1, 2))


def test_a_callable_needs_no_gradient(prior):
    seen = []

    def neuron(pictures):
        seen.append(pictures)
        return pictures[..., 0].mean((1, 2)) - pictures[..., 2].mean((1, 2))

    found = dgnam.evolve(neuron, prior=prior, method=Genetic(population=6), generations=5, seeds=2, progress=False)
    assert found.images.shape == (2, 32, 32, 3)
    assert found.traces.shape == (2, 5)
    assert len(seen) == 2 * (5 + 2)  # free of noise, the best are measured again twice
    assert seen[0].shape == (6, 32, 32, 3)
    assert np.allclose(found.activations, found.traces.max(1))
    assert (found.traces[:, -1] >= found.traces[:, 0]).all()
    assert repr(found).startswith("<Evolution: black box, prior ")
    assert repr(found.best[0]).startswith(f"<Measured: best-1, {found.best[0].mean:.4g} ± 0 (n=2)>")


def test_a_unit_as_a_black_box(target, prior, tmp_path):
    how = {"prior": prior, "method": "genetic", "seeds": 1, "progress": False, "folder": tmp_path / "run"}
    found = dgnam.evolve(target, "fc8:3", generations=2, **how)
    on = dgnam.evolve(target, "fc8:3", generations=4, resume=True, **how)
    assert np.array_equal(on.traces[:, :2], found.traces)
    assert on.traces.shape == (1, 4)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"method": "cmaes"}, "method 'cmaes': give one of cma"),
        ({"generations": 0}, "generations 0: give 1 or more"),
        ({"remeasure": -1}, "remeasure -1: give how many"),
        ({"remeasure": 101}, "remeasure 101: give how many"),
        ({"repeats": 0}, "repeats 0: give how often"),
        ({"movies": ["avi"]}, r"movie '\.avi'"),
        ({"movies": ["gif"], "folder": None}, "movies need a folder"),
        ({"every": 0}, "every 0"),
        ({"objective": "fc8:3"}, "leave the objective out"),
        ({"score": "nowhere:f"}, "a target and its unit, or a score, not both"),
        ({"labels": ["a"]}, "leave out labels"),
        ({"mean": "3", "scale": 2.0, "channels": "RGB"}, "leave out mean, scale, channels"),
        ({"prior_weights": "net.h5"}, "prior GeneratorPrior is not a prototxt: leave its weights out"),
        ({"seeds": [1, 1]}, "seed 1 is given twice"),
        ({"resume": True, "folder": None}, "needs the folder"),
        ({"batch_size": 0}, "batch_size 0"),
        ({"population": "a"}, "population 'a': give a whole number"),
        ({"population": 1}, "population 1"),
        ({"seeds": [-1]}, "seed -1"),
        ({"seeds": []}, "nothing to do: give one or more objectives and seeds"),
        ({"device": "tpu"}, "device 'tpu'"),
        ({"clip": "act_range"}, "act_range"),
        ({"start": "codes:nothing.npy"}, "no such file"),
    ],
)
def test_what_cannot_be_done_is_a_clear_error_and_leaves_nothing(prior, tmp_path, arguments, message):
    usual = {"prior": prior, "generations": 2, "progress": False, "folder": tmp_path / "run"}
    with pytest.raises(DgnamError, match=message):
        dgnam.evolve(redness, **{**usual, **arguments})
    assert not (tmp_path / "run").exists()


def test_a_unit_that_is_not_there_leaves_nothing(target, prior, tmp_path):
    with pytest.raises(DgnamError, match="layer 'fc8' has 10 units"):
        dgnam.evolve(target, Unit("fc8", 10), prior=prior, folder=tmp_path / "run", progress=False)
    with pytest.raises(DgnamError, match="objective fc8:3 is given twice"):
        dgnam.evolve(target, "fc8:3,3", prior=prior, folder=tmp_path / "run", progress=False)
    with pytest.raises(DgnamError, match="score 3: give text, a callable or None"):
        dgnam.evolve(score=3, prior=prior, folder=tmp_path / "run", progress=False)
    with pytest.raises(DgnamError, match="nothing to maximize: give a target and its unit"):
        dgnam.evolve(prior=prior, folder=tmp_path / "run", progress=False)
    assert not (tmp_path / "run").exists()


def test_a_start_is_opened_once_for_all_searches(target, prior, monkeypatch):
    calls = []
    monkeypatch.setattr("dgnam.api.evolve.open_start", lambda *given: calls.append(given) or ZeroStart())
    how = {"prior": prior, "method": Genetic(population=4), "generations": 1, "progress": False}
    dgnam.evolve(target, ["fc8:1", "fc8:2"], seeds=3, start="zero", **how)
    assert len(calls) == 1


def test_an_interrupt_says_how_to_go_on(prior, tmp_path):
    calls = []

    def score(pictures):
        calls.append(1)
        if len(calls) == 4:
            raise KeyboardInterrupt
        return redness(pictures)

    how = {"prior": prior, "method": Genetic(population=4), "generations": 3, "seeds": 2, "progress": False}
    how["remeasure"] = 0
    with pytest.raises(Interrupted, match=r"stopped after 0 of 3 generations; resume it: dgnam resume .*/run"):
        dgnam.evolve(score, folder=tmp_path / "run", **how)
    assert list_runs(tmp_path)[0].state == "stopped"
    dgnam.evolve(score, folder=tmp_path / "run", resume=True, **how)
    assert len(calls) == 7
    assert list_runs(tmp_path)[0].state == "finished"


def test_a_signal_in_a_searchs_last_generation_begins_no_other_search(prior, tmp_path):
    calls = []

    def score(pictures):
        calls.append(1)
        if len(calls) == 3:
            os.kill(os.getpid(), signal.SIGTERM)
        return redness(pictures)

    how = {"prior": prior, "method": Genetic(population=4), "generations": 3, "seeds": 3, "progress": False}
    how["remeasure"] = 0
    with pytest.raises(Interrupted, match=r"stopped after 3 of 3 generations; .*dgnam resume .*/run") as stopped:
        dgnam.evolve(score, folder=tmp_path / "run", **how)
    assert (stopped.value.status, len(calls)) == (143, 3)
    assert list_runs(tmp_path)[0].state == "stopped"
    dgnam.evolve(score, folder=tmp_path / "run", resume=True, **how)
    assert len(calls) == 9


@pytest.mark.parametrize("seeds", [1, 2])
def test_a_resume_to_fewer_generations_is_refused_and_changes_nothing(prior, tmp_path, seeds):
    calls = []

    def score(pictures):
        calls.append(len(pictures))
        if len(calls) == 4:
            os.kill(os.getpid(), signal.SIGTERM)
        return redness(pictures)

    how = {"prior": prior, "method": Genetic(population=4), "progress": False, "seeds": seeds, "remeasure": 0}
    with pytest.raises(Interrupted):
        dgnam.evolve(score, generations=4, folder=tmp_path / "run", **how)
    with pytest.raises(DgnamError, match="run: a search has had 4 generations already; generations 2 is fewer"):
        dgnam.evolve(score, generations=2, folder=tmp_path / "run", resume=True, **how)
    assert dgnam.evolve(score, generations=4, folder=tmp_path / "run", resume=True, **how).traces.shape == (seeds, 4)
    assert len(calls) == 4 * seeds


def test_a_resumed_evolution_has_the_bytes_of_one_that_ran_through(prior, tmp_path):
    how = {"prior": prior, "method": Genetic(population=4), "progress": False, "seeds": 2}
    dgnam.evolve(redness, generations=4, folder=tmp_path / "whole", **how)
    dgnam.evolve(redness, generations=2, folder=tmp_path / "parts", **how)
    dgnam.evolve(redness, generations=4, folder=tmp_path / "parts", resume=True, **how)
    whole, parts = (
        {
            str(path.relative_to(tmp_path / run)): path.read_bytes()
            for path in (tmp_path / run).rglob("*")
            if path.suffix in (".h5", ".png", ".csv") and "remeasured-00002" not in path.name
        }
        for run in ("whole", "parts")
    )
    assert whole == parts
    assert len([name for name in whole if "/0000" in name]) == 8
    assert {"traces.png", "grid.png", "summary.csv", "generations.csv", "remeasured.csv"} < set(whole)


def test_the_clip_is_the_priors_own_unless_asked_otherwise(tmp_path):
    search = begin_search(tmp_path / "neuron", prior="deepsim-fc6-mini", method="genetic", population=4)
    codes, _ = search.ask()
    upper = zoo.get("deepsim-fc6-mini").act_range()
    assert (codes >= 0).all()
    assert (codes <= upper).all()
    free = begin_search(tmp_path / "free", prior="deepsim-fc6-mini", clip="none", population=4)
    assert (free.ask()[0] < 0).any()


def test_a_search_goes_on_from_its_folder(prior, tmp_path):
    search = begin_search(tmp_path / "neuron", prior=prior, method="genetic", population=4)
    for _ in range(2):
        search.tell(redness(search.ask()[1]))
    again = open_search(tmp_path / "neuron", prior=prior)
    assert again.generation == 2
    assert np.array_equal(again.ask()[0], search.ask()[0])
    with pytest.raises(DgnamError, match="prior as an object in Python: pass it again"):
        open_search(tmp_path / "neuron")


def test_all_objects_of_a_search_can_be_given_again(prior, tmp_path):
    objects = {"prior": prior, "method": Genetic(population=4), "clip": unit_box(), "start": ZeroStart()}
    search = begin_search(tmp_path / "neuron", **objects)
    search.tell(redness(search.ask()[1]))
    assert np.array_equal(open_search(tmp_path / "neuron", **objects).ask()[0], search.ask()[0])
    with pytest.raises(DgnamError, match="begun with clip, method, prior, start as an object"):
        open_search(tmp_path / "neuron")
    for name, other in (("method", Genetic(population=5)), ("clip", None), ("start", RandomStart())):
        given = {**objects, name: Bounds(0.0, 2.0) if other is None else other}
        with pytest.raises(DgnamError, match="cannot resume"):
            open_search(tmp_path / "neuron", **given)


def test_a_run_of_another_task_is_no_search(prior, tmp_path):
    how = {"prior": prior, "method": Genetic(population=4), "generations": 1, "progress": False}
    dgnam.evolve(redness, folder=tmp_path / "run", **how)
    with pytest.raises(DgnamError, match="holds a run of 'evolve', not a search for a neuron"):
        open_search(tmp_path / "run", prior=prior)


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"strange": 1}, "lacks or has too much: strange"),
        ({"seed": "0"}, "seed '0': give a whole number"),
        ({"seed": 10**30}, "seed 1000000"),
        ({"method": "os.system"}, "method 'os.system': give one of"),
        ({"method": 3}, "method 3: give text or a Method"),
        ({"population": 10**12}, "population 1000000000000"),
        ({"population": 2.5}, "population 2.5"),
        ({"prior": 3}, "int is not a prior"),
        ({"prior": ["a"]}, "list is not a prior"),
        ({"clip": {}}, "clip {}"),
        ({"start": []}, "start"),
        ({"batch_size": 0}, "batch_size 0"),
        ({"device": None}, "device None"),
        ({"seed": 1}, r"cannot resume .*: searches\[0\].seed changed"),
    ],
)
def test_a_record_that_no_search_made_is_an_error(tmp_path, changes, message):
    begin_search(tmp_path / "neuron", method="genetic", population=4)
    path = tmp_path / "neuron/run.json"
    record = json.loads(path.read_text())
    path.write_text(json.dumps({**record, "spec": {**record["spec"], **changes}}))
    with pytest.raises(DgnamError, match=message):
        open_search(tmp_path / "neuron")


def test_measured_scores_are_never_made_up(prior, tmp_path):
    search = begin_search(tmp_path / "neuron", prior=prior, method="genetic", population=4)
    for _ in range(3):
        search.tell(redness(search.ask()[1]))
    journal = tmp_path / "neuron/chunks.jsonl"
    lines = journal.read_text().splitlines(keepends=True)
    journal.write_text("".join(lines[:2]))  # as a kill between a chunk and its line leaves it
    assert open_search(tmp_path / "neuron", prior=prior).generation == 3
    assert journal.read_text() == "".join(lines)
    (tmp_path / "neuron/chunks/00001.h5").write_bytes(b"")
    with pytest.raises(FormatError, match=r"00001\.h5 is damaged"):
        open_search(tmp_path / "neuron", prior=prior)
    (tmp_path / "neuron/chunks/00001.h5").unlink()
    with pytest.raises(DgnamError, match="00001"):
        open_search(tmp_path / "neuron", prior=prior)


@pytest.mark.parametrize("damage", ["edited", "gone"])
@pytest.mark.parametrize("seeds", [1, 2])
def test_a_damaged_generation_of_a_callables_evolution_is_scored_again(prior, tmp_path, damage, seeds):
    how = {"prior": prior, "method": Genetic(population=4), "seeds": seeds, "generations": 5, "progress": False}
    whole = dgnam.evolve(redness, folder=tmp_path / "a", **how)
    before = {
        path: path.read_bytes()
        for path in (tmp_path / "a").rglob("*")
        if path.name != "events.jsonl" and path.is_file()
    }
    chunk = tmp_path / "a/chunks" / ("00002.h5" if seeds == 1 else "001/00002.h5")
    chunk.write_bytes(b"x") if damage == "edited" else chunk.unlink()
    with pytest.warns(UserWarning, match="is missing or damaged; it and those after it are scored again"):
        again = dgnam.evolve(redness, folder=tmp_path / "a", resume=True, **how)
    assert np.array_equal(again.traces, whole.traces)
    after = {path: path.read_bytes() for path in before}
    assert after == before


def test_the_record_names_what_decides_the_codes(prior, tmp_path):
    begin_search(tmp_path / "neuron", prior=prior, method="genetic", population=4, seed=3)
    inputs = json.loads((tmp_path / "neuron/run.json").read_text())["inputs"]
    assert inputs["searches"][0]["parameters"]["population"] == 4
    assert inputs["searches"][0]["seed"] == 3


def test_a_callable_gives_the_pictures_that_it_scored(prior):
    found = dgnam.evolve(redness, prior=prior, method=Genetic(population=6), generations=3, seeds=2, progress=False)
    assert np.allclose(redness(found.images), found.activations, atol=0.05)


def test_a_units_activation_is_that_of_its_image(target, prior):
    how = {"prior": prior, "method": Genetic(population=6), "generations": 3, "seeds": 2, "progress": False}
    found = dgnam.evolve(target, "fc8:3", **how)
    with torch.no_grad():
        values = target(torch.from_numpy(found.raw), ["fc8"])["fc8"][:, 3].numpy()
    assert np.allclose(values, found.activations, rtol=1e-3, atol=1e-3)


@pytest.mark.parametrize(
    ("changed", "message"),
    [
        ({"objective": "fc8:4"}, r"objectives\[0\] changed"),
        ({"method": "xdream"}, r"searches\[0\].* changed"),
        ({"method": Genetic(population=7)}, r"searches\[0\].* changed"),
        ({"seeds": [5]}, r"searches\[0\].* changed"),
        ({"clip": unit_box()}, "clip changed"),
        ({"start": "zero"}, r"searches\[0\].* changed"),
    ],
)
def test_an_evolution_goes_on_only_as_it_began(target, prior, tmp_path, changed, message):
    how = {"objective": "fc8:3", "prior": prior, "method": Genetic(population=6), "progress": False}
    how["folder"] = tmp_path / "run"
    dgnam.evolve(target, generations=1, **how)
    with pytest.raises(DgnamError, match=f"cannot resume .*{message}"):
        dgnam.evolve(target, generations=2, resume=True, **(how | changed))


def test_folders_that_hold_something_else(prior, tmp_path):
    how = {"prior": prior, "method": Genetic(population=6), "progress": False, "generations": 1}
    with pytest.raises(DgnamError, match="holds no run"):
        dgnam.evolve(redness, folder=tmp_path / "typo", resume=True, **how)
    (tmp_path / "full").mkdir()
    (tmp_path / "full/run.json").write_text("{}")
    with pytest.raises(DgnamError, match="is not empty"):
        dgnam.evolve(redness, folder=tmp_path / "full", **how)


def noisy(seed, rate=redness):
    """A neuron of Poisson spike counts, with the callable's values of about -20 to 20 as its rate above 30."""
    draw = np.random.RandomState(seed)
    return lambda pictures: draw.poisson(np.maximum(rate(pictures) + 30, 0)).astype(float)


def test_a_noisy_neurons_number_is_measured_again(prior, tmp_path):
    how = {"prior": prior, "method": Genetic(population=10), "generations": 15, "seeds": 3, "progress": False}
    found = dgnam.evolve(noisy(0), folder=tmp_path / "run", **how)
    truth = redness(found.images) + 30
    errors = [one.standard_error for one in found.best]
    assert (np.abs(found.activations - truth) < 3.5 * np.array(errors)).all()
    assert [one.regressed for one in found.best] == pytest.approx(found.activations.tolist())
    assert [one.count for one in found.best] == [10] * 3
    lucky = found.traces.max(1)
    assert (lucky > np.array([one.mean for one in found.best])).all()
    means = [one["mean"] for one in found.remeasured]
    mean_truth = redness(found.mean_images) + 30
    assert all(abs(one.mean - true) < 3.5 * one.standard_error for one, true in zip(means, mean_truth, strict=True))
    rows = list(csv.DictReader((tmp_path / "run/summary.csv").open()))
    for row, one, mean in zip(rows, found.best, means, strict=True):
        assert float(row["remeasured"]) == pytest.approx(one.mean)
        assert float(row["standard_error"]) == pytest.approx(one.standard_error)
        assert (row["measurements"], row["mean_code_measurements"]) == ("10", "10")
        assert float(row["regressed"]) == pytest.approx(one.regressed)
        assert float(row["mean_code"]) == pytest.approx(mean.mean)
        with Image.open(tmp_path / "run" / row["mean_code_image"]) as shown:
            assert (np.asarray(shown) == found.mean_images[int(row["search"])]).all()
    assert f"measured again: the best of 5 {found.best[0]}, regressed" in found.summary[1]
    assert f"mean code {means[0]}" in found.summary[2]


def test_what_is_loaded_is_what_was_evolved(target, prior, tmp_path, monkeypatch):
    how = {"prior": prior, "method": Genetic(population=6), "generations": 3, "progress": False}
    for name, seeds in (("one", 1), ("two", 2)):
        made = dgnam.evolve(target, "fc8:3", seeds=seeds, folder=tmp_path / name, **how)
        monkeypatch.setattr("dgnam.zoo.load_net", None)
        found = dgnam.load(tmp_path / name)
        for array in ("images", "raw", "codes", "activations", "traces", "mean_images", "mean_codes", "generations"):
            np.testing.assert_array_equal(getattr(found, array), getattr(made, array))
        assert [[*map(str, one.values())] for one in found.remeasured] == [
            [*map(str, one.values())] for one in made.remeasured
        ]
        assert (found.title, list(found.captions), list(found.seeds)) == (made.title, made.captions, made.seeds)


def test_an_evolution_that_is_not_finished_is_not_loaded(prior, tmp_path):
    score, how = noisy(0), {"prior": prior, "method": Genetic(population=4), "progress": False}
    dgnam.evolve(score, generations=1, folder=tmp_path / "run", **how)
    Run.open(tmp_path / "run").discard("result")
    with pytest.raises(DgnamError, match="is not finished: dgnam resume"):
        dgnam.load(tmp_path / "run")


def test_a_killed_remeasurement_goes_on_where_it_was(prior, tmp_path):
    calls = []

    def neuron(pictures):
        calls.append(len(pictures))
        if len(calls) == 8:
            raise KeyboardInterrupt
        return noisy(len(calls))(pictures)

    how = {"prior": prior, "method": Genetic(population=4), "generations": 3, "progress": False, "repeats": 6}
    with pytest.raises(Interrupted, match=r"stopped after 4 rounds of measuring .*; resume it: dgnam resume"):
        dgnam.evolve(neuron, folder=tmp_path / "run", **how)
    found = dgnam.evolve(neuron, folder=tmp_path / "run", resume=True, **how)
    assert len(calls) == 3 + 4 + 1 + 2
    assert found.best[0].count == 6


def test_lost_trials_of_a_callable_are_masked_and_counted(prior, tmp_path):
    def neuron(pictures):
        values = redness(pictures)
        values[0] = np.nan
        return np.ma.masked_invalid(values)

    how = {"prior": prior, "method": Genetic(population=4), "generations": 3, "progress": False}
    found = dgnam.evolve(neuron, folder=tmp_path / "run", **how)
    assert np.isfinite(found.traces).all()
    assert "(3 trials lost)" in found.summary[0]
    rows = list(csv.DictReader((tmp_path / "run/generations.csv").open()))
    assert [(row["generation"], row["pictures"], row["lost"]) for row in rows] == [(str(k), "4", "1") for k in range(3)]
    scores = Run.open(tmp_path / "run").load("00001")["scores"]
    assert float(rows[1]["best"]) == pytest.approx(np.nanmax(scores))
    assert float(rows[1]["mean"]) == pytest.approx(np.nanmean(scores))
    assert found.mean_traces[0, 1] == np.nanmean(scores)
    assert float(rows[1]["standard_deviation"]) == pytest.approx(np.nanstd(scores, ddof=1))
    with pytest.raises(DgnamError, match="1 of 4 scores are not finite"):
        dgnam.evolve(lambda pictures: np.array([1, np.nan, 2, 3]), **how)


def test_a_movie_shows_the_mean_code_by_generation(prior, tmp_path):
    how = {"prior": prior, "method": Genetic(population=4), "generations": 5, "progress": False, "seeds": 2}
    dgnam.evolve(redness, folder=tmp_path / "run", movies=["gif"], every=2, **how)
    for number in range(2):
        with Image.open(tmp_path / f"run/movies/{number:03d}.gif") as movie:
            assert movie.n_frames == 3


def test_labels_that_look_like_formulas_stay_text(target, prior, tmp_path):
    names = ["=1+1", "+2", "-3", "@x", *(f"class {k}" for k in range(4, 10))]
    how = {"prior": prior, "method": Genetic(population=4), "generations": 1, "progress": False, "labels": names}
    dgnam.evolve(target, "fc8:0-3", folder=tmp_path / "run", **how)
    rows = list(csv.DictReader((tmp_path / "run/summary.csv").open()))
    assert [row["caption"] for row in rows] == [f"'{name}" for name in names[:4]]
    assert dgnam.load(tmp_path / "run").captions == names[:4]
