"""Figures: pictures laid out and labelled."""

from .grid import labelled_grid

__all__ = ["labelled_grid"]
