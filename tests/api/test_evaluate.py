"""What judges say of a generator, stored or in training."""

import io
import json
import zipfile

import numpy as np
import pytest
from PIL import Image
from typer.testing import CliRunner

from dgnam import zoo
from dgnam.api.evaluate import evaluate_preferred, evaluate_reconstructions
from dgnam.caffe.modules.caffe_module import CaffeModule
from dgnam.caffe.proto import pb, read_net
from dgnam.cli import app as cli
from dgnam.data.dataset import open_dataset
from dgnam.data.preprocessing import center_crop, preprocess
from dgnam.errors import DgnamError
from dgnam.measure import Judge, OutsideJudge, Verdict
from dgnam.runs import Record, Run
from dgnam.train.checkpoint import last_checkpoint, training_in
from dgnam.train.moving_average import MovingAverage


class FakeJudge:
    """An outside judge that notes what it is asked, and ranks every class second."""

    def __init__(self):
        self.asked = []

    def rank(self, images, classes):
        self.asked.append((images.shape, list(classes)))
        return Verdict(np.full(len(images), 2), np.zeros(len(images)))


@pytest.fixture
def fake(monkeypatch):
    judge = FakeJudge()
    monkeypatch.setattr(OutsideJudge, "of_labels", lambda label_set: judge)
    return judge


@pytest.fixture
def data(tmp_path):
    """Twenty pictures of noise under the name of the held-out set, picture k of class k."""
    draw = np.random.default_rng(0)
    folder = tmp_path / "data"
    folder.mkdir()
    with zipfile.ZipFile(folder / "tinyimagenet64-val.zip", "w") as archive:
        for k in range(20):
            out = io.BytesIO()
            Image.fromarray(draw.integers(0, 256, (64, 64, 3), dtype=np.uint8)).save(out, format="PNG")
            archive.writestr(f"{k}.png", out.getvalue())
        archive.writestr("val.txt", "".join(f"{k}.png {k}\n" for k in range(20)))
    return folder


@pytest.fixture
def run(tmp_path):
    """A training of deepsim-fc6-v2-mini at its iteration 7, whose averaged weights are zero."""
    net = CaffeModule(read_net(zoo.get("deepsim-fc6-v2-mini").folder / "train.prototxt"), phase=pb.TRAIN)
    average = MovingAverage(net, 0.9)
    for name, value in average.values.items():
        value.fill_("/bn/" in name)
    with training_in(tmp_path / "run", {}, {"model": "deepsim-fc6-v2-mini"}) as training:
        training.save({"iteration": 7, "average": average.state(), "modules": {"generator": net.state_dict()}})
    return tmp_path / "run"


@pytest.mark.parametrize(
    ("half", "count", "labels"),
    [("even", None, range(0, 20, 2)), ("odd", 3, [1, 9, 17]), ("odd", 50, range(1, 20, 2))],
)
def test_reconstructions_are_of_one_half(fake, data, tmp_path, half, count, labels):
    sheet = tmp_path / "sheet.png"
    found = evaluate_reconstructions("deepsim-fc6-mini", half=half, count=count, sheet=sheet, data=data)
    assert fake.asked == [((len(labels), 3, 56, 56), list(labels))] * 2
    assert (found["model"], found["half"], found["pictures"]) == ("deepsim-fc6-mini", half, len(labels))
    assert (found["outside_top1"], found["outside_top5"], found["outside_top5_of_pictures"]) == (0, 1, 1)
    assert 0 < found["code_cosine"] < 1
    assert {"judge_top1", "judge_top5", "judge_top1_of_pictures", "judge_top5_of_pictures"} <= set(found)
    with Image.open(sheet) as image:
        assert image.size == (64 * len(labels), 64 * 2)


def test_a_training_is_judged_by_its_averaged_weights(fake, data, run):
    found = evaluate_reconstructions("deepsim-fc6-v2-mini", run=run, count=4, data=data)
    assert (found["iteration"], found["pictures"]) == (7, 4)
    assert found["code_cosine"] < 0.5  # gray, by the zeros
    before = {path: path.read_bytes() for path in run.rglob("*") if path.is_file()}
    with Run.open(run).exclusive():
        assert last_checkpoint(run)["iteration"] == 7
    assert all(path.read_bytes() == content for path, content in before.items() if path.name != "events.jsonl")


def test_preferred_images_are_of_one_half_of_the_units(fake, data, run, tmp_path):
    found = evaluate_preferred(
        "deepsim-fc6-v2-mini", run=run, half="odd", count=2, sheet=tmp_path / "s.png", data=data, progress=False
    )
    assert fake.asked == [((2, 3, 56, 56), [1, 101])]
    assert (found["target"], found["units"], found["iteration"]) == ("caffenet-v2-mini", 2, 7)
    assert (tmp_path / "s.png").is_file()


