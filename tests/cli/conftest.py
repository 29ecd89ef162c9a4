"""The tiny nets on disk that commands are tried on; `nets` and `data_folder`, for training, are tests/conftest.py's."""

from tests.api.conftest import options, tiny_nets, upper

__all__ = ["options", "tiny_nets", "upper"]
