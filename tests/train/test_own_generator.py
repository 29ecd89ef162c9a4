"""A generator of the user's: any pictures, any encoder, weights that load as they are; bad input is one line."""

import numpy as np
import pytest
from PIL import Image

from dgnam.caffe.modules.caffe_module import CaffeModule
from dgnam.caffe.proto import parse_net, read_caffemodel, read_net, write_caffemodel
from dgnam.runs import Interrupted
from dgnam.train import __main__ as command
from dgnam.train import own_generator
from dgnam.train.own_generator import main
from tests.toy import ENCODER


@pytest.fixture
def options(nets, tmp_path):
    """The command line for pictures of several sizes in a listing, resized and cut as the full-size recipe does."""
    draw = np.random.default_rng(0)
    for k, size in enumerate([(30, 18), (22, 40), (16, 16), (17, 50)]):
        Image.fromarray(draw.integers(0, 256, (*size, 3), np.uint8)).save(tmp_path / f"{k}.png")
    (tmp_path / "train.txt").write_text("".join(f"{k}.png {k}\n" for k in range(4)))
    (tmp_path / "encoder.prototxt").write_text(ENCODER)
    definition = parse_net(ENCODER, "test")
    write_caffemodel(tmp_path / "encoder.caffemodel", definition, CaffeModule(definition, seed=2).weights())
    path = nets / "discriminator.prototxt"
    path.write_text(path.read_text().replace("dim: 16 dim: 16", "dim: 14 dim: 14"))
    for name in ("solver", "discriminator_solver"):
        solver = nets / f"{name}.prototxt"
        solver.write_text(solver.read_text().replace("max_iter: 30", "max_iter: 2"))
    return {
        "nets": str(nets),
        "--encoder": str(tmp_path / "encoder.prototxt"),
        "--encoder-weights": str(tmp_path / "encoder.caffemodel"),
        "--code": "fc6",
        "--comparator": "conv1",
        "--source": str(tmp_path / "train.txt"),
        "--resize": ("18", "18"),
        "--crop": "14",
        "--batch": "2",
        "--run": str(tmp_path / "run"),
    }


def run(options):
    words = []
    for name, value in options.items():
        words += [name] if name.startswith("--") else []
        words += [value] if isinstance(value, str) else value
    return main(words)


def test_pictures_of_any_size_train_a_generator(options, nets, tmp_path, capsys):
    assert run({**options, "--time-limit": "0"}) == 3
    assert "the same command goes on from there" in capsys.readouterr().out
    assert run(options) == 0
    made = tmp_path / "run" / "generator.caffemodel"
    assert capsys.readouterr().out == f"==> made: {made}\n"
    weights = read_caffemodel(made)
    assert sorted(weights) == ["deconv0", "defc5", "defc5/bn"]
    CaffeModule(read_net(nets / "train.prototxt"), weights)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"--code": "fc66"}, "has no layer 'fc66'"),
        ({"--source": "absent/train.txt"}, "absent/train.txt: there is no such folder, listing"),
        ({"--resize": ("12", "12")}, "crop_size 14 is more than"),
        ({"--crop": "15"}, "'discriminator' sees pictures of (3, 14, 14), and they are (3, 15, 15)"),
        ({"--batch": "9"}, "4 pictures do not fill a batch of 9"),
        ({"--encoder-weights": "absent.caffemodel"}, "absent.caffemodel"),
        ({"nets": "absent"}, "absent/solver.prototxt"),
        ({"--device": "gpu"}, "device 'gpu'"),
    ],
)
def test_bad_input_is_one_line(options, tmp_path, capsys, change, message):
    assert run({**options, **change}) == 2
    said = capsys.readouterr().err
    assert said.startswith("dgnam.train: ")
    assert message in said
    assert said.count("\n") == 1
    assert not (tmp_path / "run").exists()


def test_an_encoder_without_all_its_weights_is_refused(options, tmp_path, capsys):
    definition = parse_net(ENCODER, "test")
    some = {name: blobs for name, blobs in CaffeModule(definition).weights().items() if name == "conv1"}
    write_caffemodel(tmp_path / "encoder.caffemodel", definition, some)
    assert run(options) == 2
    assert "has no weights for layers fc6" in capsys.readouterr().err


@pytest.mark.parametrize("of", ["generator", "net"])
def test_ctrl_c_is_its_own_exit_status(of, options, monkeypatch, capsys):
    def stop(*given, **how):
        seen.append(how)
        raise Interrupted("stopped at 3", 143)

    seen = []
    monkeypatch.setattr(own_generator, "train_own_generator", stop)
    monkeypatch.setattr(command, "train_own", stop)
    more = ["--time-limit", "2", "--data", "d"]
    if of == "generator":
        status = run({**options, "--time-limit": "2", "--data": "d"})
    else:
        status = command.main(["s.prototxt", "--run", options["--run"], *more])
    assert status == 143
    assert f"dgnam.train: stopped at 3 in {options['--run']}; the same command goes on" in capsys.readouterr().err
    (how,) = seen
    assert (how["time_limit"], how["device"], how["data_folder"]) == (120, "cpu", "d")


def test_a_net_s_training_may_end_at_its_limit(monkeypatch, capsys):
    monkeypatch.setattr(command, "train_own", lambda *given, **how: how["time_limit"])
    assert command.main(["s.prototxt", "--run", "r"]) == 3
    assert capsys.readouterr().out == "==> stopped at a checkpoint in r; the same command goes on from there\n"
    assert command.main(["s.prototxt", "--run", "r", "--time-limit", "1"]) == 0
    assert capsys.readouterr().out == "==> made: 60.0\n"


@pytest.mark.parametrize("missing", ["--encoder", "--encoder-weights", "--code", "--source", "--run"])
def test_what_must_be_given(missing, options, capsys):
    with pytest.raises(SystemExit) as caught:
        run({name: value for name, value in options.items() if name != missing})
    assert caught.value.code == 2
    assert f"the following arguments are required: {missing}" in capsys.readouterr().err


def test_what_is_taken_unless_it_is_given(options):
    named = {
        name: value for name, value in options.items() if name not in ("--comparator", "--batch", "--crop", "nets")
    }
    words = [word for name, value in named.items() for word in (name, *([value] if isinstance(value, str) else value))]
    given = own_generator._parser().parse_args(["nets", *words])
    assert (given.comparator, given.batch, given.crop, given.losses) == (["pool5"], 64, None, "published")
    assert (given.device, given.time_limit, given.resize) == ("cpu", None, [18, 18])
