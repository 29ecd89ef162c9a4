"""Making a model of the small zoo: trained, folded, scaled, measured, stored with a card, frozen."""

import io
import json
import shutil
import zipfile
from pathlib import Path

import h5py
import numpy as np
import pytest
import torch
from PIL import Image

from dgnam import zoo
from dgnam.caffe.proto import pb, read_caffemodel, read_net
from dgnam.data.dataset import open_dataset
from dgnam.data.preprocessing import preprocess
from dgnam.errors import DgnamError
from dgnam.runs import Record
from dgnam.train import zoo as train_zoo
from dgnam.train.curves import read_log
from dgnam.train.data_layer import DataLayer, split_data_layer
from dgnam.train.solver_nets import solver_nets
from dgnam.train.zoo import classifier
from dgnam.train.zoo.card import card_text, training_facts
from dgnam.train.zoo.evaluate import code_bounds

BEGINNINGS = ((0, "cpu", 7), (20, "cuda", 16))


def make(name: str, folder: Path, data_folder: Path) -> Path:
    made = train_zoo.build_model(name, folder / f"run-{name}", data_folder=data_folder, progress=False)
    assert made is not None
    return made


def test_models_are_made_in_order_and_their_cards_say_what_was_measured(toy_zoo, data_folder):
    folders = {name: make(name, toy_zoo, data_folder) for name in "ejg"}
    held_out = open_dataset("toy-val", folder=data_folder)
    assert code_bounds(zoo.load("e"), "fc6", held_out).mean() == pytest.approx(12, rel=3e-2)  # of rounded weights
    card = json.loads((folders["e"] / "card.json").read_text())
    assert card["measured"]["top1"] > 0.8
    assert card["training"]["iterations"] == 40
    page = (folders["e"] / "README.md").read_text()
    assert f"| top1 | {card['measured']['top1']:.4g} |" in page
    assert f"weights: `weights.h5`, {card['storage']}, {card['bytes']:,} bytes" in page
    assert train_zoo.evaluate_model("e", data_folder)["top1"] == card["measured"]["top1"]
    with h5py.File(folders["e"] / "weights.h5") as file:
        assert sorted(file["data"]) == ["conv1", "fc6", "fc8"]
        assert file["data/conv1/0"].dtype == np.float16
    measured = json.loads((folders["g"] / "card.json").read_text())["measured"]
    assert 0 < measured["code_cosine"] <= 1
    assert measured["judge_top5_of_pictures"] > 0.8
    assert zoo.get("g").act_range().shape == (10,)


def test_a_model_may_be_pretrained_and_stay_unfolded(toy_zoo, data_folder):
    folder = make("f", toy_zoo, data_folder)
    card = json.loads((folder / "card.json").read_text())
    assert card["measured"]["top1"] > 0.8
    before = card["training"]["pretraining"]
    assert (before["pictures"], before["iterations"]) == ("toy-train[:5]", 20)
    assert "- Before: 20 batches of 20 from `toy-train[:5]`" in (folder / "README.md").read_text()
    with h5py.File(folder / "weights.h5") as file:
        assert sorted(file["data"]) == ["conv1", "conv1_bn", "conv1_scale", "fc6", "fc8"]
        assert file["data/conv1_bn/2"][()] == [1]
    assert train_zoo.evaluate_model("f", data_folder)["top1"] == pytest.approx(card["measured"]["top1"])


def test_a_pretraining_takes_its_part_of_the_time(toy_zoo, data_folder, monkeypatch):
    limits, real = [], classifier.train_classifier

    def train(*given, time_limit, **how):
        limits.append(time_limit)
        return real(*given, time_limit=None, **how)

    monkeypatch.setattr(classifier, "train_classifier", train)
    train_zoo.build_model("f", toy_zoo / "run", data_folder=data_folder, time_limit=1000, progress=False)
    assert limits[0] == 1000
    assert 900 < limits[1] < 1000


def test_a_model_may_start_from_another_whose_normalisation_was_folded(toy_zoo, data_folder):
    """Without a step taken, all but the layer of the scores is the other's."""
    make("e", toy_zoo, data_folder)
    make("s", toy_zoo, data_folder)
    images = torch.from_numpy(
        preprocess(open_dataset("toy-val", folder=data_folder).take(slice(None))[0][:, 2:14, 2:14])
    )
    codes = [zoo.load(name)(images, keep=["fc6"])["fc6"] for name in "es"]
    assert (codes[0] - codes[1]).abs().max() < 0.1 * codes[0].abs().max()
    scores = [zoo.load(name).weights()["fc8"][0] for name in "es"]
    assert not np.allclose(*scores, atol=1e-2)


