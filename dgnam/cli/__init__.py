"""The command line, `dgnam`."""

from .app import main

__all__ = ["main"]
