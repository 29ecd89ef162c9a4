"""Public image sets: their addresses, published checksums, terms of use and the form in which they are read.

The package contains no pictures, since nobody may redistribute them: get them from their publishers and bring them into
the form that `dgnam.data.dataset` describes.
"""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class PublicSet:
    """A published image set.

    name: the base of the names of its splits: `name-train`, `name-val`.
    url: the address of the files, or of the page that gives access to them; None if there is none.
    checksums: (file, "algorithm:digits") for the files whose checksums are published.
    form: the form in which it is read.
    """

    name: str
    title: str
    url: str | None
    terms: str
    form: str
    checksums: tuple[tuple[str, str], ...] = ()

    @property
    def origin(self) -> str:
        """How to get it, for the message that it is missing."""
        source = "it is not published as a whole" if self.url is None else f"it comes from {self.url}"
        sums = "".join(f"; {file} has {checksum}" for file, checksum in self.checksums)
        return f"{self.title}: {source}{sums}. Terms: {self.terms}. Needed here: {self.form}"


_ZIPS = "zips of JPEGs with the listings train.txt and val.txt (`path label`) and classes.txt (`id name`)"
_MINIPLACES = (
    "what this makes, in the folder data; the listings name 10,000 files that are not there: "
    "`dgnam data shrink train.txt val.txt --root images --skip-missing"
)

PUBLIC_SETS: tuple[PublicSet, ...] = (
    PublicSet(
        "tinyimagenet64",
        "Tiny-ImageNet-200",
        "http://cs231n.stanford.edu/tiny-imagenet-200.zip",
        "ImageNet's: non-commercial research",
        f"{_ZIPS}, pictures of 64x64 as they are",
    ),
    PublicSet(
        "ilsvrc12",
        "ImageNet, ILSVRC 2012",
        "https://image-net.org/download.php",
        "non-commercial research, after registration",
        "listings or databases as Caffe's examples make them, pictures resized to 256x256",
        (
            ("ILSVRC2012_img_train.tar", "md5:1d675b47d978889d74fa0da5fadfb00e"),
            ("ILSVRC2012_img_val.tar", "md5:29b22e2961454d5413ddabcf34fc5622"),
        ),
    ),
    PublicSet(
        "miniplaces64",
        "MiniPlaces, 100 scenes of Places2",
        "http://miniplaces.csail.mit.edu/data/data.tar.gz",
        "education and non-commercial research",
        f"{_ZIPS}, the center squares resized to 64x64",
    ),
    PublicSet(
        "miniplaces128",
        "MiniPlaces as published, 100 scenes of Places2: 90,000 + 10,000 pictures of 128x128",
        "https://github.com/rathull/CTFs/tree/f35c219885f163ca00a045236dd44be489598837/data",
        "academic use",
        f"{_MINIPLACES} --side 128 --out miniplaces128.zip`",
    ),
    PublicSet(
        "miniplaces90k",
        "MiniPlaces as published, 100 scenes of Places2, at 64 px: 90,000 + 10,000 pictures",
        "https://github.com/rathull/CTFs/tree/f35c219885f163ca00a045236dd44be489598837/data",
        "academic use",
        f"{_MINIPLACES} --side 64 --out miniplaces90k.zip`",
    ),
    PublicSet(
        "places205",
        "MIT Places205",
        "http://places.csail.mit.edu/downloadData.html",
        "education and non-commercial research, after a request",
        "listings or databases as Caffe's examples make them, pictures resized to 256x256",
    ),
    PublicSet(
        "sports64",
        "stills of 22 sports gathered from the web",
        None,
        "each picture's own; they may not be passed on",
        f"{_ZIPS}, 22 classes, the center squares resized to 64x64",
    ),
    PublicSet(
        "ucf101",
        "UCF-101, videos of 101 human actions",
        "https://www.crcv.ucf.edu/data/UCF101.php",
        "research; its authors ask to be cited",
        "listings of the videos' frames, of 240x320",
    ),
    PublicSet(
        "cifar10",
        "CIFAR-10",
        "https://www.cs.toronto.edu/~kriz/cifar.html",
        "its author asks to be cited",
        "an LMDB database, as Caffe's example makes it",
        (("cifar-10-binary.tar.gz", "md5:c32a1d4ab5d03f1284b67883e8d87530"),),
    ),
)


def public_set(name: str) -> PublicSet | None:
    """The published set of which `name`, such as `miniplaces64-val`, is a split; None for an unknown name."""
    return next((known for known in PUBLIC_SETS if name == known.name or name.startswith(f"{known.name}-")), None)
