"""The command line, `dgnam`: a module a command, loaded when the command is given."""

from .app import main

__all__ = ["main"]