def intermediate(name: str, folder: Path, data_folder: Path, **how) -> Path | None:
    return train_zoo.build_model(name, folder / "run-e", data_folder=data_folder, progress=False, **how)


def test_intermediate_models_are_taken_from_the_training_that_they_are_of(toy_zoo, data_folder):
    """It is trained as far as that, goes on to the same weights, and is not trained again."""
    assert intermediate("way", toy_zoo, data_folder, time_limit=0) is None
    folder = intermediate("way", toy_zoo, data_folder)
    checkpoints = toy_zoo / "run-e" / "chunks"
    assert [path.name for path in sorted(checkpoints.iterdir())] == ["checkpoint-000010.pt", "checkpoint-000015.pt"]
    card, page = json.loads((folder / "card.json").read_text()), (folder / "README.md").read_text()
    assert (card["definition"], card["training"]["iterations"]) == ("e", 15)
    assert "`prototxt/e/deploy.prototxt`" in page
    assert "- The values of fc6 have the scale that the training gave them; e's are brought to another" in page
    assert "`dgnam train way --data DIR`: 15 batches of 20 from `toy-train`, of the 40 of e's training" in page
    shutil.rmtree(checkpoints)
    assert intermediate("start", toy_zoo, data_folder) is not None
    assert not checkpoints.exists()
    with pytest.warns(UserWarning, match=r"checkpoint-000015\.pt is missing; .*; training anew"):
        make("e", toy_zoo, data_folder)
    tops = [
        json.loads((toy_zoo / "models" / name / "card.json").read_text())["measured"]["top1"] for name in ("start", "e")
    ]
    assert tops[0] < 0.5 < tops[1]
    assert train_zoo.evaluate_model("start", data_folder)["top1"] == tops[0]


def test_an_untrained_net_is_folded_by_statistics_of_training_pictures(toy_zoo, data_folder):
    folder = intermediate("start", toy_zoo, data_folder)
    page = (folder / "README.md").read_text()
    assert "`dgnam train start --data DIR`: none yet; the weights are those that the training of e starts with" in page
    assert "no statistics yet; folded away were those of 120 training pictures" in page
    images = torch.from_numpy(
        preprocess(open_dataset("toy-val", folder=data_folder).take(slice(None))[0][:, 2:14, 2:14])
    )
    values = zoo.load("start").values_at(["conv1"], images)["conv1"]
    assert 0.5 < values.std() < 2


def test_a_card_s_device_and_threads_are_those_that_the_training_had(toy_zoo, data_folder):
    """Not those of the process that makes the card; of a resumed training those of what made the weights."""
    feed = DataLayer("toy-train", 20, 12, True, (0, 0, 0))
    log = toy_zoo / "log.jsonl"
    assert training_facts(toy_zoo, feed, 40, "cuda")["device"] == "cuda"
    log.write_text("".join(json.dumps({"iteration": k, "device": d, "threads": n}) + "\n" for k, d, n in BEGINNINGS))
    found = [training_facts(toy_zoo, feed, at, "cpu") for at in (15, 20, 21)]
    assert [(each["device"], each["threads"]) for each in found] == [("cpu", 7), ("cpu", 7), ("cuda", 16)]
    make("e", toy_zoo, data_folder)
    intermediate("way", toy_zoo, data_folder)
    assert [(entry["iteration"], entry["device"]) for entry in read_log(toy_zoo / "run-e") if "device" in entry] == [
        (0, "cpu")
    ], "only the process that trained"


def test_a_training_past_an_intermediate_model_that_it_did_not_keep_is_a_clear_error(toy_zoo, data_folder):
    make("e", toy_zoo, data_folder)
    assert intermediate("way", toy_zoo, data_folder) is not None  # kept by the whole training
    (toy_zoo / "run-e" / "weights-000015.caffemodel").unlink()
    with pytest.raises(DgnamError, match=r"can't stop at iteration 15, since its checkpoint is at 40 already"):
        intermediate("way", toy_zoo, data_folder, replace=True)


def test_intermediate_weights_of_another_recipe_are_refused(toy_zoo, data_folder):
    intermediate("way", toy_zoo, data_folder)
    path = toy_zoo / "prototxt" / "e" / "solver.prototxt"
    path.write_text(path.read_text().replace("base_lr: 0.05", "base_lr: 0.04"))
    with pytest.raises(DgnamError, match=r"weights-000015\.caffemodel belongs to another recipe \(changed: solver\)"):
        intermediate("way", toy_zoo, data_folder, replace=True)
    (toy_zoo / "run-e" / "weights-000015.json").unlink()
    with pytest.raises(DgnamError, match=r"weights-000015\.caffemodel: weights-000015\.json beside it doesn't say"):
        intermediate("way", toy_zoo, data_folder, replace=True)


