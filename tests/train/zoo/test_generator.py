"""Building generators: with the outside judge's numbers, against fixed nets' features, and killed on the way."""

import io
import json
import os
import random
import shutil
import signal
import subprocess
import sys
import time
from dataclasses import replace

import numpy as np
import pytest
import torch

from dgnam import zoo
from dgnam.caffe.modules.caffe_module import CaffeModule
from dgnam.caffe.proto import pb, read_net, read_solver
from dgnam.data.dataset import open_dataset
from dgnam.errors import DgnamError, MissingPackageError
from dgnam.measure import OutsideJudge, Verdict
from dgnam.runs import Record, Run
from dgnam.runs.index import read_summary
from dgnam.train import zoo as train_zoo
from dgnam.train.batch_norm.fold import fold
from dgnam.train.zoo import generator
from dgnam.train.zoo.evaluate import as_stored
from dgnam.train.zoo.generator import generator_of_run
from dgnam.train.zoo.verify import verify

PROCESS = """
import sys
from pathlib import Path
from dgnam.train import zoo as train_zoo
from dgnam.train.projected_recipe import Comparison, ProjectedRecipe
from dgnam.zoo import folders
root = Path(sys.argv.pop(1))
folders.data_folder = lambda name: root / name
heads = Comparison("j", ("conv1", "fc6"), ("conv1",))
recipe = ProjectedRecipe("toy-train", "fc6", (heads,), 20, average=0.9, comparator_layers=("conv1",))
train_zoo.recipes.RECIPES = {"p": train_zoo.ZooGenerator("a prior", "e", "j", recipe, held_out="toy-val")}
from dgnam.cli import main
main()
"""
"""The command line, with the toy zoo's projected generator `p`."""


class FakeJudge:
    """An outside judge that notes what it is asked, and ranks every other image's class first, the others' third."""

    def __init__(self):
        self.asked = []

    def rank(self, images, classes):
        self.asked.append((images, list(classes)))
        return Verdict(np.arange(len(images)) % 2 * 2 + 1, np.zeros(len(images)))


@pytest.fixture
def fake(monkeypatch):
    """The fake judge in place of the extra's."""
    judge = FakeJudge()
    monkeypatch.setattr(OutsideJudge, "of_labels", lambda label_set: judge)
    monkeypatch.setattr(generator, "check_installed", lambda: None)
    monkeypatch.setattr("dgnam.train.zoo.verify.check_installed", lambda: None)
    return judge


def make(name, folder, data_folder, **how):
    return train_zoo.build_model(name, folder / f"run-{name}", data_folder=data_folder, progress=False, **how)


@pytest.fixture
def judged(toy_zoo, data_folder):
    """The toy zoo with `e` and `j` trained, and a generator `g` that the outside judge is to see."""
    for name in "ej":
        make(name, toy_zoo, data_folder)
    train_zoo.recipes.RECIPES["g"] = replace(train_zoo.recipes.RECIPES["g"], outside="toy")
    return toy_zoo


def test_the_card_has_the_outside_judge_s_numbers_on_the_odd_half(judged, data_folder, fake):
    folder = make("g", judged, data_folder)
    card = json.loads((folder / "card.json").read_text())
    assert card["measured"]["on"] == "toy-val, 60 pictures; the outside judge on the 30 of odd index"
    names = ("outside_top1", "outside_top5", "outside_top1_of_pictures", "outside_top5_of_pictures")
    assert [card["measured"][name] for name in names] == [0.5, 1, 0.5, 1]
    labels = open_dataset("toy-val", folder=data_folder).take(slice(1, None, 2))[1]
    assert all(classes == labels.tolist() for _, classes in fake.asked)
    assert [images.shape for images, _ in fake.asked] == [(30, 3, 12, 12)] * 2
    assert all(check.right for check in verify("g", data_folder))


def test_without_the_extra_a_training_is_refused_before_it_begins(judged, data_folder, monkeypatch):
    monkeypatch.setitem(sys.modules, "efficientnet_lite_pytorch", None)
    with pytest.raises(MissingPackageError, match=r"pip install 'dgnam\[judge\]'"):
        make("g", judged, data_folder)
    assert not (judged / "run-g").exists()


def test_without_the_extra_the_other_numbers_are_verified(toy_zoo, data_folder, monkeypatch):
    folder = [make(name, toy_zoo, data_folder) for name in "ejg"][-1]
    train_zoo.recipes.RECIPES["g"] = replace(train_zoo.recipes.RECIPES["g"], outside="toy")
    card = json.loads((folder / "card.json").read_text())
    card["measured"]["outside_top5"] = 0.5
    (folder / "card.json").write_text(json.dumps(card))
    monkeypatch.setitem(sys.modules, "efficientnet_lite_pytorch", None)
    found = {check.what: check for check in verify("g", data_folder)}
    assert found["judge_top5"].right
    assert found["outside_top5"].right is None
    assert "not measured again: the outside judge needs" in found["outside_top5"].text


