"""`dgnam show` says how to go on with each kind of run, or how to repeat it."""

from importlib import import_module

import pytest

from dgnam.cli.resume import TASKS
from dgnam.cli.show import show
from dgnam.runs import Record, Run
from dgnam.runs.next_step import function_of


def shown(run, capsys):
    show(run.path)
    return capsys.readouterr().out.splitlines()[-1]


@pytest.mark.parametrize(
    ("task", "spec", "said"),
    [
        ("visualize", {"target": "caffenet-mini"}, "==> resume it: dgnam resume {path}"),
        (
            "tune",
            {"target": "mine:net", "score": "mine:score of mine", "trials": 3},
            "==> resume it: dgnam resume {path} --score 'mine:score of mine' --target mine:net",
        ),
        ("train", {"model": "caffenet-mini", "replace": True}, "==> resume it: dgnam resume {path} --replace"),
        ("search", {}, "==> go on: dgnam evolve ask {path}, and dgnam evolve tell {path}"),
        (
            "evolve",
            {"target": {"object": "Net"}},
            "==> resume it in Python, with folder='{path}' and resume=True: dgnam.evolve(target={{'object': 'Net'}})",
        ),
    ],
)
def test_an_unfinished_run(tmp_path, capsys, task, spec, said):
    run = Run.create_at(tmp_path / "x", Record(task, spec, {}))
    assert shown(run, capsys) == said.format(path=run.path)


def test_a_step_of_an_experiment_names_the_experiment(tmp_path, capsys):
    outer = Run.create_at(tmp_path / "fig1", Record("reproduce", {"experiment": "fig1"}, {}))
    step = Run.create_at(outer.path / "pixels", Record("visualize", {}, {}))
    assert shown(step, capsys) == f"==> it is a step of another run: dgnam show {outer.path}"


def test_a_finished_run_is_repeated_by_the_same_call(tmp_path, capsys):
    run = Run.create_at(tmp_path / "x", Record("visualize", {"target": "caffenet-mini", "seeds": 2, "clip": None}, {}))
    with run.exclusive():
        pass
    show(run.path)
    assert capsys.readouterr().out.splitlines()[-2:] == [
        "==> repeat it in Python: dgnam.visualize(seeds=2, target='caffenet-mini')",
        f"==> make a picture again, with a movie: dgnam again {run.path} --job 0",
    ]


@pytest.mark.parametrize("task", TASKS)
def test_the_function_of_each_task_is_where_it_is_said_to_be(task):
    module, _, name = function_of(task).rpartition(".")
    assert callable(getattr(import_module(module), name))
