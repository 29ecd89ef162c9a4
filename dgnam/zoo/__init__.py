"""The networks that dgnam knows: where their files lie, how they are fetched, and what they take."""

from .registry import MissingWeightsError, ModelEntry, get, home, list_models, load

__all__ = ["MissingWeightsError", "ModelEntry", "get", "home", "list_models", "load"]
