"""The best codes and the mean code measured again: what a noisy neuron really responds, told honestly."""

import os
import signal

import numpy as np
import pytest

from dgnam.am.evolve import CmaEs, Genetic, Remeasurement, Search, drive, remeasure
from dgnam.am.evolve.remeasure import discard_earlier, measured_in, read_measured
from dgnam.errors import DgnamError, FormatError
from dgnam.runs import Interrupted, Record, Run
from tests.am.evolve.bowl import PEAK, PixelsOfCode, bowl

METHODS = [CmaEs(sigma=1.0), Genetic(mutation_size=1.0)]
each_method = pytest.mark.parametrize("method", METHODS, ids=[method.name for method in METHODS])


def rate(pictures):
    """A neuron's mean spike count, 5 to 75."""
    return 5 + 70 * np.exp(bowl(pictures) / 1e4)


def poisson(seed):
    """The neuron: its spike counts are Poisson's, with that mean."""
    draw = np.random.RandomState(seed)
    return lambda pictures: draw.poisson(rate(pictures)).astype(float)


def new_run(folder):
    return Run.create_at(folder, Record("evolve", {}, {}))


def evolved(method, score, generations=30, seed=0, run=None):
    search = Search(PixelsOfCode(), method, seed=seed)
    if run is not None:
        search.save_in(run)
    return drive(search, score, generations, progress=False)


@each_method
def test_a_noisy_neurons_numbers_are_within_their_error_of_the_true_rate(method):
    errors, lucky = [], []
    for seed in range(8):
        neuron = poisson(seed)
        search = evolved(method, neuron, seed=seed)
        again = remeasure(search, neuron, repeats=20, progress=False)
        truth = dict(zip(again.names, rate(again.pictures), strict=True))
        best, mean = again.best, again.measured["mean"]
        assert best.count == mean.count == 20
        errors += [(best.regressed - truth[best.what]) / best.standard_error]
        errors += [(mean.mean - truth["mean"]) / mean.standard_error]
        lucky.append(search.best.score - rate(search.pictures(search.best.code[None]))[0])
        assert best.mean < search.best.score
    assert np.mean(lucky) > 10  # spikes: what the search itself reports is too much by
    assert np.abs(errors).max() < 3.5
    assert abs(np.mean(errors)) < 1


@each_method
def test_the_mean_code_is_as_good_as_the_best(method):
    shown = []
    for seed in range(5):
        search = evolved(method, poisson(seed), seed=seed)
        shown.append(rate(search.pictures(np.stack([search.mean_code, search.best.code]))))
    mean, best = np.mean(shown, 0)
    assert mean > best - 2


def test_without_noise_two_rounds_suffice_and_bring_the_same():
    calls = []
    search = evolved(Genetic(population=6), bowl, 5)
    again = remeasure(search, lambda pictures: calls.append(len(pictures)) or bowl(pictures), progress=False)
    assert calls == [6, 6]
    assert again.noise_free
    assert again.best.mean == again.best.regressed == search.best.score
    assert again.best.standard_error == 0
    assert str(again.best).endswith("± 0 (n=2)")


def test_a_neuron_that_never_fires_is_no_error():
    search = evolved(Genetic(population=6), lambda pictures: np.zeros(len(pictures)), 3)
    again = remeasure(search, lambda pictures: np.zeros(len(pictures)), progress=False)
    assert (again.best.mean, again.best.regressed, again.rounds) == (0, 0, 2)


def test_the_rounds_are_in_random_order_and_each_shows_all():
    search = evolved(Genetic(population=6), bowl, 5)
    seen = []
    again = remeasure(search, lambda p: seen.append(p) or bowl(p) + len(seen), top=3, repeats=4, progress=False)
    assert again.names == ["mean", "best-1", "best-2", "best-3"]
    firsts = {tuple((one[0] == again.pictures).all((1, 2, 3))) for one in seen}
    assert len(seen) == 4
    assert len(firsts) > 1
    assert all(np.allclose(sorted(bowl(one)), sorted(bowl(again.pictures))) for one in seen)
    # Values come back to their own codes.
    assert np.allclose([one.mean for one in again.measured.values()], bowl(again.pictures) + 2.5)


