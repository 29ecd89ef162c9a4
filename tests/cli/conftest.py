"""The nets, and the small search, that commands are tried on."""

from tests.api.conftest import nets, options, upper
from tests.api.search.conftest import few_steps, whole

__all__ = ["few_steps", "nets", "options", "upper", "whole"]
