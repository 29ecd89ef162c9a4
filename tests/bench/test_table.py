"""`dgnam bench`: what it measures and how it shows that, on small nets; and the loop by hand against ours."""

import json

import numpy as np
import pytest
import torch
from torch import nn

from dgnam.am import CaffeTarget, GeneratorPrior, Job, Unit, precision, released, synthesize
from dgnam.bench import machine, table
from dgnam.bench.by_hand import ByHand, Normalization
from dgnam.cli.app import app
from dgnam.errors import DgnamError
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
