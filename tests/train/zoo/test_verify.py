"""Whether models are what their cards say: what is right, and what is found to be wrong."""

import io
import json
import shutil
import sys
import zipfile
from pathlib import Path
from types import SimpleNamespace

import h5py
import numpy as np
import pytest
from PIL import Image

from dgnam import zoo
from dgnam.cli import main
from dgnam.data.picture import DataError
from dgnam.errors import DgnamError
from dgnam.files.checksums import sha256
from dgnam.train.zoo import verify as module
from dgnam.train.zoo.verify import verify
from dgnam.zoo import folders
from dgnam.zoo.registry import clear_cache


@pytest.fixture
def models(tmp_path, monkeypatch):
    """A copy of the folder of models, to be tampered with."""
    real = folders.data_folder
    shutil.copytree(real("models"), tmp_path / "models")
    monkeypatch.setattr(folders, "data_folder", lambda name: tmp_path / name if name == "models" else real(name))
    monkeypatch.setenv("DGNAM_HOME", str(tmp_path / "home"))
    monkeypatch.delenv("DGNAM_DATA", raising=False)
    return tmp_path / "models"


@pytest.fixture
def few_pictures(tmp_path):
    """Twenty pictures of noise under the name of the held-out set."""
    draw = np.random.default_rng(0)
    folder = tmp_path / "data"
    folder.mkdir()
    with zipfile.ZipFile(folder / "tinyimagenet64-val.zip", "w") as archive:
        for i in range(20):
            out = io.BytesIO()
            Image.fromarray(draw.integers(0, 256, (64, 64, 3), dtype=np.uint8)).save(out, format="PNG")
            archive.writestr(f"{i}.png", out.getvalue())
        archive.writestr("val.txt", "".join(f"{i}.png {i}\n" for i in range(20)))
    return folder


def accept(models, name):
    """Freeze the changed weights of a model, in the registry and the card."""
    digest = sha256(models / name / "weights.h5")
    for path, keys in ((models / "registry.json", (name, "weights")), (models / name / "card.json", ())):
        content = json.loads(path.read_text())
        inner = content
        for key in keys:
            inner = inner[key]
        inner["checksum" if keys else "sha256"] = f"sha256:{digest}" if keys else digest
        path.write_text(json.dumps(content))
    clear_cache()


def states(name, data=None):
    return {check.what: check.right for check in verify(name, data)}


@pytest.mark.parametrize(
    "name", [entry.name for entry in zoo.list_models() if entry.kind == "mini" and not entry.untrained]
)
def test_our_models_are_right_and_without_data_not_measured(models, name):
    found = states(name)
    assert found.pop("measured") is None
    assert {"weights", "net", "card"} <= set(found)
    assert all(found.values())


def test_a_generators_code_picture_and_bounds_are_checked(models):
    assert {"code", "picture", "act_range"} <= set(states("deepsim-fc6-mini"))
    path = models / "deepsim-fc6-mini" / "act_range.txt"
    path.write_text(path.read_text().rsplit(" ", 1)[0])
    checks = [check for check in verify("deepsim-fc6-mini") if check.right is False]
    assert [check.what for check in checks] == ["act_range"]
    assert "has 383 bounds" in checks[0].text


def test_damaged_weights_are_wrong_and_nothing_else_is_looked_at(models):
    with open(models / "judge-mini" / "weights.h5", "r+b") as file:
        file.seek(100_000)
        file.write(b"damage")
    assert states("judge-mini") == {"weights": False}


def test_weights_that_are_not_finite_are_wrong(models):
    with h5py.File(models / "caffenet-mini" / "weights.h5", "r+") as file:
        file["data/conv1/0"][0, 0, 0, 0] = np.nan
    accept(models, "caffenet-mini")
    checks = list(verify("caffenet-mini"))
    assert "layers conv1 have weights that are not finite" in next(c.text for c in checks if c.what == "net")


def test_a_card_of_other_weights_or_no_card_is_wrong(models):
    path = models / "judge-mini" / "card.json"
    path.write_text(path.read_text().replace('"sha256": "a7', '"sha256": "b8'))
    assert states("judge-mini")["card"] is False
    path.write_text("{")
    assert states("judge-mini")["card"] is False
    path.unlink()
    assert states("judge-mini")["card"] is False


