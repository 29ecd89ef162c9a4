"""Text under pictures."""

import pytest

from dgnam.figures.caption import activation_caption, fit, load_font, wrap


@pytest.mark.parametrize(
    ("activation", "text"),
    [(34.07, "34.1"), (-2.25, "-2.2"), (0.02134, "0.021"), (1234.5, "1234.5"), (float("nan"), "nan")],
)
def test_a_steps_caption(activation, text):
    assert activation_caption(12, activation) == f"step 12  activation {text}"


def test_lines_are_broken_only_where_they_may_be():
    font = load_font(12)
    assert wrap("ab cd  ef\ngh", 1000, font) == ["ab cd  ef", "gh"]
    assert wrap("ab cd  ef  gh", font.getlength("ef  gh"), font) == ["ab cd", "ef  gh"]
    assert wrap("", 10, font) == [""]


def test_a_line_is_cut_with_an_ellipsis():
    font = load_font(12)
    assert fit("short", 1000, font) == "short"
    cut = fit("a long line of text", 60, font)
    assert cut.endswith("…")
    assert font.getlength(cut) <= 60
    longer = "a long line of text"[: len(cut)] + "…"
    assert font.getlength(longer) > 60
    assert fit("wide", 3, font) == "…"


def test_a_long_text_is_cut_in_a_few_steps(monkeypatch):
    asked = []
    font = load_font(12)
    monkeypatch.setattr(type(font), "getlength", lambda self, text: asked.append(text) or float(len(text)))
    assert fit("x" * 10_000, 7, font) == "xxxxxx…"
    assert len(asked) < 20
