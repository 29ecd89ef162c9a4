"""Run folders and how they are resumed: one mechanism for everything that takes long.

    run = Run.create("runs", "fig1", Record("reproduce", spec, inputs))
    with run.exclusive():
        for name in run.missing(names):
            run.save(name, arrays)

A run is a folder with a record of all that decides its bytes (`run.json`) and chunks of results, each written whole and
entered in `chunks.jsonl` with its checksum.  A stopped or killed run keeps its chunks; resuming it makes those that are
missing or damaged, and the result is bit-identical to an uninterrupted run.
"""

from .environment import environment
from .folder import create_folder, new_folder
from .interrupt import BAD_INPUT, INTERRUPTED, STOPPED, Interrupted, defer_interrupt
from .progress import progress_bar
from .record import Record, read_json
from .run import Run

__all__ = [
    "BAD_INPUT",
    "INTERRUPTED",
    "STOPPED",
    "Interrupted",
    "Record",
    "Run",
    "create_folder",
    "defer_interrupt",
    "environment",
    "new_folder",
    "progress_bar",
    "read_json",
]
