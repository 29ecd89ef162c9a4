"""What runs leave on disk, and how they go on: one mechanism for all that takes long.

    run = Run.create("runs", "fig1", Record("reproduce", spec, inputs))
    with run.exclusive():
        for name in run.missing(names):
            run.save(name, arrays)

A run is a folder with a record of all that decides its bytes (`run.json`) and chunks of results, each written whole and
entered in `chunks.jsonl` with its checksum.  A run that was stopped or killed keeps its chunks; going on makes those
that are missing or damaged, and the files come out the same to the byte.
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
