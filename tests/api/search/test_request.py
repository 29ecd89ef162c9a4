import pytest

from dgnam.am.tuning.trials import JOURNAL
from dgnam.api.search.request import REQUEST
from dgnam.errors import DgnamError, FormatError
from tests.api.search.searching import call


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda text: "{", "not JSON"),
        (lambda text: "[]", "no record, but a list"),
        (lambda text: text.replace('"seed": 0', '"seed": "0"'), "'seed' is missing or no int"),
        (lambda text: text.replace('"shrink"', '"shrunk"'), "'space' must have"),
        (
            lambda text: text.replace('"seed": 0', '"seed": 1'),
            "holds a search with seed 0, not 1|with seed 0|start_seed",
        ),
    ],
)
def test_a_damaged_or_changed_record(whole, tmp_path, change, message):
    folder = tmp_path / "run"
    folder.mkdir()
    for name in (REQUEST, JOURNAL):
        (folder / name).write_bytes((whole[0] / name).read_bytes())
    path = folder / REQUEST
    path.write_text(change(path.read_text()))
    with pytest.raises((DgnamError, FormatError), match=message):
        call("--resume", str(folder), "--quiet")