@pytest.mark.parametrize("name", ["judge-mini", "deepsim-fc6-mini"])
def test_what_a_card_says_is_measured_again(models, few_pictures, name):
    path = models / name / "card.json"
    card = json.loads(path.read_text())
    first = [check for check in verify(name, few_pictures) if check.what in card["measured"]]
    assert len(first) == len(card["measured"]) - 1
    assert not all(check.right for check in first)
    for check in first:
        card["measured"][check.what] = float(check.text.split(",")[0])
    path.write_text(json.dumps(card))
    assert all(states(name, few_pictures).values())
    card["measured"]["beauty"] = 1.0
    path.write_text(json.dumps(card))
    assert states(name, few_pictures)["beauty"] is False


def test_a_model_that_nobody_trained_yet_is_skipped(models):
    path = models / "registry.json"
    registry = json.loads(path.read_text())
    registry["judge-mini"]["weights"]["checksum"] = None
    path.write_text(json.dumps(registry))
    clear_cache()
    (check,) = verify("judge-mini")
    assert check.right is None
    assert "dgnam train judge-mini" in check.text


def test_a_data_folder_that_was_given_must_hold_the_set(models, tmp_path):
    with pytest.raises(DataError, match="no image set 'tinyimagenet64-val'"):
        states("judge-mini", tmp_path)


def test_published_models_that_are_not_here_are_skipped(models):
    assert states("caffenet") == {"weights": None}
    with pytest.raises(DgnamError, match="no model 'caffenett'"):
        states("caffenett")


def test_the_commands(monkeypatch, tmp_path, capfd):
    def run(*arguments):
        monkeypatch.setattr(sys, "argv", ["dgnam", *arguments])
        with pytest.raises(SystemExit) as ended:
            main()
        return ended.value.code, *capfd.readouterr()

    monkeypatch.delenv("DGNAM_DATA", raising=False)
    monkeypatch.setenv("DGNAM_HOME", str(tmp_path))
    status, out, err = run("models", "verify", "judge-mini")
    assert status == 0
    assert "not measured again: no data folder" in out
    assert "verifying" in err
    assert "verifying" not in out
    assert run("models", "verify", "judge-mini", "--quiet") == (0, out, "")
    assert out.splitlines()[-1].startswith("==> 4 right, 0 wrong, 1 skipped")
    places = {line.split()[0]: line.split()[1:] for line in run("models", "where", "caffenet")[1].splitlines()}
    assert list(places) == ["prototxt", "weights", "labels"]
    assert places["prototxt"][0] == "here"
    assert places["weights"] == ["missing", str(tmp_path / "caffenet" / "bvlc_reference_caffenet.caffemodel")]
    assert run("models", "verify", "caffenet")[0] == 2


def test_a_mismatch_is_the_exit_status(models, few_pictures):
    # In this process, since the tampered folder is known here alone.
    from typer.testing import CliRunner

    from dgnam.cli.models import MISMATCH, app

    shown = CliRunner().invoke(app, ["verify", "judge-mini", "--data", str(few_pictures)])
    assert shown.exit_code == MISMATCH, shown.stdout
    assert "WRONG" in shown.stdout


def entry(**own):
    """An entry of the registry, as far as a check looks at it."""
    generator = SimpleNamespace(encoder="e", act_range_file=None)
    usual = {"name": "m", "kind": "published", "generator": generator, "known_pass": None, "weights_files": []}
    return SimpleNamespace(**{**usual, **own})


def test_bounds_that_are_there_or_not():
    def bounds(what, kind="published", file=None):
        generator = SimpleNamespace(encoder="e", act_range_file=file)
        return module._bounds(entry(kind=kind, generator=generator, act_range=what))

    fine = bounds(lambda download: np.array([0.0, 2.5]))
    assert (fine.right, fine.text) == (True, "2 bounds, 0 to 2.5")
    assert bounds(lambda download: np.array([-0.1, 2.5])).right is False
    none = bounds(lambda download: None)
    assert (none.right, none.text) == (None, "none is published")
    assert bounds(lambda download: None, file="x").text.endswith("dgnam models add FILE --as m")
    assert module._bounds(entry(generator=None, act_range=lambda download: None)).text == "none is published"
    missing = zoo.MissingWeightsError.__new__(zoo.MissingWeightsError)
    missing.path = "/there"

    def absent(download):
        assert download is False
        raise missing

    assert [bounds(absent, kind).right for kind in ("published", "mini")] == [None, False]
    assert bounds(absent).text == "not here: /there"