def test_what_memorises_starts_with_the_scores_and_is_measured_on_its_training_pictures(toy_zoo, data_folder):
    make("e", toy_zoo, data_folder)
    card = json.loads((make("over", toy_zoo, data_folder) / "card.json").read_text())
    assert card["measured"]["on"].endswith("center 12 px; top1_training on toy-train[::4], 30 pictures")
    assert card["measured"]["top1_training"] == 1
    assert train_zoo.evaluate_model("over", data_folder)["top1_training"] == 1
    first = next(entry for entry in read_log(toy_zoo / "run-over") if "loss" in entry)
    assert first["loss"] < 0.5


def test_an_intermediate_model_of_what_is_no_classifier_is_an_error():
    with pytest.raises(DgnamError, match="'judge-min'; there are: judge-mini"):
        train_zoo.trained_as("judge-min")
    with pytest.raises(DgnamError, match="an intermediate model is of a classifier's training, and 'deepsim-fc6-mini'"):
        train_zoo.recipes.classifier_recipe(train_zoo.ZooIntermediate("s", "deepsim-fc6-mini", 3))


def test_the_paper_s_network_is_kept_on_the_way():
    assert train_zoo.recipes.intermediate_iterations("caffenet-mini") == (0, 50, 200, 1000, 4000)
    assert train_zoo.trained_as("caffenet-mini-4000") == train_zoo.trained_as("caffenet-mini") == "caffenet-mini"


def test_a_control_is_measured_on_each_half_and_may_be_a_caffemodel(toy_zoo, data_folder):
    folder = make("m", toy_zoo, data_folder)
    card = json.loads((folder / "card.json").read_text())
    assert sorted(read_caffemodel(folder / "weights.caffemodel")) == ["conv1", "fc6", "fc8"]
    assert "a caffemodel in float32" in (folder / "README.md").read_text()
    halves = card["measured"]["top1_regular"], card["measured"]["top1_modified"]
    assert sum(halves) / 2 == pytest.approx(card["measured"]["top1"])
    assert card["measured"]["on"] == "toy-val+blur, 120 pictures, center 12 px"


def test_a_code_with_positions_has_a_bound_for_each(toy_zoo, data_folder):
    for name in "ejc":
        make(name, toy_zoo, data_folder)
    measured = json.loads((toy_zoo / "models" / "c" / "card.json").read_text())["measured"]
    assert 0 < measured["code_cosine"] <= 1
    wanted = code_bounds(zoo.load("e"), "conv1", open_dataset("toy-val", folder=data_folder)).reshape(8, 5, 5)
    assert zoo.get("c").act_range() == pytest.approx(wanted, rel=1e-4)
    assert train_zoo.evaluate_model("c", data_folder)["code_cosine"] == pytest.approx(measured["code_cosine"])


def test_a_generator_of_full_size_stays_where_it_was_trained(toy_zoo, data_folder):
    make("e", toy_zoo, data_folder)
    before = (toy_zoo / "models" / "registry.json").read_bytes()
    assert train_zoo.build_model("full", toy_zoo / "run", data_folder=data_folder, time_limit=0, progress=False) is None
    folder = train_zoo.build_model("full", toy_zoo / "run", data_folder=data_folder, progress=False)
    made = zoo.load_net(zoo.get("full").prototxt, folder / "generator.caffemodel", "full")
    assert np.isfinite(made.weights()["deconv0"][0]).all()
    assert not (toy_zoo / "models" / "full").exists()
    assert (toy_zoo / "models" / "registry.json").read_bytes() == before


def test_a_made_model_is_frozen(toy_zoo, data_folder):
    folder = make("e", toy_zoo, data_folder)
    assert zoo.get("e").weights.checksum.startswith("sha256:")
    (folder / "weights.h5").write_bytes(b"other")
    with pytest.raises(DgnamError, match="is not the published file"):
        zoo.load("e")


@pytest.mark.parametrize("removed", [False, True])
def test_a_stored_model_is_replaced_only_when_asked_for(toy_zoo, data_folder, removed):
    """Its checksum alone keeps its place, too."""
    folder = make("e", toy_zoo, data_folder)
    before = {path.name: path.read_bytes() for path in folder.iterdir()}
    registry = (toy_zoo / "models" / "registry.json").read_bytes()
    shutil.rmtree(toy_zoo / "run-e")
    if removed:
        (folder / "weights.h5").unlink()
        before.pop("weights.h5")
    with pytest.raises(DgnamError, match=r"e/weights\.h5 is there already, .* give --replace"):
        make("e", toy_zoo, data_folder)
    assert not (toy_zoo / "run-e").exists()
    assert {path.name: path.read_bytes() for path in folder.iterdir()} == before
    assert (toy_zoo / "models" / "registry.json").read_bytes() == registry
    how = {"data_folder": data_folder, "progress": False, "replace": True}
    assert train_zoo.build_model("e", toy_zoo / "run-e", **how) == folder
    assert Record.read(toy_zoo / "run-e").spec == {
        "model": "e",
        "data": str(data_folder),
        "device": "cpu",
        "replace": True,
    }


