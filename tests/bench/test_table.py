"""`dgnam bench`: what it measures and how it shows that, on small nets; and the loop by hand against ours."""

import json

import numpy as np
import pytest
import torch
from torch import nn

from dgnam import zoo
from dgnam.am import CaffeTarget, GeneratorPrior, Job, Unit, released, synthesize
from dgnam.am.packed_products import PackedProducts
from dgnam.bench import machine, table
from dgnam.bench.by_hand import ByHand, Normalization
from dgnam.caffe.modules import precision
from dgnam.cli.app import app
from dgnam.errors import DgnamError
from dgnam.runs import record
from dgnam.zoo.stand_ins import GENERATOR, SCORES, stand_in


@pytest.fixture
def small(monkeypatch):
    """No full-size nets, and little to multiply and to copy."""
    monkeypatch.setattr(table, "SCORES", {})
    monkeypatch.setattr(table, "BATCHES", {"cpu": {True: (1, 2), False: ()}})
    monkeypatch.setattr(machine, "SIDE", {"cpu": 64})
    monkeypatch.setattr(machine, "COPIED", 1 << 16)
    monkeypatch.setattr(precision, "cpu_has_bfloat16", lambda: True)


def test_rows_peaks_and_lines(small):
    *_, found = table.measure("cpu")
    assert [(row.precision, row.batch) for row in found.rows] == [
        *(("float32", 1), ("float32", 2), ("bfloat16", 1), ("bfloat16", 2)),
    ]
    assert set(found.peaks) == {"float32", "bfloat16"}
    assert all(row.seconds > 0 and not row.random and row.by_hand is None for row in found.rows)
    assert found.rows[0].share == pytest.approx(found.rows[2].share, rel=1e3)
    shown = table.lines(found)
    assert len(shown) == 8
    assert "caffenet-mini" in shown[3]
    assert "random weights" in shown[-1]


def test_what_has_no_time_left_is_named(small):
    *_, found = table.measure("cpu", most_seconds=-1)
    assert found.rows == []
    assert "left out, as time is up: caffenet-mini" in table.lines(found)[-2]


def test_a_precision_that_is_lacking_is_an_error_only_where_asked_for(small, monkeypatch):
    monkeypatch.setattr(precision, "cpu_has_bfloat16", lambda: False)
    assert set(next(table.measure("cpu")).peaks) == {"float32"}
    with pytest.raises(DgnamError, match="precision bfloat16: this CPU"):
        next(table.measure("cpu", ["bfloat16"]))


def test_the_command_prints_json_and_writes_a_file(small, capsys, tmp_path):
    app(["bench", "--precision", "float32", "--json", "--output", str(tmp_path / "bench.json")], standalone_mode=False)
    out, err = capsys.readouterr()
    printed = json.loads(out)
    assert printed == json.loads((tmp_path / "bench.json").read_text())
    assert [row["batch"] for row in printed["rows"]] == [1, 2]
    assert "caffenet-mini float32 batch 1" in err


def bench(*words):
    return app(["bench", "--precision", "float32", *map(str, words)], standalone_mode=False)


@pytest.mark.parametrize("where", ["folder", "absent/bench.json", "file/bench.json", "closed/bench.json"])
def test_an_output_that_cannot_be_written_is_told_before_anything_is_measured(where, monkeypatch, tmp_path):
    monkeypatch.setattr(table, "measure", lambda *given: pytest.fail("measured"))
    (tmp_path / "folder").mkdir()
    (tmp_path / "file").touch()
    (tmp_path / "closed").symlink_to("/proc/sys")  # where root may write no file either
    with pytest.raises(DgnamError, match=where.partition("/")[0]):
        bench("--output", tmp_path / where)


def test_looking_whether_an_output_can_be_written_leaves_it_as_it_was(small, monkeypatch, tmp_path):
    monkeypatch.setattr(table, "measure", lambda *given: iter(()))
    bench("--output", tmp_path / "new.json")
    assert list(tmp_path.iterdir()) == []
    (tmp_path / "old.json").write_text("{}")
    bench("--output", tmp_path / "old.json")
    assert (tmp_path / "old.json").read_text() == "{}"
    assert [path.name for path in tmp_path.iterdir()] == ["old.json"]


