"""What tests of figures share."""

import pytest


@pytest.fixture
def drawn(monkeypatch):
    """The figures that are made, to look into."""
    figures = pytest.importorskip("matplotlib.figure")
    made = []
    real = figures.Figure

    def keep(*args, **options):
        made.append(real(*args, **options))
        return made[-1]

    monkeypatch.setattr(figures, "Figure", keep)
    return made
