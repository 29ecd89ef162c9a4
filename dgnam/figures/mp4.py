"""MP4: H.264 by the ffmpeg program that the package imageio-ffmpeg brings."""

from __future__ import annotations

import subprocess
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import IO

import numpy as np

from ..errors import DgnamError, optional_module, shortened

MOST_FPS = 240.0

CRF = 16
"""x264's constant rate factor: small differences from the frames can hardly be seen."""

_BT709 = ("-colorspace", "bt709", "-color_primaries", "bt709", "-color_trc", "bt709", "-color_range", "tv")
_REPEATABLE = ("-threads", "1", "-map_metadata", "-1", "-fflags", "+bitexact", "-flags:v", "+bitexact")
"""x264's bytes depend on the number of its threads; ffmpeg would write its version and the date."""


def ffmpeg_program() -> str:
    """The path of ffmpeg; MissingPackageError where imageio-ffmpeg is not installed, DgnamError where it has none."""
    package = optional_module("imageio_ffmpeg", "an MP4 (a .gif does without)", "imageio-ffmpeg")
    try:
        return str(package.get_ffmpeg_exe())
    except RuntimeError as error:
        raise DgnamError(f"an MP4 needs ffmpeg, and imageio-ffmpeg finds none: {error}; a .gif does without") from None


def write_mp4(path: Path, frames: Iterator[np.ndarray], *, fps: float) -> None:
    """Write frames, each (h, w, 3) uint8 RGB, all of one size, as H.264 in yuv420p.

    An odd width or height gets one more column or row, a copy of the last: the format halves both for colours.
    """
    program, first = ffmpeg_program(), _even(next(frames))
    with tempfile.TemporaryFile() as complaints:
        command = _command(program, path, first.shape[1], first.shape[0], fps)
        process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.DEVNULL, stderr=complaints)
        assert process.stdin is not None
        try:
            _feed(process.stdin, first, frames)
            status = process.wait()
        finally:
            process.kill()
            process.wait()
        if status != 0:
            complaints.seek(0)
            said = shortened(complaints.read().decode(errors="replace").strip(), 500)
            raise DgnamError(f"ffmpeg could not write the MP4 (exit status {status}): {said}")


def _feed(pipe: IO[bytes], first: np.ndarray, rest: Iterator[np.ndarray]) -> None:
    try:
        pipe.write(first.tobytes())
        for frame in rest:
            pipe.write(_even(frame).tobytes())
        pipe.close()
    except BrokenPipeError:
        pass  # ffmpeg has ended; its exit status and words tell why


def _even(frame: np.ndarray) -> np.ndarray:
    height, width = frame.shape[:2]
    return np.pad(frame, ((0, height % 2), (0, width % 2), (0, 0)), mode="edge")


def _command(program: str, path: Path, width: int, height: int, fps: float) -> list[str]:
    source = ["-f", "rawvideo", "-pix_fmt", "rgb24", "-s", f"{width}x{height}", "-r", f"{fps:.6g}", "-i", "-"]
    colours = "scale=out_color_matrix=bt709:out_range=tv:flags=full_chroma_int+accurate_rnd+bitexact"
    coded = ["-c:v", "libx264", "-crf", str(CRF), "-preset", "medium", "-pix_fmt", "yuv420p", "-vf", colours]
    place = ["-movflags", "+faststart", "-f", "mp4", str(path)]
    return [program, "-y", "-v", "error", *source, "-an", *coded, *_BT709, *_REPEATABLE, *place]
