"""Starts from files of codes."""

import h5py
import numpy as np
import pytest

from dgnam.am import CodeFileStart
from dgnam.errors import DgnamError, FormatError
from dgnam.files.checksums import sha256

CODES = np.arange(3 * 4.0).reshape(3, 2, 2)


def write(path, values):
    if path.suffix == ".npy":
        np.save(path, values)
    else:
        with h5py.File(path, "w") as file:
            file["codes"] = values
    return path


@pytest.mark.parametrize("name", ["codes.npy", "codes.h5", "codes.dat"])
def test_seeds_take_the_codes_in_turn(tmp_path, name):
    start = CodeFileStart(write(tmp_path / name, CODES))
    codes = start.codes([0, 5, 3], (2, 2))
    assert codes.dtype == np.float32
    assert np.array_equal(codes, CODES[[0, 2, 0]])
    assert start.as_dict() == {"start": "file", "file": str(tmp_path / name), "sha256": sha256(tmp_path / name)}


@pytest.mark.parametrize("name", ["code.npy", "code.h5"])
def test_one_code_is_for_all_seeds(tmp_path, name):
    start = CodeFileStart(write(tmp_path / name, CODES[1]))
    assert np.array_equal(start.codes([7, 8], (2, 2)), CODES[[1, 1]])


def test_file_is_read_once(tmp_path):
    start = CodeFileStart(write(tmp_path / "codes.npy", CODES))
    write(tmp_path / "codes.npy", CODES + 1)
    assert np.array_equal(start.codes([0], (2, 2)), CODES[:1])


def test_codes_of_another_shape(tmp_path):
    start = CodeFileStart(write(tmp_path / "codes.npy", CODES))
    with pytest.raises(DgnamError, match=r"array \(3, 2, 2\); the prior takes one code \(4,\), or several \(k, 4\)"):
        start.codes([0], (4,))


@pytest.mark.parametrize("name", ["bad.npy", "bad.h5"])
@pytest.mark.parametrize(
    ("values", "message"),
    [
        (np.array([[1, np.nan, np.inf]]), "2 of its 3 numbers are not finite"),
        (np.array([1e300, 1]), "1 of its 2 numbers are not finite"),
        (np.zeros((0, 4)), r"holds an array \(0, 4\), and no code"),
        (np.array(3.0), r"holds an array \(\), and no code"),
    ],
)
def test_arrays_without_finite_codes_raise(tmp_path, name, values, message):
    with pytest.raises(FormatError, match=f"{name}: {message}"):
        CodeFileStart(write(tmp_path / name, values))


def test_files_that_hold_no_array_of_numbers(tmp_path):
    (tmp_path / "text.npy").write_text("1 2 3")
    np.save(tmp_path / "words.npy", np.array(["1", "2"]))
    np.save(tmp_path / "complex.npy", CODES + 1j)
    with h5py.File(tmp_path / "other.h5", "w") as file:
        file["images"] = CODES
    (tmp_path / "cut.npy").write_bytes(write(tmp_path / "codes.npy", CODES).read_bytes()[:-8])
    for name, message in (
        ("text.npy", "codes are read from a .npy file, or"),
        ("words.npy", "not a readable array of numbers"),
        ("complex.npy", "its type is complex128"),
        ("other.h5", r"has no dataset 'codes'; it has \['images'\]"),
        ("cut.npy", "not a readable array of numbers"),
    ):
        with pytest.raises(FormatError, match=f"{name}: .*{message}"):
            CodeFileStart(tmp_path / name)
    with pytest.raises(DgnamError, match=r"absent.npy: no such file"):
        CodeFileStart(tmp_path / "absent.npy")


def test_a_start_is_its_file_and_what_that_held(tmp_path):
    np.save(tmp_path / "a.npy", np.ones(3))
    one, other = (CodeFileStart(tmp_path / "a.npy") for _ in range(2))
    assert one == other
    assert hash(one) == hash(other)
    assert "values" not in repr(one)
    assert one.checksum == sha256(tmp_path / "a.npy")
    with pytest.raises(ValueError, match="read-only"):
        one.values[0] = 2
    np.save(tmp_path / "a.npy", np.zeros(3))
    assert CodeFileStart(tmp_path / "a.npy") != one
