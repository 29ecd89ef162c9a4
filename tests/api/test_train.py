"""What `train` refuses before it begins."""

import pytest

from dgnam.api.train import train
from dgnam.errors import DgnamError


@pytest.mark.parametrize("minutes", [float("nan"), -1.0])
def test_minutes_that_are_none_are_refused(minutes, tmp_path):
    with pytest.raises(DgnamError, match="give a number of minutes, 0 or more"):
        train("caffenet-mini", folder=tmp_path / "run", time_limit=minutes)
    assert list(tmp_path.iterdir()) == []
