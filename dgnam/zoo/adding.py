"""Take files of a published model that somebody got by hand: weights, an act_range, or the archive of either."""

from __future__ import annotations

import shutil
import tempfile
import zipfile
from collections.abc import Sequence
from contextlib import ExitStack
from pathlib import Path

from ..caffe.proto import StateDict, read_weights
from ..caffe.proto.state_dict import SUFFIXES
from ..errors import DgnamError
from ..files.checksums import sha256
from ..files.paths import HDF5_MAGIC, StrPath, existing_file, file_head, make_folder, replacing
from .checksums import first_checksum, keep_checksum, verify
from .comparing import check_same, check_weights
from .download import PublishedFile, unpack_member
from .registry import ModelEntry, get

_ARCHIVES = (".zip", ".tar", ".gz", ".tgz", ".bz2")
_BOUNDS = (".txt",)
_PICTURES = (".jpg", ".jpeg", ".png")


def add(files: Sequence[StrPath], name: str) -> list[Path]:
    """Put files into the places of the published model `name`; returns the places.

    All of them are checked before the first is copied, and each is copied whole or not at all.  A file that is there
    already and differs is not replaced.
    """
    entry = get(name)
    if entry.kind != "published":
        raise DgnamError(f"model '{name}' is one of our own, whose files come with the package")
    if not files:
        raise DgnamError(f"give the files to add as '{name}'")
    with ExitStack() as stack:
        found: dict[Path, tuple[Path, PublishedFile]] = {}
        for given in files:
            file = existing_file(given)
            for source, published in _checked(entry, file, stack):
                target = entry.place(published)
                if target in found and sha256(found[target][0]) != sha256(source):
                    raise DgnamError(f"{file} and {found[target][0]} are both for {target}: give one of them")
                found[target] = source, published
        for target, (source, published) in found.items():
            _check_free(source, target, published)
        for target, (source, published) in found.items():
            _copy(source, target, published)
    return list(found)


def _checked(entry: ModelEntry, file: Path, stack: ExitStack) -> list[tuple[Path, PublishedFile]]:
    """What a file brings, each with what is published of it; a DgnamError for a file that the model has no use for."""
    if file.suffix.lower() in _BOUNDS:
        return [(file, _bounds(entry, file))]
    if file.suffix.lower() in _PICTURES:
        return [(file, _picture(entry, file))]
    if _is_archive(file):
        return _unpacked(entry, file, stack)
    return [(file, _weights(entry, file))]


def _is_archive(file: Path) -> bool:
    """Whether it is an archive, and not torch's weights, which are a zip too."""
    if file.suffix.lower() in _ARCHIVES:
        return True
    if not zipfile.is_zipfile(file):
        return False
    with zipfile.ZipFile(file) as zipped:
        return not any(name.endswith("/data.pkl") for name in zipped.namelist())


def _bounds(entry: ModelEntry, file: Path) -> PublishedFile:
    published = None if entry.generator is None else entry.generator.act_range_file
    if published is None:
        raise DgnamError(f"{file}: a text file is an act_range, and model '{entry.name}' has none")
    entry.read_bounds(file)
    verify(file, published.checksum)
    return published


def _picture(entry: ModelEntry, file: Path) -> PublishedFile:
    if entry.known_pass is None:
        raise DgnamError(f"{file}: is a picture, and model '{entry.name}' has no published numbers for one")
    verify(file, entry.known_pass.picture.checksum)
    return entry.known_pass.picture


def _weights(entry: ModelEntry, file: Path) -> PublishedFile:
    """What is published of a file of weights, by its format, once it is known to fit the model."""
    published = _slot(entry, file)
    verify(file, published.checksum)
    check_weights(entry, file, published.layers)
    if published.layers is None:
        for other in entry.weights_files:
            place = entry.place(other)
            if other.layers is None and place.is_file() and sha256(place) != sha256(file):
                check_same(file, place)
    return published


def _slot(entry: ModelEntry, file: Path) -> PublishedFile:
    """Which of the model's files it is: one of its format, and of its name if there are several."""
    weights = read_weights(file)
    if isinstance(weights, StateDict):
        fitting = [one for one in entry.weights_files if Path(one.file).suffix in SUFFIXES]
        renamed = [one for one in fitting if one.layers is not None and set(weights) <= set(one.layers)]
        fitting = renamed if renamed else [one for one in fitting if one.layers is None]
    else:
        hdf5 = file_head(file).startswith(HDF5_MAGIC)
        fitting = [one for one in entry.weights_files if Path(one.file).suffix == (".h5" if hdf5 else ".caffemodel")]
    if not fitting:
        known = ", ".join(dict.fromkeys(one.file for one in entry.weights_files))
        raise DgnamError(f"{file}: weights of '{entry.name}' are published as {known}, and not in this file's format")
    return next((one for one in fitting if one.file == file.name), fitting[0])


def _unpacked(entry: ModelEntry, file: Path, stack: ExitStack) -> list[tuple[Path, PublishedFile]]:
    """The model's files within an archive."""
    folder = Path(stack.enter_context(tempfile.TemporaryDirectory(dir=_room(entry))))
    reasons = []
    for number, published in enumerate(entry.weights_files):
        if published.member is not None:
            path = folder / str(number) / published.file
            try:
                unpack_member(file, published.member, path)
            except DgnamError as error:
                reasons.append(str(error))
                continue
            verify(path, published.checksum)
            check_weights(entry, path)
            return [(path, published)]
    if not reasons:
        raise DgnamError(f"{file}: is an archive, and no file of '{entry.name}' comes in one")
    raise DgnamError("; ".join(reasons))


def _room(entry: ModelEntry) -> Path:
    """A folder with room for the model's files: where they will lie."""
    return make_folder(entry.place(entry.weights).parent)


def _check_free(source: Path, target: Path, published: PublishedFile) -> None:
    """Raise DgnamError if another file is in the place, or was when it was first downloaded."""
    if target.is_file() and sha256(target) != sha256(source):
        raise DgnamError(f"{target} is there already, and differs from {source}: remove it first")
    kept = None if published.checksum is not None else first_checksum(target)
    if kept is not None and kept != f"sha256:{sha256(source)}":
        raise DgnamError(
            f"{source} is not the file that was first at {target}: its checksum is not that in {target}.sha256; remove "
            "that to accept it"
        )


def _copy(source: Path, target: Path, published: PublishedFile) -> None:
    if not target.is_file():
        make_folder(target.parent)
        with replacing(target) as part:
            shutil.copyfile(source, part)
    keep_checksum(target, published.checksum)
