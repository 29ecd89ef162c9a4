"""README's table of hardware and time is what `dgnam bench` wrote."""

import json
import shutil
from pathlib import Path

import pytest

from dgnam.bench.table import Bench, Row
from dgnam.errors import DgnamError
from dgnam.experiments import hardware, tables

ROOT = Path(__file__).parents[2]


def measured(**changes):
    bench = Bench("cpu", "A CPU, 2 threads", finished=True)  # as `runs.machine.name_of` says it
    for target, seconds in (("caffenet-mini", 0.03456), ("caffenet", 0.2)):
        for precision, batch, share in (("float32", 1, 1.0), ("float32", 16, 0.25), ("bfloat16", 16, 0.125)):
            bench.rows.append(Row(target, False, precision, batch, share * seconds, None, None))
    return json.loads(json.dumps(bench.as_dict())) | {"threads": 2} | changes


@pytest.fixture
def checkout(tmp_path):
    """The pages and what their tables are made from."""
    for page in tables.PAGES:
        (tmp_path / page).parent.mkdir(exist_ok=True)
        shutil.copy(ROOT / page, tmp_path / page)
    shutil.copytree(ROOT / "experiments" / "results", tmp_path / "experiments" / "results")
    for card in (ROOT / "models").glob("*/card.json"):
        (tmp_path / "models" / card.parent.name).mkdir()
        shutil.copy(card, tmp_path / "models" / card.parent.name)
    (tmp_path / "experiments" / "results" / hardware.RECORDED).unlink(missing_ok=True)
    return tmp_path


def write(path, content):
    path.write_text(json.dumps(content))
    return path


def test_the_table_is_that_of_the_numbers(checkout, tmp_path):
    kept, *pages = tables.record(write(tmp_path / "bench.json", measured()), checkout)
    assert kept == checkout / "experiments" / "results" / hardware.RECORDED
    assert pages == [checkout / page for page in tables.PAGES]
    shown = (checkout / "README.md").read_text().partition("<!-- hardware -->\n")[2].partition("<!-- /hardware")[0]
    assert shown == (
        "A CPU, 2 threads, 200 steps:\n\n"
        "| models | one image alone | each of 16 | of 16, `--precision bfloat16` |\n"
        "| --- | ---: | ---: | ---: |\n"
        "| small (64 px) | 6.9 s | 1.7 s | 0.86 s |\n"
        "| CaffeNet, 256 px generator | 40 s | 10 s | 5 s |\n"
    )


def test_a_stale_table_is_seen(checkout, tmp_path):
    text = (checkout / "README.md").read_text()
    assert tables.with_tables(text, checkout) == text  # nothing is recorded, so it stays
    hardware.record(write(tmp_path / "bench.json", measured()), checkout)
    assert tables.with_tables(text, checkout) != text


def test_a_machine_without_bfloat16_has_no_column_for_it():
    found = measured()
    found["rows"] = [row for row in found["rows"] if row["precision"] == "float32"]
    assert "bfloat16" not in hardware.table(found)
    assert "| small (64 px) | 6.9 s | 1.7 s |" in hardware.table(found)


@pytest.mark.parametrize(
    ("content", "reason"),
    [
        (measured(finished=False), "was stopped before its end; run `dgnam bench --output FILE`"),
        (measured(rows=measured()["rows"][:3]), "lacks caffenet one image alone, caffenet each of 16; run"),
        (measured(device="cuda"), "was measured on cuda, and README's table is of a CPU"),
        (measured(rows=[{"target": 3}]), "is not what `dgnam bench --output` writes"),
        ({}, "is not what `dgnam bench --output` writes"),
        ([], "is not what `dgnam bench --output` writes"),
    ],
)
def test_what_is_no_whole_bench_is_refused(content, reason, checkout, tmp_path):
    with pytest.raises(DgnamError, match=reason):
        tables.record(write(tmp_path / "bench.json", content), checkout)
    assert not (checkout / "experiments" / "results" / hardware.RECORDED).exists()