def test_a_projected_generator_is_built_as_the_others(toy_zoo, data_folder):
    for name in "ej":
        make(name, toy_zoo, data_folder)
    assert make("p", toy_zoo, data_folder, time_limit=0) is None
    folder = make("p", toy_zoo, data_folder)
    measured = json.loads((folder / "card.json").read_text())["measured"]
    assert 0 < measured["code_cosine"] <= 1
    assert zoo.get("p").act_range().shape == (10,)
    assert (toy_zoo / "run-p" / "sheet-000010.png").is_file()
    summary = read_summary(toy_zoo / "run-p")
    assert (summary.task, summary.what, summary.state) == ("train", "p", "finished")


def begin(root, *command):
    """The command line in a process of its own, that can be killed."""
    words = [sys.executable, "-c", PROCESS, str(root), *map(str, command)]
    environment = {**os.environ, "OMP_NUM_THREADS": "1"}
    return subprocess.Popen(words, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, env=environment)


def wait_for_more(process, run, count):
    """Until the training's log has more than `count` lines; returns how many."""
    deadline, log = time.monotonic() + 240, run / "log.jsonl"
    while process.poll() is None and (not log.exists() or log.read_text().count("\n") <= count):
        assert time.monotonic() < deadline
        time.sleep(0.005)
    return log.read_text().count("\n")


@pytest.mark.exhaustive  # `train/test_checkpoint.py` kills the other trainers
def test_a_projected_generator_killed_at_random_moments_comes_to_the_same_weights(toy_zoo, data_folder):
    for name in "ej":
        make(name, toy_zoo, data_folder)
    solver = toy_zoo / "prototxt" / "p" / "solver.prototxt"
    solver.write_text(
        solver.read_text().replace("max_iter: 60", "max_iter: 120").replace("snapshot: 10", "snapshot: 20")
    )
    made = make("p", toy_zoo, data_folder)
    whole = (made / "weights.h5").read_bytes()
    card = json.loads((made / "card.json").read_text())["measured"]
    shutil.rmtree(made)
    draw, run, lines, kills = random.Random(3), toy_zoo / "run", 0, 0
    process = begin(toy_zoo, "train", "p", "--data", data_folder, "--run", run, "--replace", "--quiet")
    for _ in range(2):
        lines = wait_for_more(process, run, lines)
        time.sleep(draw.uniform(0, 0.5))
        process.send_signal(signal.SIGKILL)
        process.communicate()
        kills += process.returncode == -signal.SIGKILL
        process = begin(toy_zoo, "resume", run, "--replace", "--quiet")
    out, err = process.communicate(timeout=240)
    assert (process.returncode, kills >= 1, err) == (0, True, ""), (out, err)
    assert (made / "weights.h5").read_bytes() == whole
    assert json.loads((made / "card.json").read_text())["measured"] == card
    assert not list(run.rglob("*.part"))


@pytest.mark.parametrize("averaged", [True, False])
def test_the_generator_of_a_training_at_work(tmp_path, averaged):
    folder = zoo.get("deepsim-fc6-mini").folder
    definition = read_net(folder / read_solver(folder / "solver.prototxt").net)
    net = CaffeModule(definition, phase=pb.TRAIN, seed=5)
    with torch.no_grad():
        net(torch.rand(4, 384))  # for the statistics of batch normalization
    own = net.state_dict()
    other = {name: value + 1 for name, value in own.items()}
    state = {"iteration": 7, "nets": {"generator": other if averaged else own}}
    run = Run.create_at(tmp_path / "run", Record("train", {}, {}))
    content = io.BytesIO()
    torch.save({**state, "average": {**own, "updates": 3}} if averaged else state, content)
    run.save_bytes("checkpoint-000007", content.getvalue(), ".pt", 7)
    found, iteration = generator_of_run("deepsim-fc6-mini", run.path)
    assert iteration == 7
    wanted = as_stored("deepsim-fc6-mini", fold(net)).weights()
    assert found.weights().keys() == wanted.keys()
    for layer, blobs in wanted.items():
        assert all(np.array_equal(one, two) for one, two in zip(blobs, found.weights()[layer], strict=True))


def test_a_checkpoint_of_another_training_is_named(tmp_path):
    run = Run.create_at(tmp_path / "run", Record("train", {}, {}))
    content = io.BytesIO()
    torch.save({"iteration": 1, "nets": {"generator": {"x" * 400: torch.ones(1)}}}, content)
    run.save_bytes("checkpoint-000001", content.getvalue(), ".pt", 1)
    with pytest.raises(DgnamError, match=r"(?s)run: its checkpoint is not of a training of 'deepsim-fc6-mini' \(.*…"):
        generator_of_run("deepsim-fc6-mini", run.path)