@pytest.mark.parametrize(("generator", "what"), [(False, "known pass"), (True, "inversion")])
def test_what_is_known_of_a_published_net(monkeypatch, generator, what):
    known = SimpleNamespace(tolerance=0.25, source="the page")
    asked = []
    net = SimpleNamespace(
        name="e",
        generator=None,
        known_pass=known,
        obtain=lambda which, download: asked.append((which, download)) or Path("/a/cat.jpg"),
        weights_path=lambda download: asked.append(download),
    )
    made = SimpleNamespace(name="g", generator=SimpleNamespace(encoder="e")) if generator else net
    monkeypatch.setattr(module.zoo, "get", lambda name: net)
    monkeypatch.setattr(module.zoo, "load", lambda name: f"net {name}")

    def checks():
        return list(module._passes(made, "module"))

    if generator:
        for rank, right, ahead in ((1, True, "none is"), (2, False, "1 are"), (3, False, "2 are")):
            monkeypatch.setattr(module, "rank_of_its_picture", lambda *given, rank=rank: rank)
            (found,) = checks()
            assert (found.model, found.what, found.right) == ("g", what, right)
            assert found.text == f"of cat.jpg's 7 distortions {ahead} nearer to the code of its reconstruction"
        assert asked[:2] == [("known_pass", False), False]
    else:
        for here, right in ((0.5, True), (0.7500001, False), (0.0, True), (-0.1, False), (0.25, True)):
            monkeypatch.setattr(module, "probabilities", lambda *given, here=here: {"1": (0.5, 0.5), "3": (here, 0.25)})
            (found,) = checks()
            assert (found.model, found.what, found.right) == ("e", what, right)
            assert found.text.startswith("cat.jpg, here and in the page: 1: 0.5000 (0.5000), 3: ")
        assert asked[0] == ("known_pass", False)
    net.obtain = lambda which, download: (_ for _ in ()).throw(DgnamError("no picture"))
    (found,) = checks()
    assert (found.right, found.text) == (None, "not here: no picture: dgnam models fetch e")
    net.known_pass = None
    assert checks() == []


def test_further_files_hold_the_same_numbers(tmp_path, monkeypatch):
    for name in "abc":
        (tmp_path / name).write_text("")
    files = [SimpleNamespace(path=tmp_path / name, layers="some" if name == "b" else None) for name in "abcd"]
    own = entry(weights_files=files, place=lambda file: file.path)
    seen = []
    monkeypatch.setattr(module, "check_same", lambda other, first: seen.append((other.name, first.name)) or 0.125)
    (found,) = module._files(own)
    assert seen == [("c", "a")]
    assert (found.what, found.right, found.text) == ("same numbers", True, "c and a: 0.12")
    monkeypatch.setattr(module, "check_same", lambda *given: (_ for _ in ()).throw(DgnamError("differ")))
    (found,) = module._files(own)
    assert (found.right, found.text) == (False, "differ")


@pytest.mark.parametrize(
    ("published", "first", "right", "text"),
    [
        ("md5:1", None, True, "md5:1"),
        (None, "sha256:2", True, "sha256:2, of the first download"),
        (None, None, None, "no checksum of w.h5 is published, nor kept of a download"),
    ],
)
def test_which_checksum_there_is(monkeypatch, published, first, right, text):
    other, file = (
        SimpleNamespace(checksum="no", place=Path("/x")),
        SimpleNamespace(checksum=published, place=Path("/w.h5")),
    )
    own = entry(weights_files=[other, file], place=lambda file: file.place, places=lambda: {"weights": Path("/w.h5")})
    monkeypatch.setattr(module, "first_checksum", lambda place: first)
    found = module._checksum(own)
    assert (found.what, found.right, found.text) == ("weights", right, text)


def test_a_number_is_right_within_a_tolerance():
    assert module._compared("m", "top1", 0.5, None).right is False
    assert module._compared("m", "top1", 0.5, None).text == "0.5000, and the card says nothing of it"
    step = module.TOLERANCE
    for value, said, right in (
        (0.5 + 0.9 * step, 0.5, True),
        (0.5 + 1.1 * step, 0.5, False),
        (10 + 9 * step, 10, True),
    ):
        found = module._compared("m", "top1", value, said)
        assert (found.right, found.text) == (right, f"{value:.4f}, and the card says {said:.4f}")