def test_one_more_judge_sees_whole_images_at_its_own_size(fake, data):
    found = evaluate_reconstructions("deepsim-fc6-mini", count=3, judge="caffenet-mini", data=data)
    pictures, labels = open_dataset("tinyimagenet64-val", folder=data).take([0, 8, 16])
    images = preprocess(center_crop(pictures, (56, 56)))
    verdict = Judge(zoo.load("caffenet-mini"), "fc8").rank(images, labels)
    assert found["caffenet-mini_top5_of_pictures"] == round(verdict.top(5), 4)
    assert {"outside_top1", "judge_top1", "caffenet-mini_top1"} <= found.keys()


def test_the_command_prints_json(fake, data):
    words = "models evaluate deepsim-fc6-mini --count 2 --judge caffenet-mini --data"
    command = [*words.split(), str(data)]
    shown = CliRunner().invoke(cli.app, command, catch_exceptions=False)
    assert (found := json.loads(shown.stdout))["pictures"] == 2
    assert "caffenet-mini_top5" in found
    pixels = ["models", "evaluate", "pixels", "--preferred", "--count", "1", "-q"]
    shown = CliRunner().invoke(cli.app, pixels, catch_exceptions=False)
    assert json.loads(shown.stdout)["model"] == "pixels"


@pytest.mark.parametrize(
    ("given", "message"),
    [
        ({"model": "deepsim-fc6"}, "'deepsim-fc6' is not a generator of our own; there are: deepsim-fc6-128"),
        ({"model": "judge-mini"}, "'judge-mini' is not a generator of our own"),
        ({"model": "pixels"}, "no recipe for 'pixels'"),
        ({"half": "evn"}, "half 'evn': give one of even"),
        ({"count": 0}, "count 0: give 1 or more"),
        ({"run": "absent"}, "absent holds no run"),
        ({"count": "3"}, "count '3': give a whole number"),
        ({"judge": "places-alexnet-mini"}, "judge 'places-alexnet-mini' does not know all classes of 'judge-mini'"),
        ({"judge": "deepsim-fc6-mini"}, "'deepsim-fc6-mini' is a generator; the classifiers"),
    ],
)
def test_wrong_arguments_are_named(fake, data, tmp_path, monkeypatch, given, message):
    monkeypatch.chdir(tmp_path)
    with pytest.raises(DgnamError, match=message):
        evaluate_reconstructions(**{"model": "deepsim-fc6-mini", "data": data, **given})


@pytest.mark.parametrize(
    ("given", "message"),
    [
        ({"target": "places-alexnet-mini"}, "'judge-mini' knows other classes than 'places-alexnet-mini'"),
        ({"target": "control-blur-mini"}, "'judge-mini' knows other classes than 'control-blur-mini'"),
        ({"target": "judge-mini"}, "'judge-mini' is a judge here, and can't judge its own pictures"),
        ({"judge": "caffenet-v2-mini"}, "'caffenet-v2-mini' is a judge here, and can't judge its own pictures"),
        ({"model": "deepsim-fc6-128", "target": "places-alexnet-mini"}, r"takes images of \(112, 112\), and"),
        ({"sheet": "absent/s.png"}, "sheet 'absent/s.png': give the name of a PNG in a folder that is there"),
        ({"sheet": ""}, "sheet '': give the name"),
    ],
)
def test_what_cannot_be_judged_is_refused_before_it_is_made(fake, tmp_path, monkeypatch, given, message):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr("dgnam.api.evaluate.visualize", lambda *_, **__: pytest.fail("made"))
    with pytest.raises(DgnamError, match=message):
        evaluate_preferred(**{"model": "deepsim-fc6-v2-mini", "count": 1, "progress": False, **given})


def test_a_run_of_something_else_is_named(fake, data, run, tmp_path):
    with pytest.raises(DgnamError, match="its checkpoint is not of a training of 'deepsim-fc6-mini'"):
        evaluate_reconstructions("deepsim-fc6-mini", run=run, data=data)
    Run.create_at(tmp_path / "other", Record("evolve", {}, {}))
    with pytest.raises(DgnamError, match="holds a run of 'evolve', not a training"):
        evaluate_reconstructions("deepsim-fc6-mini", run=tmp_path / "other", data=data)
    (run / "chunks" / "checkpoint-000007.pt").write_bytes(b"")
    with pytest.raises(DgnamError, match=r"no whole checkpoint yet; .*checkpoint-000007\.pt is damaged"):
        evaluate_reconstructions("deepsim-fc6-v2-mini", run=run, data=data)
    with pytest.raises(DgnamError, match="pixels have no training"):
        evaluate_preferred("pixels", run=run)
