"""The pages of one run: what is on them, and what stays out."""

import json
from html.parser import HTMLParser

import pytest

from dgnam.atlas import tables
from dgnam.atlas.pages import pager, write_pages
from dgnam.atlas.sources import Source
from dgnam.errors import DgnamError
from dgnam.runs.lock import exclusive

WEIGHTS = "71c665680325065a7f8785c7d3ebaa40cdc699f4ecfff4b967021c8657a1d584"


class Page(HTMLParser):
    """A page's text, and its tags with their attributes."""

    def __init__(self, path):
        super().__init__()
        self.tags, self.text = [], ""
        self.feed(path.read_text(encoding="utf-8"))

    def handle_starttag(self, tag, attrs):
        self.tags.append((tag, dict(attrs)))

    def handle_data(self, data):
        self.text += data

    def all(self, tag, name):
        return [attributes[name] for found, attributes in self.tags if found == tag and name in attributes]


@pytest.fixture
def write(tmp_path):
    def write(folder, **how):
        source = Source(folder.resolve(), folder, folder.name)
        pages = tmp_path / "atlas" / "pages" / folder.name
        card = write_pages(source, pages, copy=False, above=[("All runs", "../../index.html")], **how)
        return card, Page(pages / "index.html")

    return write


def test_a_finished_run(make_run, write):
    folder = make_run("a-1")
    card, page = write(folder)
    assert (card.title, card.model, card.layers, card.state) == (
        "caffenet-mini fc8:0-2",
        "caffenet-mini",
        "fc8",
        "finished",
    )
    assert (card.pictures, card.thumbnail, card.progress) == (3, True, "3/3 images")
    for text in ("unit 2", "10.25", WEIGHTS, f"dgnam again {folder} --job 0", "dgnam.visualize(objective='fc8:0-2'"):
        assert text in page.text
    pictures = [f"../../../runs/a-1/images/fc8_{k:04d}.png" for k in range(3)]
    assert page.all("img", "src") == ["../../../runs/a-1/grid.png", *pictures]
    assert {"../../../runs/a-1/summary.csv", "../../../runs/a-1/run.json"} <= set(page.all("a", "href"))
    assert "events.jsonl" not in page.text


def test_pictures_have_texts_and_load_late(make_run, write):
    _, page = write(make_run("a-1"))
    images = [attributes for tag, attributes in page.tags if tag == "img"]
    assert all(one["alt"] and one["loading"] == "lazy" for one in images)
    assert images[1]["alt"] == "fc8:0, unit 0, seed 0"
    assert len(page.all("th", "scope")) == len([tag for tag, _ in page.tags if tag == "th"])


def test_labels_are_only_text(make_run, write):
    label = '</td><script>alert(1)</script><img src=x onerror="alert(1)">'
    card, page = write(make_run("a-1", label=label, objective=f"fc8:{label}"))
    assert label in card.title
    assert label in page.text
    assert len([tag for tag, _ in page.tags if tag == "script"]) == 1
    assert page.all("img", "onerror") == []


def test_an_unfinished_run(make_run, write):
    card, page = write(make_run("a-1", finished=False))
    assert (card.state, card.pictures) == ("stopped", 3)
    assert "not finished" in page.text
    assert "dgnam resume" in page.text
    assert len(page.all("img", "src")) == 3


def test_a_run_at_work_is_not_resumed_yet(make_run, write):
    folder = make_run("a-1", finished=False)
    with exclusive(folder):
        card, page = write(folder)
    assert card.state == "running"
    assert "Should it stop, resume it" in page.text


def test_damaged_files_are_told(make_run, write):
    folder = make_run("a-1")
    (folder / "summary.csv").write_text('a,b\n1,"2\n')
    (folder / "numbers.json").write_text("{")
    card, page = write(folder)
    assert page.text.count("Damaged:") == 2
    assert card.pictures == 3


def test_a_damaged_record_is_an_error(make_run, write):
    folder = make_run("a-1")
    (folder / "run.json").write_text("[]")
    with pytest.raises(DgnamError, match=r"run\.json"):
        write(folder)


def test_findings_and_other_tables(make_run, write):
    folder = make_run("fig1-1", task="reproduce", experiment="fig1")
    part = {"value": 5.0, "low": 1.0, "high": 9.0, "n": 20, "bound": "< 3", "verdict": "fails"}
    finding = {"parts": {"conv5": part}, "missing": {}, "floor": {}, "ceiling": {}, "note": "", "verdict": "fails"}
    (folder / "numbers.json").write_text(json.dumps({"findings": {"sec3.1-copying": finding}, "units": 4}))
    (folder / "trials.csv").write_text("trial,score\n" + "".join(f"{k},{k / 4}\n" for k in range(150)))
    _, page = write(folder)
    for text in ("sec3.1-copying", "5 [1, 9]", "fails", "Numbers of numbers.json", "The first 100 of 150 rows"):
        assert text in page.text


def test_many_pictures_take_several_pages(make_run, write, tmp_path, monkeypatch):
    monkeypatch.setattr(tables, "PER_PAGE", 2)
    folder = make_run("a-1", 5)
    _, first = write(folder)
    pages = tmp_path / "atlas/pages/a-1"
    assert sorted(path.name for path in pages.glob("*.html")) == ["index.html", "page-2.html", "page-3.html"]
    assert "Pictures 1 to 2 of 5" in first.text
    assert "page-3.html" in first.all("a", "href")
    names = [Page(pages / name).all("img", "src") for name in ("page-2.html", "page-3.html")]
    assert [[src[-8:] for src in part] for part in names] == [["0002.png", "0003.png"], ["0004.png"]]
    lines = (folder / "summary.csv").read_text().splitlines(keepends=True)
    (folder / "summary.csv").write_text("".join(lines[:4]))
    write(folder)
    assert sorted(path.name for path in pages.glob("*.html")) == ["index.html", "page-2.html"]


def test_pager():
    assert pager(1, 1) == []
    assert pager(2, 3) == [("1", "index.html"), ("2", None), ("3", "page-3.html")]
    assert [label for label, _ in pager(50, 1200)] == ["1", "…", "48", "49", "50", "51", "52", "…", "1,200"]
