"""The chunks that were given up, in an error."""

import pytest

from dgnam.errors import ChunksFailedError
from dgnam.runs import Record, Run
from dgnam.runs.executor import ChunkLosses, Failed


def test_lost_chunks_are_listed_up_to_five(tmp_path):
    losses = ChunkLosses(Run.create_at(tmp_path / "run", Record("visualize", {}, {})))
    assert bool(losses) is False
    losses.complain()
    for number in range(6):
        losses.add(Failed(str(number), f"why {number}"))
        assert bool(losses) is True
        with pytest.raises(ChunksFailedError) as caught:
            losses.complain()
        count = "a chunk" if number == 0 else f"{number + 1} chunks"
        listed = "; ".join(f"chunk {place}: why {place}" for place in range(min(5, number + 1)))
        assert str(caught.value).startswith(f"{count} of {tmp_path}/run failed, and the others are made; ")
        assert str(caught.value).endswith(f"{listed}{'; … (6 in all)' if number == 5 else ''}")
    assert caught.value.reasons == {str(number): f"why {number}" for number in range(6)}
