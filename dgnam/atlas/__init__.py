"""Static pages from run folders: an index, and of each run its settings, figures, pictures and tables.

    from dgnam.atlas import build
    build(["runs"], "atlas")      # atlas/index.html

Whatever a page shows of a run comes from files, which may be anybody's: all of it is escaped, and only files of known
kinds inside the run's folder are linked or copied.
"""

from .site import Built, build

__all__ = ["Built", "build"]
