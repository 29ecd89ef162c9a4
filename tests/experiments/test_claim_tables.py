"""The tables of claims: which parts decide, what Holm's correction changes, and a reason for what doesn't hold."""

import json

import numpy as np
import pytest

from dgnam.experiments import EXPERIMENTS
from dgnam.experiments.claim_tables import CLAIM_COLUMNS, claim_table, part_table, section_table
from dgnam.experiments.claims import claims
from dgnam.experiments.finding import recorded
from dgnam.experiments.remarks import remarks
from tests.experiments.test_tables import ROOT

MEETS, MISSES, OPEN = (30, 21, 40), (10, 5, 15), (20, 10, 30)
PREVIOUS, COPYING = (claims()[name].bounds for name in ("sec3.1-previous", "sec3.1-copying"))


def part(values, p=None, n=200, level=0.95, **more):
    value, low, high = values
    given = {"value": value, "low": low, "high": high, "n": n, "level": level, **more}
    return given if p is None else {**given, "p": p}


def keep(root, claim, parts, scale="full", missing=None, precision=None, **more):
    """Record a finding of a claim's experiment, beside those that are recorded."""
    (experiment,) = (one for one in EXPERIMENTS.values() if claim in one.claims)
    path = root / f"experiments/results/{experiment.name}-mini.json"
    path.parent.mkdir(parents=True, exist_ok=True)
    run = {"scale": scale, "seeds": [0], "prior": {"name": experiment.models["mini"].prior}}
    run |= {} if precision is None else {"precision": precision}
    kept = json.loads(path.read_text()) if path.is_file() else {"run": run, "numbers": {"units": 7, "findings": {}}}
    found = {"parts": parts, "missing": missing or {}, "verdict": "as it was", "floor": {}, "ceiling": {}, **more}
    kept["numbers"]["findings"][claim] = found
    path.write_text(json.dumps(kept))


def row(root, claim):
    line = next(line for line in claim_table(root).splitlines() if f"(`{claim}`)" in line)
    return dict(zip(CLAIM_COLUMNS, line.removeprefix("| ").removesuffix(" |").split(" | "), strict=True))


def part_rows(root, claim):
    rows = (line.strip("| ").split(" | ") for line in part_table(root).splitlines() if line.startswith(f"| `{claim}`"))
    return {cells[1]: cells[2:] for cells in rows}


def test_a_claim_holds_by_all_parts(tmp_path):
    keep(tmp_path, "fig1", {"judge-mini": part(MEETS, 0.001), "outside": part((25, 22, 28), 0.004, n=100)})
    cells = row(tmp_path, "fig1")
    assert cells["found"] == "judge-mini: 30 [21, 40], > 20, n = 200<br>outside: 25 [22, 28], > 20, n = 100"
    assert (cells["verdict"], cells["why"]) == ("holds", "")
    assert "numbers and run record" in cells["experiment"]


def test_the_part_that_fails_is_marked(tmp_path):
    keep(tmp_path, "fig1", {"judge-mini": part(MEETS), "outside": part(MISSES)})
    assert (
        row(tmp_path, "fig1")["found"]
        == "of 2 [parts](#parts) 1 holds, 1 fails<br>**outside: 10 [5, 15], > 20, n = 200**"
    )
    found = part_rows(tmp_path, "fig1")
    assert found["judge-mini"][:4] == ["30 [21, 40]", "200", "> 20", "holds"]
    assert found["outside"][3] == "**fails**"


def test_of_many_parts_the_first_deciding_ones_are_shown(tmp_path):
    keep(tmp_path, "sec3.1-previous", {name: part((1, 0.5, 2)) for name in PREVIOUS})
    assert row(tmp_path, "sec3.1-previous")["found"].count("<br>") == 4
    assert "12 hold<br>" in row(tmp_path, "sec3.1-previous")["found"]
    assert len(part_rows(tmp_path, "sec3.1-previous")) == 12


def test_a_missed_control_decides(tmp_path):
    parts = {name: part((20, 15, 25) if name.startswith("copies") else (50, 40, 60)) for name in COPYING}
    keep(tmp_path, "sec3.1-copying", parts)
    cells = row(tmp_path, "sec3.1-copying")
    assert cells["verdict"] == "undecided"
    assert cells["found"].endswith("<br>**controls detected: 50 [40, 60], > 90, n = 200**")
    assert cells["why"].startswith("Not surely detected: the positive control 'controls detected'.")
    assert "controls detected (positive control)" in part_rows(tmp_path, "sec3.1-copying")


def test_units_that_are_all_alike_are_told_of(tmp_path):
    keep(tmp_path, "fig1", {"judge-mini": part((30, 30, 30)), "outside": part(MEETS)})
    assert row(tmp_path, "fig1")["verdict"] == "undecided"
    assert "do not differ, which gives no interval" in part_rows(tmp_path, "fig1")["judge-mini"][3]


def test_holm_corrects_for_all_claims_of_the_section(tmp_path):
    """Five claims in Sec. 3.1; those that were not run count as 1."""
    keep(tmp_path, "fig1", {"judge-mini": part(MEETS, 0.0001), "outside": part(MEETS, 0.004)})
    keep(tmp_path, "sec3.1-previous", {name: part((1, 0.5, 2), 0.03) for name in PREVIOUS})
    assert row(tmp_path, "fig1")["p (Holm)"] == "0.02"
    cells = row(tmp_path, "sec3.1-previous")
    assert (cells["p (Holm)"], cells["verdict"]) == ("0.12: undecided by it", "holds")


