"""The example that README gives works as it stands."""

import re
from pathlib import Path

from PIL import Image

README = Path(__file__).parents[1] / "README.md"


def test_the_python_example(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    example = re.findall(r"```python\n(.*?)```", README.read_text(encoding="utf-8"), re.DOTALL)[0]
    names: dict = {}
    exec(compile(example, str(README), "exec"), names)
    with Image.open(tmp_path / "goldfish.png") as picture:
        assert picture.size == (56, 56)
    assert names["found"].codes.shape == (8, 384)
    assert (names["found"].last_activations > names["found"].activations[:, 0]).all()
