"""The commands under `dgnam data`."""

from __future__ import annotations

import os
import re
from pathlib import Path
from typing import Annotated

import typer

from ..caffe.databases.lmdb_file import DATA_FILE
from ..data.catalog import PUBLIC_SETS, PublicSet
from ..data.named_set import data_folder
from ..data.picture import LARGEST_FILE
from ..errors import DgnamError
from ..files.archives import Zip
from . import options as o

app = typer.Typer(help="List and shrink image sets.", no_args_is_help=True, rich_markup_mode=None)

SPLITS = ("train", "val", "test")
"""The listings that are looked for in a zip or a folder that holds all splits, and in the names of databases."""

_PART = re.compile(r"(?P<split>\w+)(?:-\d+)?")

UNKNOWN, MISSING, DAMAGED = "?", "missing", "damaged"


@app.command("list")
def list_sets(
    data: Annotated[Path | None, typer.Option(help="The folder of the image sets; $DGNAM_DATA if left out.")] = None,
) -> None:
    """List all image sets: name, splits found, content, source, terms and the form needed."""
    folder = None if data is None and "DGNAM_DATA" not in os.environ else data_folder(data)
    for known in PUBLIC_SETS:
        print("\n".join(_lines(known, folder)))
    print("==> searched in: " + (str(folder) if folder is not None else "nowhere; give --data, or set $DGNAM_DATA"))


@app.command("shrink")
def shrink(
    listings: Annotated[list[Path], typer.Argument(help="Caffe listings (`path label`), such as train.txt val.txt.")],
    out: Annotated[Path, typer.Option(help="The zip to write.")],
    root: Annotated[
        Path | None, typer.Option(help="The folder that the paths begin in; default: each listing's.")
    ] = None,
    side: Annotated[int, typer.Option(help="Of the squares, in pixels.")] = 64,
    classes: Annotated[Path | None, typer.Option(help="A file of lines `id name`, kept as classes.txt.")] = None,
    skip_missing: Annotated[
        bool, typer.Option("--skip-missing", help="Leave out the lines whose files are not there.")
    ] = False,
    quiet: o.Quiet = False,
) -> None:
    """Bring an image set to small squares, in one zip, so that no training resizes its pictures in every epoch."""
    from ..data.shrink import shrink_set
    from ..runs import progress_bar

    options = {"root": root, "side": side, "classes": classes, "skip_missing": skip_missing}
    with progress_bar(unit="picture", show=not quiet) as bar:
        counts = shrink_set(listings, out, **options, each=bar.update)  # type: ignore[arg-type]
    for name, count in counts.items():
        print(f"{name}: {count} pictures of {side} px")
    print(f"==> made: {out}")


def _lines(known: PublicSet, folder: Path | None) -> list[str]:
    sums = [f"    {file}: {checksum}" for file, checksum in known.checksums]
    return [
        f"{known.name:16} {_state(known, folder):14} {known.title}",
        f"    from {known.url}" if known.url is not None else "    not published as a whole",
        *sums,
        f"    terms: {known.terms}",
        f"    needed here: {known.form}",
    ]


def _state(known: PublicSet, folder: Path | None) -> str:
    if folder is None:
        return UNKNOWN
    try:
        found = splits(known.name, folder)
    except DgnamError:
        return DAMAGED
    return ",".join(found) if found else MISSING


def splits(base: str, folder: Path) -> list[str]:
    """The splits of the set `base` that are in the data folder: zips, a zip or folder of all, and databases.

    Only names, listings in zips and what marks a database are looked at.  A zip whose name isn't `BASE-SPLIT.zip` or
    `BASE-SPLIT-NUMBER.zip` is passed over.  Raises DgnamError where a zip can't be read.
    """
    parts: dict[str, list[Path]] = {}
    for path in sorted(folder.glob(f"{base}-*.zip")):
        named = _PART.fullmatch(path.stem.removeprefix(f"{base}-"))
        if named is not None:
            parts.setdefault(named["split"], []).append(path)
    found = [split for split, zips in parts.items() if all(_has(path, f"{split}.txt") for path in zips)]
    for split in SPLITS:
        listed = any(_has(whole, f"{split}.txt") for whole in (folder / f"{base}.zip", folder / base))
        names = (f"{base}{between}{split}_{kind}" for between in "_/" for kind in ("lmdb", "leveldb"))
        if listed or any(_is_database(folder / name) for name in names):
            found.append(split)
    return list(dict.fromkeys(found))


def _is_database(path: Path) -> bool:
    return any((path / mark).is_file() for mark in (DATA_FILE, "CURRENT"))


def _has(whole: Path, listing: str) -> bool:
    """Whether a zip or a folder, if there is one, has a listing."""
    if whole.is_dir():
        return (whole / listing).is_file()
    return whole.is_file() and listing in Zip(whole, LARGEST_FILE)