def test_regression_takes_out_what_noise_explains():
    noisy = [np.array([60.0, 80, 70]), np.array([68.0, 88, 78]), np.array([64.0, 84, 74])]
    rounds = np.stack([np.array([50.0, 50, 50]), *noisy], axis=1)
    codes, found = np.zeros((4, 2)), [np.nan, 100, 99, 98]
    measured = measured_in(codes, found, [rounds])
    assert [one.mean for one in measured.values()] == [50, 70, 78, 74]
    assert [one.regressed for one in measured.values()] == [50, 74, 74, 74]  # noise 33 of the means, their variance 16
    sharp = measured_in(codes, found, [np.array([[50.0, 70, 78, 74], [50, 70.2, 78.2, 74.2]])])
    assert sharp["best-2"].regressed == pytest.approx(78.1, abs=0.01)
    once = measured_in(codes, found, [np.array([[50.0, 70, 78, 74]])])
    assert once["best-2"].regressed == 78
    assert np.isnan(once["best-2"].standard_error)


def test_lost_trials_are_left_out():
    search = evolved(Genetic(population=6), bowl, 3)
    again = Remeasurement(search, 2)
    again.tell(np.ma.masked_invalid([[1, np.nan, 5], [3, np.nan, 7]]))
    assert (again.presentations, again.rounds) == (2, 1)
    assert {what: (one.mean, one.count) for what, one in again.measured.items()} == {"mean": (2, 2), "best-2": (6, 2)}
    again.tell(np.ma.masked_all(3))
    assert again.measured["mean"].count == 2
    with pytest.raises(DgnamError, match="1 of 3 scores are not finite"):
        again.tell([1, np.nan, 2])
    with pytest.raises(DgnamError, match="3 pictures were asked for"):
        again.tell([1, 2])


def failing(at, fail):
    calls = []

    def score(pictures):
        calls.append(1)
        if len(calls) == at:
            fail()
        return poisson(len(calls))(pictures)

    return score, calls


def interrupt_now():
    raise KeyboardInterrupt


@pytest.mark.parametrize(
    ("fail", "done", "status"),
    [(interrupt_now, 2, 130), (lambda: os.kill(os.getpid(), signal.SIGTERM), 3, 143)],
)
def test_stopped_it_keeps_its_rounds_and_goes_on(tmp_path, fail, done, status):
    run = new_run(tmp_path / "run")
    search = evolved(Genetic(population=6), bowl, 3, run=run)
    score, calls = failing(3, fail)
    with pytest.raises(Interrupted, match=f"stopped after {done} rounds of measuring") as stopped:
        remeasure(search, score, repeats=5, progress=False)
    assert stopped.value.status == status
    again = Search(PixelsOfCode(), Genetic(population=6)).save_in(Run.open(run.path))
    whole = remeasure(again, score, repeats=5, progress=False)
    assert whole.rounds == 5
    assert len(calls) == 5 + (3 - done)
    read = read_measured(Run.open(run.path), "", 3)
    assert [str(one) for one in read.values()] == [str(one) for one in whole.measured.values()]
    assert [one.regressed for one in read.values()] == [one.regressed for one in whole.measured.values()]


def test_more_generations_are_measured_again_and_the_earlier_measurements_stay(tmp_path):
    run = new_run(tmp_path / "run")
    search = evolved(Genetic(population=6), bowl, 3, run=run)
    remeasure(search, bowl, progress=False)
    again = remeasure(drive(search, bowl, 5, progress=False), bowl, top=3, progress=False)
    assert again.names == ["mean", "best-1", "best-2", "best-3"]
    assert [name for name in run.names() if name.startswith("remeasured")] == [
        *("remeasured-00003-0000", "remeasured-00003-0001", "remeasured-00005-0000", "remeasured-00005-0001")
    ]
    more = remeasure(search, bowl, top=5, repeats=4, progress=False)
    assert more.measured["best-5"].count == 4
    assert more.measured["best-1"].count == 6