def test_claims_without_p_values_and_undecided_ones_show_none(tmp_path):
    keep(tmp_path, "fig1", {"judge-mini": part(MEETS), "outside": part(MEETS)})
    keep(tmp_path, "sec3.1-previous", {name: part((1, -1, 2), 0.5) for name in PREVIOUS})
    assert row(tmp_path, "fig1")["p (Holm)"] == row(tmp_path, "sec3.1-previous")["p (Holm)"] == ""


@pytest.mark.parametrize(
    ("first", "second", "p"),
    [
        ((MEETS, 0.01), (MEETS, 0.04), 0.04),  # both must hold
        ((MISSES, 0.01), (MEETS, 0.001), 0.01),  # 2 parts, the second smallest
        ((MISSES, 0.01), (MISSES, 0.02), 0.02),  # one is enough, of 2
        ((MEETS, 0.01), (OPEN, None), 1.0),
    ],
)
def test_the_p_value_of_a_claim(first, second, p):
    parts = {name: {**part(*of), "p": of[1]} for name, of in (("judge-mini", first), ("outside", second))}
    found = recorded(claims()["fig1"], {"parts": parts, "missing": {}, "verdict": "holds"})
    assert found.p_value == pytest.approx(p)


def test_a_claim_that_fails_is_no_surer_than_its_control():
    parts = {name: part((20, 15, 25), 0.001) for name in COPYING} | {"controls detected": part((99, 95, 100), 0.03)}
    found = recorded(claims()["sec3.1-copying"], {"parts": parts, "missing": {}, "verdict": "fails"})
    assert (found.verdict, found.p_value) == ("fails", 0.03)


def test_findings_come_back_as_they_were():
    effect = {"kind": "odds ratio", "value": None}
    parts = {"outside": part(MEETS, 0.01, effect=effect), "judge-mini": part((30, 25, None), 0.02)}
    found = recorded(claims()["fig1"], {"parts": parts, "missing": {}, "verdict": "holds", "floor": {"pixels": 0.0}})
    assert list(found.parts) == ["judge-mini", "outside"]
    assert found.parts["outside"].effect.value == found.parts["judge-mini"].high == np.inf
    assert found.as_dict()["parts"]["outside"] == {**parts["outside"], "bound": "> 20", "verdict": "holds"}
    assert found.controls.floor == {"pixels": 0.0}


def test_a_run_in_another_precision_says_so(tmp_path):
    parts = {"pairs": part(MEETS), "above the mean of codes": part(MEETS)}
    for precision, more in ((None, ""), ("bfloat16", " Pictures made in bfloat16.")):
        keep(tmp_path / str(precision), "sec3.6-art", parts, precision=precision)
        cells = row(tmp_path / str(precision), "sec3.6-art")
        assert cells["deviation from the paper"] == remarks()["sec3.6-art"].deviation + more


def test_a_small_run_says_so_and_a_full_one_has_a_sentence(tmp_path):
    keep(tmp_path, "sec3.6-art", {"pairs": part((37, 28, 47)), "above the mean of codes": part(MEETS)})
    assert row(tmp_path, "sec3.6-art")["why"] == remarks()["sec3.6-art"].why["fails"]
    keep(tmp_path, "fig1", {"judge-mini": part(MISSES), "outside": part(MEETS)}, scale="small")
    assert row(tmp_path, "fig1")["why"] == "A first look at 7 units, fewer than the claim asks for."
    assert "1 fails (small run)" in section_table(tmp_path)


def test_reasons_stay_in_their_cells(tmp_path):
    keep(tmp_path, "fig1", {"judge-mini": part(MEETS)}, missing={"outside": "of a|b\n no picture"})
    assert "not estimated: of a\\|b no picture" in part_table(tmp_path)


def test_what_was_run_with_the_papers_models(tmp_path):
    (tmp_path / "experiments/results").mkdir(parents=True)
    assert row(tmp_path, "fig1")["the paper's models"] == "blocked"
    (tmp_path / "experiments/results/rehearsal-cpu.json").write_text('{"experiments": {"fig1": {}}}')
    assert row(tmp_path, "fig1")["the paper's models"] == "rehearsed"
    assert row(tmp_path, "sec3.5-modified")["the paper's models"] == "not published"


def missing_controls(claim, found):
    """The controls that a claim names and a finding doesn't have."""
    named = " ".join([*found["floor"], *found["ceiling"]])
    return [one for one in claims()[claim].controls if one.removesuffix(" of each generator") not in named]


@pytest.mark.parametrize("experiment", EXPERIMENTS)
def test_recorded_findings_have_their_controls(experiment):
    path = ROOT / f"experiments/results/{experiment}-mini.json"
    for claim, found in (json.loads(path.read_text())["numbers"]["findings"] if path.is_file() else {}).items():
        missing = missing_controls(claim, found)
        if not (found["floor"] or found["ceiling"] or remarks()[claim].no_controls):
            missing.append("floor or ceiling")
        assert missing == [], f"{claim}: run and record {experiment} again"


def test_every_claim_has_remarks():
    assert list(remarks()) == list(claims())
    sentences = [text for one in remarks().values() for text in (one.deviation, one.no_controls, *one.why.values())]
    assert all(text == "" or text.endswith(".") for text in sentences)
    assert all(one.deviation for one in remarks().values())


@pytest.mark.parametrize("claim", claims())
def test_a_recorded_claim_that_fails_or_is_undecided_has_a_reason(claim):
    cells = row(ROOT, claim)
    assert cells["why"].endswith(".") or cells["verdict"].startswith(("holds", "not run")), f"remarks.toml: {claim}"
