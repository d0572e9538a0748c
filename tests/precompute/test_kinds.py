import io
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from precompute.kinds import HEAD_BYTES, kind_of
from tests.support.heic import heic
from tests.support.videos import numbered, write_video

PICTURE = np.full((64, 64, 3), 90, np.uint8)


def encoded(kind: str) -> bytes:
    if kind == "HEIC":
        return heic(PICTURE)
    buffer = io.BytesIO()
    Image.fromarray(PICTURE).save(buffer, kind)
    return buffer.getvalue()


@pytest.mark.parametrize("kind", ["JPEG", "PNG", "WEBP", "BMP", "TIFF", "GIF", "AVIF", "HEIC", "MPO"])
def test_photos_are_known_by_how_they_begin(kind):
    assert kind_of(encoded(kind)[:HEAD_BYTES]) == "photo"


@pytest.mark.parametrize(("suffix", "codec"), [("mp4", "libx264"), ("mov", "libx264"), ("webm", "libvpx")])
def test_videos_are_known_by_how_they_begin(tmp_path: Path, suffix, codec):
    path = write_video(tmp_path / f"x.{suffix}", [numbered(1)] * 3, codec=codec)
    assert kind_of(path.read_bytes()[:HEAD_BYTES]) == "video"


@pytest.mark.parametrize(
    "head",
    [
        *(b"", b"\xff", b"<svg xmlns=", b"%PDF-1.7", b"PK\3\4", b"%!PS-Adobe", b"#!/bin/sh\n"),
        *(b"RIFF\0\0\0\0WAVEfmt ", b"RIFF\0\0\0\0AVI LIST", b"\0" * 16),
    ],
)
def test_other_files_are_neither(head):
    assert kind_of(head) is None
