"""Movies: written, and read back by Pillow and by ffmpeg."""

import sys

import numpy as np
import pytest
from PIL import Image

from dgnam.errors import DgnamError, MissingPackageError
from dgnam.figures import save_animation

COLOURS = [(200, 30, 40), (30, 160, 60), (50, 60, 210), (230, 230, 20)]


def frames(height=24, width=32, count=4):
    """Each of one colour, with a gradient on its right half."""
    made = np.empty((count, height, width, 3), np.uint8)
    for k in range(count):
        made[k] = COLOURS[k % 4]
        made[k, :, width // 2 :, 0] = np.linspace(0, 255, width - width // 2)
    return made


def read_gif(path):
    with Image.open(path) as gif:
        pictures, delays = [], []
        for k in range(gif.n_frames):
            gif.seek(k)
            pictures.append(np.asarray(gif.convert("RGB")))
            delays.append(gif.info["duration"])
        return np.stack(pictures), delays, gif.info.get("loop")


def read_mp4(path):
    ffmpeg = pytest.importorskip("imageio_ffmpeg")
    reader = ffmpeg.read_frames(str(path))
    meta = next(reader)
    width, height = meta["size"]
    return np.stack([np.frombuffer(f, np.uint8).reshape(height, width, 3) for f in reader]), meta


def test_a_gif_holds_every_frame_its_colours_and_delays(tmp_path):
    path = save_animation(tmp_path / "a.gif", frames(), fps=20, hold=2)
    pictures, delays, loop = read_gif(path)
    assert pictures.shape == (4, 24, 32, 3)
    assert np.abs(pictures.astype(int) - frames()).mean() < 3
    assert delays == [50, 50, 50, 2000]
    assert loop == 0


def test_frames_that_are_equal_are_kept_and_a_gif_may_run_once(tmp_path):
    same = np.repeat(frames(count=1), 5, axis=0)
    pictures, _, loop = read_gif(save_animation(tmp_path / "a.gif", same, loop=False))
    assert len(pictures) == 5
    assert loop is None


def test_noise_survives_a_gif(tmp_path):
    noise = np.random.RandomState(0).randint(0, 256, (3, 60, 70, 3)).astype(np.uint8)
    pictures, _, _ = read_gif(save_animation(tmp_path / "a.gif", noise))
    assert np.abs(pictures.astype(int) - noise).mean() < 20


def test_an_mp4_holds_every_frame_and_repeats_the_last(tmp_path):
    pytest.importorskip("imageio_ffmpeg")
    path = save_animation(tmp_path / "a.mp4", frames(), fps=8, hold=1)
    pictures, meta = read_mp4(path)
    assert meta["codec"] == "h264"
    assert meta["pix_fmt"].startswith("yuv420p")
    assert meta["fps"] == 8
    assert pictures.shape == (4 + 7, 24, 32, 3)
    shown = pictures[:, 4:20, 3:12].mean((1, 2))
    for k, colour in enumerate(COLOURS):
        assert np.abs(shown[k] - colour).max() < 12
    assert np.abs(shown[4:] - COLOURS[3]).max() < 12


@pytest.mark.parametrize(("height", "width"), [(25, 33), (1, 1), (7, 2)])
def test_odd_sizes_get_one_more_row_and_column_in_an_mp4(tmp_path, height, width):
    pytest.importorskip("imageio_ffmpeg")
    pictures, _ = read_mp4(save_animation(tmp_path / "a.mp4", frames(height, width), hold=0))
    assert pictures.shape == (4, height + height % 2, width + width % 2, 3)


def test_the_same_bytes_each_time(tmp_path):
    pytest.importorskip("imageio_ffmpeg")
    for suffix in (".gif", ".mp4"):
        paths = [tmp_path / f"{name}{suffix}" for name in "ab"]
        for path in paths:
            save_animation(path, frames(), captions=list("abcd"), scale=2)
        assert paths[0].read_bytes() == paths[1].read_bytes()


def test_captions_lie_under_the_enlarged_frames(tmp_path):
    captions = [f"step {k}  activation {10.0**k:.1f}" for k in range(4)]
    pictures, _, _ = read_gif(save_animation(tmp_path / "a.gif", frames(), captions=captions, scale=5))
    height = 24 * 5
    assert pictures.shape[2] == 32 * 5
    strips = pictures[:, height:]
    assert strips.shape[1] == 18  # one line
    assert all((strip < 110).all(-1).sum() > 30 for strip in strips)
    assert not (strips[0] == strips[3]).all()


def test_a_caption_that_is_too_wide_is_broken_at_its_double_blank(tmp_path):
    captions = ["step 0  activation 1.0", *["step 100  activation 12345.6"] * 3]
    pictures, _, _ = read_gif(save_animation(tmp_path / "a.gif", frames(), captions=captions, scale=3))
    strip = pictures[3, 24 * 3 :]
    assert len(strip) == 36  # two lines
    assert (strip[:18] < 110).any()
    assert (strip[18:] < 110).any()


def test_frames_are_taken_one_at_a_time(tmp_path):
    written = []

    def made():
        for k in range(50):
            written.append(next(tmp_path.iterdir()).stat().st_size)
            yield np.random.RandomState(k).randint(0, 256, (40, 40, 3)).astype(np.uint8)

    save_animation(tmp_path / "a.gif", made())
    assert written[-1] > 10 * 40 * 40  # much is on disk before the last frame is made


def test_a_failure_leaves_the_old_file_and_nothing_else(tmp_path):
    path = tmp_path / "a.gif"
    path.write_bytes(b"old")

    def broken():
        yield frames()[0]
        raise ValueError("no more")

    with pytest.raises(ValueError, match="no more"):
        save_animation(path, broken())
    assert path.read_bytes() == b"old"
    assert list(tmp_path.iterdir()) == [path]


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ({"fps": 0}, "fps 0: give 0.01 to 50"),
        ({"fps": float("nan")}, "fps nan"),
        ({"fps": 60}, "fps 60"),
        ({"scale": 0}, "scale 0"),
        ({"scale": 1.5}, "scale 1.5"),
        ({"hold": -1}, "hold -1"),
        ({"hold": float("inf")}, "hold inf"),
        ({"captions": ["one"]}, "more frames than captions, 1"),
        ({"captions": ["a"] * 5}, "fewer frames than captions, 5"),
    ],
)
def test_options_out_of_range(tmp_path, options, words):
    with pytest.raises(DgnamError, match=words):
        save_animation(tmp_path / "a.gif", frames(), **options)


