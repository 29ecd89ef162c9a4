"""`dgnam models fetch`, `add` and `verify` with models that are published in several files."""

from __future__ import annotations

import hashlib
import io
import json
import random
import shutil
import zipfile
from pathlib import Path

import numpy as np
import pytest
import torch
from typer.testing import CliRunner, Result

from dgnam import experiments, zoo
from dgnam.cli.app import app
from dgnam.errors import DgnamError
from dgnam.train.zoo.verify import Check, verify
from dgnam.zoo import fetching, registry
from dgnam.zoo.adding import add
from dgnam.zoo.checksums import first_checksum
from tests.zoo.conftest import Toys, saved


def run(*words: object) -> Result:
    return CliRunner().invoke(app, [str(word) for word in ("models", *words)])


def checks(name: str) -> dict[str, Check]:
    return {check.what: check for check in verify(name)}


@pytest.fixture(autouse=True)
def paper(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(experiments, "paper_models", lambda: ["e", "g"])


def test_all_that_is_needed_is_fetched_with_a_plan_before_and_a_table_after(toys: Toys) -> None:
    toys.host("e.caffemodel", "cat.png", "g.zip", "act_range_3x_pool1.txt")
    toys.hosts.files["/e.caffemodel"].cuts = [2000]
    shown = run("fetch", "paper")
    assert shown.exit_code == 0, shown.output
    assert "license of e, g: for tests only" in shown.stderr
    assert "4 files to download" in shown.stderr
    assert f"{len(toys.content('e.caffemodel')):,} bytes" in shown.stderr
    rows = [line.split()[:3] for line in shown.stdout.splitlines()[1:5]]
    what = [("e", "weights"), ("e", "known_pass"), ("g", "weights"), ("g", "act_range")]
    assert rows == [[*one, "fetched"] for one in what]
    assert "4 of 4 files are here" in shown.stdout
    asked = len(toys.hosts.asked)
    again = run("fetch", "paper")
    assert [line.split()[2] for line in again.stdout.splitlines()[1:5]] == ["here"] * 4
    assert len(toys.hosts.asked) == asked


def test_what_cannot_be_had_is_told_last_and_by_the_exit_status(toys: Toys) -> None:
    toys.host("e.pt", "act_range_3x_pool1.txt")
    toys.hosts.put("g.pt", b"<html>please sign in</html>")
    shown = run("fetch", "paper")
    assert shown.exit_code == 1
    assert "2 of 4 files are here" in shown.stdout
    reasons = shown.stdout.partition("can't be had:")[2]
    assert "e known_pass: " in reasons
    for part in ("g weights: ", "404", "a web page came", "dgnam models add FILE --as g", "g.zip"):
        assert part in reasons
    assert (toys.home / "e" / "e.pt").is_file()
    toys.host("cat.png", "g.pt")
    assert run("fetch", "paper").exit_code == 0


def test_the_first_file_that_an_address_gives_is_taken_and_its_checksum_kept(toys: Toys) -> None:
    toys.host("g.pt", "act_range_3x_pool1.txt")
    shown = run("fetch", "g")
    path = toys.home / "g" / "g.pt"
    assert (shown.exit_code, shown.stdout.strip()) == (0, str(path))
    digest = hashlib.sha256(path.read_bytes()).hexdigest()
    assert path.with_name("g.pt.sha256").read_text() == f"{digest}  g.pt\n"
    assert checks("g")["weights"].text == f"sha256:{digest}, of the first download"
    path.write_bytes(path.read_bytes() + b"x")
    assert zoo.get("g").state() == "damaged"
    assert checks("g")["weights"].right is False
    damaged = run("fetch", "g", "e")
    assert damaged.exit_code == 1
    assert "not the file that was first downloaded" in damaged.stdout


def test_one_model_that_cannot_be_had_is_one_error(toys: Toys) -> None:
    shown = run("fetch", "e")
    assert isinstance(shown.exception, DgnamError)
    for part in ("e.caffemodel is not at", "404", "e.pt"):
        assert part in str(shown.exception)


def test_a_full_disk_is_told_before_the_download(toys: Toys, monkeypatch: pytest.MonkeyPatch) -> None:
    toys.host("g.pt", "act_range_3x_pool1.txt")
    monkeypatch.setattr(shutil, "disk_usage", lambda folder: shutil._ntuple_diskusage(10, 5, 5))  # type: ignore[attr-defined]
    with pytest.raises(DgnamError, match=r"has room for 5 bytes, and the missing files take [0-9,]+: set \$DGNAM_HOME"):
        fetching.check_room(fetching.needed(["g"]))


def test_published_weights_do_what_is_known_of_them(toys: Toys) -> None:
    toys.host("e.caffemodel", "cat.png", "g.pt", "act_range_3x_pool1.txt")
    assert run("fetch", "paper").exit_code == 0
    found = checks("e") | {f"g {what}": check for what, check in checks("g").items()}
    assert {what: check.right for what, check in found.items()} == {
        "weights": True,
        "net": True,
        "classes": True,
        "known pass": True,
        **{f"g {what}": True for what in ("weights", "net", "code", "picture", "act_range", "inversion")},
    }
    assert "cat.png, here and in the toys' notebook" in found["known pass"].text
    assert "none is nearer" in found["g inversion"].text


def test_weights_that_compute_something_else_are_found(toys: Toys) -> None:
    toys.host("cat.png", "act_range_3x_pool1.txt")
    state = torch.load(toys.files / "e.pt", weights_only=True)
    toys.hosts.put("e.pt", saved({key: -value for key, value in state.items()}))
    inverse = torch.load(toys.files / "g.pt", weights_only=True)
    toys.hosts.put("g.pt", saved({key: value.flip(0) for key, value in inverse.items()}))
    assert run("fetch", "paper").exit_code == 0
    assert checks("e")["known pass"].right is False
    assert checks("g")["inversion"].right is False


def test_what_the_known_passes_need_is_named_where_it_lacks(toys: Toys) -> None:
    toys.host("g.pt", "act_range_3x_pool1.txt")
    run("fetch", "g")
    check = checks("g")["inversion"]
    assert check.right is None
    assert "dgnam models fetch e" in check.text


def test_files_got_by_hand_are_taken(toys: Toys) -> None:
    got = [toys.files / name for name in ("g.pt", "g.zip", "act_range_3x_pool1.txt")]
    shown = run("add", *got, "--as", "g")
    assert shown.exit_code == 0, shown.exception
    places = [toys.home / "g" / name for name in ("g.pt", "g.caffemodel", "act_range_3x_pool1.txt")]
    assert shown.stdout.split() == [str(place) for place in places]
    assert places[0].with_name("g.pt.sha256").is_file()
    found = checks("g")
    assert found["same numbers"].text == "g.pt and g.caffemodel: 0"
    assert zoo.get("g").act_range() is not None
    assert run("add", *got, "--as", "g").exit_code == 0
    other = toys.files / "weights-from-a-friend.pt"
    shutil.copy(toys.files / "e.pt", other)
    assert add([other, toys.files / "cat.png", toys.files / "e.caffemodel"], "e")[0] == toys.home / "e" / "e.pt"


BAD = {
    "unknown model": ("g.pt", "gg", "there is no model 'gg'"),
    "of another net": ("e.pt", "g", r"e.pt: .*no weights for layer 'deconv0'.*|e.pt: .*none of the net's layers"),
    "no such file": ("absent.pt", "g", "absent.pt: no such file"),
    "a folder": (".", "g", "is a folder, not a file"),
    "bounds for a classifier": ("act_range_3x_pool1.txt", "e", "model 'e' has none"),
    "a picture for a generator": ("cat.png", "g", "is a picture, and model 'g' has no"),
    "an archive for a file alone": ("g.zip", "e", "is an archive, and no file of 'e' comes in one"),
}


@pytest.mark.parametrize("kind", BAD)
def test_a_file_that_does_not_belong_is_one_error(kind: str, toys: Toys) -> None:
    file, name, reason = BAD[kind]
    with pytest.raises(DgnamError, match=reason):
        add([toys.files / file], name)
    assert not any(path.is_file() for path in toys.home.rglob("*"))


def changed(toys: Toys, name: str, content: bytes) -> Path:
    path = toys.files / name
    path.write_bytes(content)
    return path


def test_each_bad_content_is_one_error_and_nothing_is_copied(toys: Toys) -> None:
    state = torch.load(toys.files / "g.pt", weights_only=True)
    whole = toys.content("g.pt")
    broken = {
        "cut.pt": (whole[: len(whole) // 2], "cut.pt: is truncated"),
        "page.pt": (b"<html>sign in</html>", "page.pt: is a web page"),
        "nan.pt": (saved({k: v * float("nan") for k, v in state.items()}), "nan.pt: .*NaN"),
        "wide.pt": (saved({k: torch.cat([v, v]) for k, v in state.items()}), "wide.pt: .*shape"),
        "few.txt": (b"1 2 4 5", "few.txt has 4 bounds, and a code of 'g' "),
        "words.txt": (b"one two", r"words.txt: not a text of numbers"),
        "bad.zip": (toys.content("g.zip")[:-30], "bad.zip"),
        "empty.caffemodel": (b"", "empty.caffemodel"),
    }
    for name, (content, reason) in broken.items():
        file = changed(toys, name, content)
        with pytest.raises(DgnamError, match=reason):
            add([toys.files / "g.pt", file], "g")
    assert not any(path.is_file() for path in toys.home.rglob("*"))


def test_another_file_than_published_or_than_is_here_is_refused(toys: Toys) -> None:
    state = torch.load(toys.files / "e.pt", weights_only=True)
    wrong = changed(toys, "wrong.caffemodel", toys.content("e.caffemodel") + b"\x0a\x01x")
    with pytest.raises(DgnamError, match="is not the published file"):
        add([wrong], "e")
    add([toys.files / "e.caffemodel"], "e")
    other = changed(toys, "other.pt", saved({key: value + 1e-3 for key, value in state.items()}))
    with pytest.raises(DgnamError, match=r"other.pt holds other numbers than .*e.caffemodel: in layer 'fc8'"):
        add([other], "e")
    add([toys.files / "e.pt"], "e")
    same = changed(toys, "same.pt", saved({key.replace(".1.", "."): value for key, value in state.items()}))
    with pytest.raises(DgnamError, match=r"e\.pt is there already, and differs from"):
        add([same], "e")
    (toys.home / "e" / "e.pt").unlink()
    with pytest.raises(DgnamError, match=r"is not the file that was first at .*e.pt.sha256; remove that to accept it"):
        add([same], "e")
    (toys.home / "e" / "e.pt.sha256").unlink()
    add([same], "e")
    assert (toys.home / "e" / "e.pt").read_bytes() == same.read_bytes()


def test_two_files_for_one_place_are_refused(toys: Toys) -> None:
    state = torch.load(toys.files / "g.pt", weights_only=True)
    other = changed(toys, "other.pt", saved({key: value.double() for key, value in state.items()}))
    with pytest.raises(DgnamError, match="are both for"):
        add([toys.files / "g.pt", other], "g")


def test_our_own_models_take_no_files() -> None:
    with pytest.raises(DgnamError, match="is one of our own"):
        add(["x.pt"], "caffenet-mini")


def test_a_copy_that_fails_leaves_nothing(toys: Toys, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(source: object, target: object) -> None:
        Path(str(target)).write_bytes(b"half of")
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(shutil, "copyfile", full)
    with pytest.raises((OSError, DgnamError)):
        add([toys.files / "g.pt"], "g")
    assert not any(path.is_file() for path in toys.home.rglob("*"))


def test_what_the_paper_needs_are_its_published_networks(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.undo()
    names = experiments.paper_models()
    assert all(zoo.get(name).kind == "published" for name in names)
    generators = {name for name in names if zoo.get(name).generator is not None}
    assert len(generators) == 9
    assert {"caffenet", "googlenet", "resnet50", "places205-alexnet", "lrcn-single-frame"} <= set(names)
    assert len(names) == len(set(names))
    assert np.all([zoo.get(name).prototxt.is_file() for name in names])


def zipped(**members: bytes) -> bytes:
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w") as made:
        for name, content in members.items():
            made.writestr(f"g/{name}.caffemodel", content)
    return file.getvalue()


def bad_weights(toys: Toys) -> dict[str, tuple[bytes, str]]:
    """What a host may send in place of g.pt, and a part of the reason."""
    whole, junk = toys.content("g.pt"), random.Random(1).randbytes(1004)
    return {
        "json": (b'{"error": "gone"}', "JSON came in the file's place"),
        "junk": (junk, "1,004 bytes came that are not the file: g.pt: "),
        "junk in torch's zip": (b"PK\x03\x04" + junk, "g.pt: is truncated or damaged"),
        "text": (b"404: Not Found", "14 bytes came that are not the file: g.pt: "),
        "cut": (whole[: len(whole) // 2], "g.pt: is truncated or damaged"),
        "another net": (toys.content("e.pt"), "deconv0"),
        "not finite": (saved({"deconv0.weight": torch.full((3, 3, 4, 4), torch.nan)}), "NaN"),
    }


@pytest.mark.parametrize("kind", ["json", "junk", "junk in torch's zip", "text", "cut", "another net", "not finite"])
@pytest.mark.parametrize("length", [True, False])
def test_what_is_no_weights_is_neither_kept_nor_in_the_way(kind: str, length: bool, toys: Toys) -> None:
    content, reason = bad_weights(toys)[kind]
    toys.hosts.put("dead/g.pt", content, length=length)
    folder, address = toys.home / "g", f"{toys.hosts.url}/dead/g.pt"
    with pytest.raises(DgnamError) as caught:
        zoo.get("g").obtain("weights")
    assert f"{address} (" in str(caught.value)
    assert reason in str(caught.value)
    assert ".part" not in str(caught.value)
    assert list(folder.iterdir()) == []
    toys.host("g.pt")
    shown = run("fetch", "g")
    assert (folder / "g.pt").read_bytes() == toys.content("g.pt"), shown.output
    assert first_checksum(folder / "g.pt") == f"sha256:{hashlib.sha256(toys.content('g.pt')).hexdigest()}"


def test_a_cut_body_without_a_length_goes_on_to_the_next_address(toys: Toys) -> None:
    toys.hosts.put("dead/g.pt", toys.content("g.pt"), length=False, cuts=[900])
    toys.host("g.pt", "act_range_3x_pool1.txt")
    assert run("fetch", "g").exit_code == 0
    assert (toys.home / "g" / "g.pt").read_bytes() == toys.content("g.pt")


def test_bounds_and_pictures_are_checked_too(toys: Toys) -> None:
    toys.host("g.pt")
    toys.hosts.put("act_range_3x_pool1.txt", b"1 2")
    with pytest.raises(DgnamError, match=r"3 bytes came that are not the file: .* has 2 bounds"):
        zoo.get("g").obtain("act_range")
    assert not (toys.home / "g").exists() or list((toys.home / "g").iterdir()) == []


def test_a_bad_file_put_there_by_hand_gets_no_checksum(toys: Toys) -> None:
    place = toys.home / "g" / "g.pt"
    place.parent.mkdir(parents=True)
    place.write_bytes(b"nothing at all")
    toys.host("act_range_3x_pool1.txt")
    shown = run("fetch", "g", "g")
    assert isinstance(shown.exception, DgnamError)
    assert "g.pt: is a file of another format" in str(shown.exception)
    assert first_checksum(place) is None
    place.write_bytes(toys.content("g.pt"))
    assert run("fetch", "g").exit_code == 0
    assert first_checksum(place) is not None


BAD_ARCHIVES = ["junk", "cut", "without the file", "junk within", "flipped"]


def bad_archive(kind: str, toys: Toys) -> bytes:
    whole = bytearray(toys.content("g.zip"))
    if kind == "flipped":
        whole[len(whole) // 3] ^= 1
        return bytes(whole)
    return {
        "junk": random.Random(2).randbytes(1004),
        "cut": bytes(whole[: len(whole) // 2]),
        "without the file": zipped(other=b"other"),
        "junk within": zipped(g=b"junk " * 50),
    }[kind]


def two_mirrors(toys: Toys, monkeypatch: pytest.MonkeyPatch) -> None:
    """g.zip at two addresses, and no other file of g."""
    path = registry.folders.data_folder("models") / "registry.json"
    content = json.loads(path.read_text())
    weights = content["g"]["weights"]
    weights["urls"] = [f"{toys.hosts.url}/first/g.zip", f"{toys.hosts.url}/second/g.zip"]
    content["g"]["other_weights"] = []
    path.write_text(json.dumps(content))
    registry.clear_cache()


@pytest.mark.parametrize("kind", BAD_ARCHIVES)
def test_a_bad_archive_stands_in_no_mirrors_way(kind: str, toys: Toys, monkeypatch: pytest.MonkeyPatch) -> None:
    two_mirrors(toys, monkeypatch)
    toys.hosts.put("first/g.zip", bad_archive(kind, toys))
    archives = toys.home / "archives"
    with pytest.raises(DgnamError, match="it is not kept"):
        zoo.get("g").obtain("weights")
    assert list(archives.iterdir()) == []
    toys.hosts.put("second/g.zip", toys.content("g.zip"))
    path = zoo.get("g").obtain("weights")
    assert path.read_bytes() == toys.content("g.caffemodel")
    assert first_checksum(archives / "g.zip") is not None


@pytest.mark.parametrize("kind", BAD_ARCHIVES)
def test_a_bad_archive_that_was_kept_is_fetched_anew(kind: str, toys: Toys, monkeypatch: pytest.MonkeyPatch) -> None:
    two_mirrors(toys, monkeypatch)
    archive = toys.home / "archives" / "g.zip"
    archive.parent.mkdir(parents=True)
    archive.write_bytes(bad_archive(kind, toys))
    with pytest.raises(DgnamError):  # put there by hand, so it stays
        zoo.get("g").obtain("weights")
    assert archive.is_file()
    archive.with_name("g.zip.sha256").write_text(f"{hashlib.sha256(archive.read_bytes()).hexdigest()}  g.zip\n")
    before = {path.name: path.read_bytes() for path in archive.parent.iterdir()}
    with pytest.raises(DgnamError):  # nothing better can be had
        zoo.get("g").obtain("weights")
    assert {path.name: path.read_bytes() for path in archive.parent.iterdir()} == before
    toys.hosts.put("first/g.zip", toys.content("g.zip"))
    assert zoo.get("g").obtain("weights").read_bytes() == toys.content("g.caffemodel")
    assert sorted(path.name for path in archive.parent.iterdir()) == ["g.zip", "g.zip.sha256"]


def test_an_archive_of_several_models_counts_once_and_what_comes_out_of_it_too(
    toys: Toys, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = registry.folders.data_folder("models") / "registry.json"
    content = json.loads(path.read_text())
    for name in "ghij":
        model = json.loads(json.dumps(content["g"]))
        model["weights"] |= {"member": f"g/{name}.caffemodel", "size": 1000}
        model["generator"]["act_range"] = None
        model["definition"] = "g"
        content[name] = model
    path.write_text(json.dumps(content))
    registry.clear_cache()
    asked: list[str] = []

    def size(url: str) -> int | None:
        asked.append(url)
        return 3000 if url.endswith("/g.zip") else None

    items = fetching.needed("ghij", size)
    (one,) = fetching.downloads(items)
    assert (one.size, len(one.items)) == (3000, 4)
    assert asked == [f"{toys.hosts.url}/g.zip"]
    free = shutil._ntuple_diskusage  # type: ignore[attr-defined]
    monkeypatch.setattr(shutil, "disk_usage", lambda folder: free(7000, 1, 6999))
    with pytest.raises(DgnamError, match="the missing files take 7,000"):
        fetching.check_room(items)
    monkeypatch.setattr(shutil, "disk_usage", lambda folder: free(7000, 0, 7000))
    fetching.check_room(items)
    (unknown,) = fetching.downloads(fetching.needed("ghij", lambda url: None))
    assert unknown.size == 4000
    whole = zipped(**dict.fromkeys("ghij", toys.content("g.caffemodel")))
    toys.hosts.put("g.zip", whole)
    shown = run("fetch", *"gh")
    assert f"==> 1 files to download, {len(whole):,} bytes, into" in shown.stderr
    assert f"about 1,000 bytes  in g.zip, {len(whole):,} bytes" in shown.stderr
    assert toys.hosts.count("g.zip") == 1
