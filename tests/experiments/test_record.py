"""The tables on the pages are those that the results and cards give."""

from pathlib import Path

import pytest

from dgnam.caffe.errors import CaffeError
from dgnam.experiments import record

ROOT = Path(__file__).parents[2]


@pytest.mark.parametrize("page", record.PAGES)
def test_the_pages_tables_are_up_to_date(page):
    text = (ROOT / page).read_text(encoding="utf-8")
    assert record.with_tables(text, ROOT) == text
    assert "<!-- figure 1 -->" in text


def test_a_stale_table_is_replaced_and_the_rest_stays():
    text = "before\n<!-- figure 1 -->\nold\n<!-- /figure 1 -->\nafter\n"
    new = record.with_tables(text, ROOT)
    assert new.startswith("before\n<!-- figure 1 -->\n| all 200 units")
    assert new.endswith("<!-- /figure 1 -->\nafter\n")
    assert "old" not in new


def test_what_is_no_run_is_an_error(tmp_path):
    with pytest.raises(CaffeError, match="is no finished run of figure 1"):
        record.record(tmp_path, tmp_path)
