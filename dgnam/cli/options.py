"""The options of several commands, declared once; they mean what the arguments of `dgnam.api` of that name do."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

OWN = "own"

USUAL_STEP = (
    "default: 8 as published (GoogLeNet 2, from an image 1); for our small generators times the mean of their "
    "act_range over 12"
)

Target = Annotated[
    str,
    typer.Argument(
        help="A model of `dgnam models list`, package.module:name of a Target in Python, or several of these, "
        "comma-separated; or your own deploy prototxt, with --weights."
    ),
]
Objective = Annotated[
    str,
    typer.Argument(
        help="What to maximize: fc8:945, fc8:lemon, fc8:0-9, conv5:55@6,6 (one position), conv5:55@all (a whole "
        "channel), blocks.3:5@0 (one token), 'fc8:3 + 0.5*fc8:7'; several: fc8:3,conv5:7. `dgnam layers "
        "TARGET` lists the layers."
    ),
]
Units = Annotated[
    str,
    typer.Argument(
        help="The units: fc8:945, fc8:lemon, conv5:55 (a channel where it is most active), conv5:0-9, 'conv5:*', "
        "conv5:55@6,6 (one position), conv5:55@all (a channel's mean). `dgnam layers TARGET` lists the layers."
    ),
]
Images = Annotated[
    str | None,
    typer.Option(
        help="A folder of pictures, a listing with one 'path label' per line, a zip, an LMDB of Datums, or an image "
        "set such as tinyimagenet64-val. Default: those that a model of the zoo was "
        "measured on, where they are known."
    ),
]
Root = Annotated[
    Path | None, typer.Option(help="The folder that a listing's paths are relative to; default: the listing's own.")
]
Listing = Annotated[str | None, typer.Option(help="The listing in a zip that has several, such as val.txt.")]
ResizeHow = Annotated[
    str, typer.Option("--resize", help="How pictures are resized before the crop: stretch, cover or none.")
]
ResizeTo = Annotated[
    str | None,
    typer.Option("--size", help="The size before the crop, as 256 or 240x320 (height x width); default: the model's."),
]
Limit = Annotated[int | None, typer.Option(min=1, help="Take only the first LIMIT pictures.")]
SkipBroken = Annotated[bool, typer.Option("--skip-broken", help="Skip unreadable pictures.")]
PictureBatch = Annotated[int, typer.Option("--batch-size", min=1, help="Pictures per forward pass.")]
Prior = Annotated[
    str | None,
    typer.Option(
        help="A generator of `dgnam models list`, the path of a generator's prototxt, or a pixel prior: pixels, "
        "simonyan2014, yosinski2015, … Default: the fc6 generator of the target's size."
    ),
]
PriorWeights = Annotated[Path | None, typer.Option(help="The weights of the prior's prototxt.")]
Weights = Annotated[Path | None, typer.Option(help="The target's weights, for a prototxt: .caffemodel, .h5 or .pt.")]
Labels = Annotated[
    Path | None,
    typer.Option(
        help="The target's classes: a text file with one per line, JSON, or a folder with a folder for each class."
    ),
]
LabelsLayer = Annotated[
    str | None, typer.Option(help="The layer whose units --labels names; default: each with as many units.")
]
Mean = Annotated[
    str | None, typer.Option(help="The mean that your net subtracts: 104,117,123, or a .binaryproto or .npy file.")
]
Scale = Annotated[float, typer.Option(help="The factor of your net's input, after the mean.")]
Channels = Annotated[str, typer.Option(help="The channel order of your net, BGR or RGB.")]
Seed = Annotated[int, typer.Option(min=0, max=2**32 - 1, help="The first seed.")]
Seeds = Annotated[int, typer.Option(min=1, help="Images per objective, from consecutive seeds.")]
Clip = Annotated[
    str,
    typer.Option(
        help="Bounds of the codes: own (the prior's act_range, if it has one), act_range, unit, none, or an act_range "
        "file."
    ),
]
Start = Annotated[
    str | None,
    typer.Option(
        help="Initial codes: random; zero; image:FILE, the code of a picture; codes:FILE, .npy or .h5; "
        "cluster:PICTURES:CLASS:K, the mean codes of K clusters of a class's pictures, one per seed; in pixels "
        "mean:PICTURES, mean:PICTURES:CLASS or mean:PICTURES:CLASS:K, mean pictures."
    ),
]
Backend = Annotated[
    str | None,
    typer.Option(
        help="Run the published loop, one image at a time, on the nets of dgnam.caffe (dgnam), BVLC's caffe (caffe), "
        "or the latter if importable (auto). Default: the batched loop."
    ),
]
BatchSize = Annotated[int, typer.Option(min=1, help="Images synthesized together and saved as one chunk.")]
ChosenBatchSize = Annotated[
    str,
    typer.Option(
        "--batch-size",
        help="Images synthesized together and saved as one chunk; auto chooses by free memory and, for large networks, "
        "a short measurement.",
    ),
]
Device = Annotated[str, typer.Option(help="cpu, or cuda.")]
Precision = Annotated[
    str,
    typer.Option(
        help="What the networks compute in: float32; bfloat16, faster on CPUs with AVX512-BF16 or AMX and on GPUs; or "
        "tf32, on NVIDIA GPUs."
    ),
]
Data = Annotated[Path | None, typer.Option(help="The folder of the image sets; default: $DGNAM_DATA.")]
RunFolder = Annotated[Path, typer.Argument(help="The run's folder.")]
TargetAgain = Annotated[
    str | None, typer.Option(help="The run's target again, if it was package.module:name; it is imported and run.")
]
PicturesPerUnit = Annotated[int, typer.Option("--k", min=1, help="Pictures per unit.")]
Fps = Annotated[float, typer.Option(help="A movie's frames per second.")]
PublishedImages = Annotated[
    bool, typer.Option("--published-images", help="Save JPEGs stretched as by the published code, instead of PNGs.")
]
Json = Annotated[bool, typer.Option("--json", help="Print JSON.")]
Output = Annotated[Path, typer.Option(help="The folder for the run's own new folder.")]
Name = Annotated[str | None, typer.Option(help="The name of the new folder; default: model and unit.")]
Executor = Annotated[
    str,
    typer.Option(
        help="Who makes the chunks: local, or ray[:ADDRESS], the workers of a Ray cluster (HOST:PORT, or auto for the "
        "one on this machine; default: $RAY_ADDRESS, or a cluster of this machine alone). Needs dgnam[ray]."
    ),
]
Store = Annotated[
    str | None,
    typer.Option(
        help="With ray: a folder or URL that all machines reach (s3://…, gs://…), where workers leave finished chunks. "
        "Default: the run's folder, where a worker sees it, or back through Ray."
    ),
]
Retries = Annotated[
    int | None, typer.Option(min=0, help="With ray: how often a chunk that failed is tried again (default: 3).")
]
Quiet = Annotated[bool, typer.Option("--quiet", "-q", help="Show no progress.")]
