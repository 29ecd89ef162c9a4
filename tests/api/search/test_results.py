import csv
import json

from PIL import Image

from dgnam.am.tuning.trials import read_trials
from dgnam.api.search.request import REQUEST
from dgnam.api.search.results import RESULT, SHEET, TABLE, candidate
from dgnam.figures import contact_sheet
from tests.api.search.searching import QUICK, call


def test_a_search_leaves_its_results_in_a_folder(whole):
    folder, output = whole
    found = json.loads((folder / RESULT).read_text())
    assert found["tuning"] == ["fc8:0", "fc8:2"]
    assert found["held_out"] == ["fc8:5", "fc8:6"]
    rows = {row["name"]: row for row in found["rows"]}
    assert list(rows) == ["best", "released", "paper"]
    with open(folder / TABLE, newline="") as file:
        table = list(csv.DictReader(file))
    assert [row["trial"] for row in table] == list("0123")
    best = max(table, key=lambda row: float(row["score"]))
    assert int(best["trial"]) == found["best_trial"]
    assert float(best["score"]) == rows["best"]["tuning"]["score"]
    assert int(best["n_iters"]) == rows["best"]["settings"]["n_iters"] <= 3
    with Image.open(folder / SHEET) as sheet:
        assert sheet.width > 4 * 56
    assert f"{rows['best']['held_out']['score']:.3f}" in output
    assert "mean probability of the unit's class by judge-mini" in output
    record = json.loads((folder / REQUEST).read_text())
    assert "optuna" in record["versions"]
    assert len(record["files"]["judge-mini/weights.h5"]) == 64


def test_a_contact_sheet_can_be_drawn_from_the_folder_alone(whole):
    found = [candidate(trial) for trial in read_trials(whole[0])]
    sheet = contact_sheet(found, k=1)
    best = max(found, key=lambda one: one.score)
    assert best.pictures.shape == (2, 56, 56, 3)
    assert (sheet[36 : 36 + 56, 8 : 8 + 56] == best.pictures[0]).all()
    assert best.lines[1].endswith("steps")


def test_a_range_of_the_papers_l2_takes_the_place_of_shrink(tmp_path):
    call(*QUICK, "--trials", "1", "--norm-penalty", "0.001,0.1,log", "--score", "rank", "--output", str(tmp_path))
    folder = tmp_path / "search-caffenet-mini-1"
    header = (folder / TABLE).read_text().splitlines()[0]
    assert header == "trial,score,activation,n_iters,start_lr,norm_penalty"
    assert "1 / rank" in json.loads((folder / RESULT).read_text())["score"]