def test_a_stop_at_the_time_limit_makes_nothing(toy_zoo, data_folder):
    made = train_zoo.build_model("e", toy_zoo / "run", data_folder=data_folder, time_limit=0, progress=False)
    assert made is None
    assert not (toy_zoo / "models" / "e").exists()


def test_the_card_of_a_model_stored_before_rounding_says_float16_alone():
    training = {"pictures": "toy-train", "iterations": 40, "batch_size": 20, "seconds": 9, "device": "cpu"}
    card = {
        "name": "e",
        "what": "an encoder",
        "data": "none",
        "date": "2026-11-23",
        "file": "weights.h5",
        "sha256": "0" * 64,
        "bytes": 1234567,
        "training": {**training, "images_per_second": None, "waiting_for_data": None},
        "measured": {"on": "toy-val", "top1": 0.5},
    }
    assert "`weights.h5`, Caffe's HDF5 in float16, 1,234,567 bytes" in card_text(card)
    assert "in float16, rounded, 1,234,567 bytes" in card_text({**card, "storage": "Caffe's HDF5 in float16, rounded"})


def test_the_generator_is_trained_as_the_paper_says():
    """E ends at the code, C at pool5; D has 5 convolutional and 2 fully connected layers, and sees the code."""
    recipe = train_zoo.RECIPES["deepsim-fc6-mini"]
    assert (recipe.encoder, recipe.training.code_layer, recipe.training.comparator_layers) == (
        "caffenet-mini",
        "fc6",
        ("pool5",),
    )
    layers = list(read_net(zoo.get("deepsim-fc6-mini").folder / "discriminator.prototxt").layer)
    assert [layer.type for layer in layers].count("Convolution") == 5
    join = [layer.type for layer in layers].index("Concat")
    assert "feat" in [name for layer in layers[:join] for name in layer.bottom]
    assert [layer.type for layer in layers[join:]].count("InnerProduct") == 2


def test_an_unknown_recipe_lists_the_known():
    with pytest.raises(DgnamError, match="no recipe for 'caffenet-min'; there are: caffenet-mini"):
        train_zoo.build_model("caffenet-min", "run")


def sports_of_noise(folder: Path, count: int) -> None:
    """An image set of blurred noise under the name of the sports' held-out stills."""
    draw = np.random.default_rng(5)
    with zipfile.ZipFile(folder / "sports64.zip", "w") as zipped:
        for k in range(count):
            picture = Image.fromarray(draw.integers(0, 256, (8, 8, 3), np.uint8)).resize(
                (64, 64), Image.Resampling.BICUBIC
            )
            out = io.BytesIO()
            picture.save(out, format="PNG")
            zipped.writestr(f"val/{k}.png", out.getvalue())
        zipped.writestr("val.txt", "".join(f"val/{k}.png {k % 22}\n" for k in range(count)))


def test_what_sees_clips_is_measured_on_clips_and_on_shuffled_ones(tmp_path):
    """Ours knows which way any picture moves, even noise, and of frames out of order it knows nothing."""
    sports_of_noise(tmp_path, 30)
    measured = train_zoo.evaluate_model("action-lstm-motion-mini", tmp_path)
    assert sorted(measured) == ["top1", "top1_frames_shuffled"]
    assert measured["top1"] > 0.8
    assert 0.3 < measured["top1_frames_shuffled"] < 0.7
    sports = train_zoo.evaluate_model("action-lstm-sport-mini", tmp_path)
    assert sorted(sports) == ["top1", "top1_frames_shuffled", "top5"]


def test_of_clips_the_card_counts_the_pictures(tmp_path):
    definition = solver_nets(zoo.get("action-lstm-motion-mini").folder / "solver.prototxt").train.definition
    feed = split_data_layer(definition, pb.TRAIN)[0]
    (tmp_path / "log.jsonl").write_text('{"iteration": 50, "loss": 1, "seconds": 10, "waiting": 0}\n')
    training = training_facts(tmp_path, feed, 50, "cpu")
    assert (training["batch_size"], training["frames"], training["images_per_second"]) == (12, 16, 960)
    card = json.loads((zoo.data_folder("models") / "action-lstm-motion-mini" / "card.json").read_text())
    assert "50 batches of 12 clips of 16 frames from `sports64-train`; " in card_text(card | {"training": training})
