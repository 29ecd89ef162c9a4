"""Figures: pictures laid out and labeled, one after the other, and numbers as curves."""

from .animation import save_animation
from .caption import activation_caption
from .contact_sheet import Candidate, contact_sheet
from .estimates import draw_estimates, draw_pairs
from .grid import labeled_grid
from .tiles import padded, tile
from .traces import draw_traces, save_traces

__all__ = [
    "Candidate",
    "activation_caption",
    "contact_sheet",
    "draw_estimates",
    "draw_pairs",
    "draw_traces",
    "labeled_grid",
    "padded",
    "save_animation",
    "save_traces",
    "tile",
]