@pytest.mark.parametrize(
    ("bad", "words"),
    [
        ([], "at least one frame"),
        ([np.zeros((4, 4, 3), np.float32)], "frame 0 is float32"),
        ([np.zeros((4, 4), np.uint8)], "frame 0 is uint8 of shape"),
        ([np.zeros((4, 4, 3), np.uint8), np.zeros((4, 5, 3), np.uint8)], "frame 1 has shape"),
    ],
)
@pytest.mark.parametrize("suffix", [".gif", ".mp4"])
def test_frames_that_are_none(tmp_path, bad, words, suffix):
    pytest.importorskip("imageio_ffmpeg")
    with pytest.raises(DgnamError, match=words):
        save_animation(tmp_path / f"a{suffix}", bad)
    assert list(tmp_path.iterdir()) == []


def test_other_endings_and_folders_that_are_not_there(tmp_path):
    with pytest.raises(DgnamError, match=r"ends in one of .*\.gif"):
        save_animation(tmp_path / "a.avi", frames())
    with pytest.raises(DgnamError, match="there is no folder"):
        save_animation(tmp_path / "none" / "a.gif", frames())


def test_without_the_package_a_gif_works_and_an_mp4_says_what_to_install(tmp_path, monkeypatch):
    monkeypatch.setitem(sys.modules, "imageio_ffmpeg", None)
    save_animation(tmp_path / "a.gif", frames())
    with pytest.raises(MissingPackageError, match="pip install imageio-ffmpeg"):
        save_animation(tmp_path / "a.mp4", frames())


def test_what_ffmpeg_says_is_passed_on(tmp_path, monkeypatch):
    package = pytest.importorskip("imageio_ffmpeg")
    monkeypatch.setattr(package, "get_ffmpeg_exe", lambda: "false")
    with pytest.raises(DgnamError, match="exit status 1"):
        save_animation(tmp_path / "a.mp4", np.zeros((20, 200, 200, 3), np.uint8))
    assert list(tmp_path.iterdir()) == []