def test_damaged_measurements_are_an_error_or_made_again(tmp_path):
    run = new_run(tmp_path / "run")
    search = evolved(Genetic(population=6), bowl, 3, run=run)
    remeasure(search, bowl, progress=False)
    (run.path / "chunks/remeasured-00003-0001.h5").write_bytes(b"x")
    with pytest.raises(FormatError, match=r"remeasured-00003-0001\.h5 is damaged"):
        Remeasurement(search)
    with pytest.warns(UserWarning, match="damaged.*it is measured again"):
        assert remeasure(search, bowl, rescore=True, progress=False).rounds == 2
    run.save(
        "remeasured-00003-0001", {"codes": np.stack([PEAK, PEAK]), "found": np.zeros(2), "scores": np.ones((1, 2))}
    )
    with pytest.raises(DgnamError, match="holds measurements of other codes"):
        Remeasurement(search)
    run.save("remeasured-00003-0001", {"codes": np.zeros((2, 3))})
    with pytest.raises(FormatError, match="holds no measurements"):
        Remeasurement(search)


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda search: Remeasurement(search, 0), "remeasure 0: give how many of the best codes"),
        (lambda search: Remeasurement(search, 101), "remeasure 101"),
        (lambda search: Remeasurement(Search(PixelsOfCode())), "nothing has been measured yet"),
        (lambda search: remeasure(search, bowl, repeats=0), "repeats 0: give how often"),
        (lambda search: remeasure(search, 3), "3 is not a score"),
    ],
)
def test_what_cannot_be_measured_again(make, message):
    with pytest.raises(DgnamError, match=message):
        make(evolved(Genetic(population=6), bowl, 1))


def test_what_is_known_of_each_is_said():
    search = evolved(Genetic(population=6), bowl, 3)
    again = Remeasurement(search, 2)
    assert again.said("mean") == "not measured"
    assert again.said("best-1") == f"{search.best.score:.4g} in the search"
    again.tell([[1, 2, 3], [2, 4, 3]])
    assert again.said("mean") == "1.5 ± 0.5 (n=2)"
    assert repr(again.measured["best-2"]) == "<Measured: best-2, 3 ± 0 (n=2)>"
    once = Remeasurement(search, 1)
    once.tell([1, 2])
    assert once.said("mean") == "1 (n=1)"


def test_a_round_told_by_another_process_is_an_error(tmp_path):
    run = new_run(tmp_path / "run")
    search = evolved(Genetic(population=6), bowl, 2, run=run)
    one, other = Remeasurement(search, 1), Remeasurement(search, 1)
    one.tell([1, 2])
    with pytest.raises(DgnamError, match="has 'remeasured-00002-0000': another process told it"):
        other.tell([1, 2])
    assert other.rounds == 0


def test_measurements_before_further_generations_are_discarded(tmp_path):
    run = new_run(tmp_path / "run")
    search = evolved(Genetic(population=6), bowl, 2, run=run)
    Remeasurement(search, 1).tell([1, 2])
    discard_earlier(search, 2)
    assert "remeasured-00002-0000" in run.names()
    discard_earlier(search, 3)
    assert run.names() == ["00000", "00001"]
    discard_earlier(evolved(Genetic(population=6), bowl, 1), 2)


def test_a_chunk_that_holds_no_measurements_is_an_error(tmp_path):
    run = new_run(tmp_path / "run")
    assert read_measured(run, "", 2) == {}
    fine = {"codes": np.zeros((2, 3)), "found": np.zeros(2), "scores": np.ones((1, 2))}
    wrong = ({"scores": np.ones(2)}, {"codes": np.zeros((1, 3))}, {"found": np.zeros(3)}, {"scores": np.ones((2, 0))})
    for change in wrong:
        run.save("remeasured-00002-0000", {**fine, **change})
        with pytest.raises(FormatError, match="a chunk of measurements after generation 2 holds none"):
            read_measured(run, "", 2)
    run.save("remeasured-00002-0000", fine)
    assert list(read_measured(run, "", 2)) == ["mean", "best-1"]


def test_as_many_as_a_hundred_are_measured_again():
    search = evolved(Genetic(population=6), bowl, 2)
    for top, names in ((100, len(search.top(100)) + 1), (1, 2)):
        assert len(Remeasurement(search, top).names) == names
