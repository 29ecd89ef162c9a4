"""Where the public image sets come from: addresses, checksums where they are published, and terms of use.

The pictures themselves are nobody's to pass on, so the package has none: whoever trains gets them from their makers and
brings them into the form that `dgnam.data` describes.
"""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class PublicSet:
    """An image set that somebody publishes.

    name: the base of the sets' names here: `name-train`, `name-val`.
    url: of the files, or of the page where one asks for them; None where there is none.
    checksums: by file, "algorithm:digits", where its makers publish them.
    form: what has to be made of it.
    """

    name: str
    title: str
    url: str | None
    terms: str
    form: str
    checksums: tuple[tuple[str, str], ...] = ()

    @property
    def origin(self) -> str:
        """A sentence for somebody who lacks it."""
        source = "it is not published as a whole" if self.url is None else f"it comes from {self.url}"
        sums = "".join(f"; {file} has {checksum}" for file, checksum in self.checksums)
        return f"{self.title}: {source}{sums}. Terms: {self.terms}. Needed here: {self.form}"


_ZIPS = "zips of JPEGs with the listings train.txt and val.txt (`path label`) and classes.txt (`id name`)"

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
        f"{_ZIPS}, the centre squares resized to 64x64",
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
        f"{_ZIPS}, 22 classes, the centre squares resized to 64x64",
    ),
    PublicSet(
        "ucf101",
        "UCF-101, videos of 101 human actions",
        "https://www.crcv.ucf.edu/data/UCF101.php",
        "research; its makers ask to be cited",
        "listings of the videos' frames, of 240x320",
    ),
    PublicSet(
        "cifar10",
        "CIFAR-10",
        "https://www.cs.toronto.edu/~kriz/cifar.html",
        "its maker asks to be cited",
        "an LMDB database, as Caffe's example makes it",
        (("cifar-10-binary.tar.gz", "md5:c32a1d4ab5d03f1284b67883e8d87530"),),
    ),
)


def public_set(name: str) -> PublicSet | None:
    """The published set that the set `name`, such as `miniplaces64-val`, is a part of; None where none is known."""
    return next((known for known in PUBLIC_SETS if name == known.name or name.startswith(f"{known.name}-")), None)
