"""The tutorial runs from the first cell to the last, and shows what it says."""

from pathlib import Path

import nbformat
import pytest
from nbclient import NotebookClient

from dgnam.api.priors import SMALL_PRIOR

TUTORIAL = Path(__file__).parents[2] / "experiments" / "tutorial.ipynb"


@pytest.fixture(scope="module")
def executed(tmp_path_factory):
    notebook = nbformat.read(TUTORIAL, as_version=4)
    nbformat.validate(notebook)
    folder = str(tmp_path_factory.mktemp("tutorial"))
    NotebookClient(notebook, timeout=300, kernel_name="python3", resources={"metadata": {"path": folder}}).execute()
    return notebook


def outputs(notebook, kind):
    cells = [cell for cell in notebook.cells if cell.cell_type == "code"]
    return [output.data[kind] for cell in cells for output in cell.outputs if kind in output.get("data", {})]


@pytest.mark.exhaustive
def test_it_runs_and_shows_pictures(executed):
    shown = outputs(executed, "image/png")
    assert len(shown) >= 6
    assert len(set(shown)) == len(shown)


@pytest.mark.slow
def test_the_outputs_in_the_file_are_of_these_cells():
    notebook = nbformat.read(TUTORIAL, as_version=4)
    code = [cell for cell in notebook.cells if cell.cell_type == "code"]
    assert [cell.execution_count for cell in code] == list(range(1, len(code) + 1)), "run it anew: make tutorial"
    assert len(outputs(notebook, "image/png")) >= 6
    assert f"caffenet-mini, prior {SMALL_PRIOR};" in outputs(notebook, "text/plain")[0], "run it anew: make tutorial"
