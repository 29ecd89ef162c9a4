"""How the process computes: its threads and its memory, chosen when dgnam is imported, before torch is."""

from .allocator import keep_freed_memory
from .threads import choose_threads

__all__ = ["choose_threads", "keep_freed_memory"]