@pytest.mark.parametrize("error", [KeyboardInterrupt, MemoryError, RuntimeError])
def test_what_was_measured_until_an_interrupt_is_shown_and_written(error, small, monkeypatch, tmp_path, capsys):
    rows = iter([table._row, table._row])

    def row(*given):
        try:
            return next(rows)(*given)
        except StopIteration:
            raise error from None

    monkeypatch.setattr(table, "BATCHES", {"cpu": {True: (1, 2, 3), False: ()}})
    monkeypatch.setattr(table, "_row", row)
    if error is KeyboardInterrupt:
        assert bench("--output", tmp_path / "bench.json") == 130
    else:
        with pytest.raises(error):
            bench("--output", tmp_path / "bench.json")
    shown = capsys.readouterr().out
    assert shown.count("caffenet-mini") == 2
    assert "stopped before the end: rows are missing" in shown
    kept = json.loads((tmp_path / "bench.json").read_text())
    assert ([row["batch"] for row in kept["rows"]], kept["finished"]) == ([1, 2], False)


def test_a_disk_that_fills_meanwhile_loses_no_table(small, monkeypatch, tmp_path, capsys):
    def full(path, content):
        raise OSError(28, "No space left on device", str(path))

    monkeypatch.setattr(record, "write_json", full)
    with pytest.raises(OSError, match="No space left"):
        bench("--output", tmp_path / "bench.json")
    assert capsys.readouterr().out.count("caffenet-mini") == 2


@pytest.mark.parametrize("seconds", ["nan", "-1", "-inf"])
def test_seconds_that_are_none_are_refused(seconds, monkeypatch):
    monkeypatch.setattr(table, "measure", lambda *given: pytest.fail("measured"))
    with pytest.raises(DgnamError, match=f"--most-seconds {seconds}: give a number of seconds, 0 or more"):
        bench(f"--most-seconds={seconds}")


@pytest.mark.slow
def test_the_loop_by_hand_takes_the_same_step():
    nets, hand = (stand_in("caffenet"), stand_in(GENERATOR)), ByHand()
    for ours, theirs in zip(nets, (hand.target, hand.generator), strict=True):
        values = [value for _, params in ours.layer_params() for value in params]
        for parameter, value in zip(theirs.parameters(), values, strict=True):
            nn.init.constant_(parameter, 0)
            parameter.data.copy_(value.data)
    codes = torch.randn(2, 4096, generator=torch.Generator().manual_seed(0))
    jobs = [Job(Unit("fc8", row), row, released(n_iters=1)) for row in range(2)]
    parts = CaffeTarget(nets[0]), GeneratorPrior(nets[1])
    (found,) = synthesize(*parts, jobs, clip=None, start_codes=codes.numpy(), progress=False)
    free = found.codes / 0.99  # theirs clips to [0, 12]
    assert np.median(np.abs(np.clip(free, 0, 12) * 0.99 - hand.step(codes).numpy())) < 1e-3


@pytest.mark.slow
@pytest.mark.parametrize("name", SCORES)
def test_stand_ins_keep_the_magnitude_of_what_passes(name):
    images = 60 * torch.randn(1, 3, *CaffeTarget(stand_in(name)).size)
    scores = CaffeTarget(stand_in(name))(images, [SCORES[name]])[SCORES[name]]
    assert scores.isfinite().all()
    assert 1e-2 < scores.std() < 1e5


def test_the_loop_by_hand_runs_in_bfloat16():
    norm = Normalization(5, 1e-4, 0.75, 1)
    x = torch.rand(1, 8, 4, 4)
    assert norm(x.bfloat16()).dtype == torch.bfloat16
    assert torch.equal(norm(x), nn.LocalResponseNorm(5, 1e-4, 0.75, 1)(x))


def test_products_by_packed_matrices_are_counted_as_all_others(monkeypatch):
    loop = table._loop("caffenet-mini", "fc8", GeneratorPrior(zoo.load("deepsim-fc6-v2-mini")), "cpu")
    monkeypatch.setattr(table, "COUNTED", 16)  # so many rows have other products too
    table._operations(loop)  # at first the shapes of layers are found, by passes of their own
    packed = table._operations(loop)
    monkeypatch.setattr(PackedProducts, "takes", lambda *given: False)
    assert packed == table._operations(loop)
