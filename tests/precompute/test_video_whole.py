import io

import pytest

from precompute.video_whole import is_cut_short, is_video
from tests.support.videos import numbered, write_video


@pytest.mark.parametrize(
    ("head", "suffix", "video"),
    [
        (b"\0\0\0\x20ftypisom\0\0\2\0", ".jpg", True),
        (b"\0\0\0\x14ftypqt  \0\0\2\0", ".mov", True),
        (b"\x1a\x45\xdf\xa3\x9fB\x86\x81\1B\xf7\x81\1B\xf2", "", True),
        (b"\0\0\0\x08wide\0\0\1\0mdat", ".mov", True),
        (b"\0\0\0\x18ftypheic\0\0\0\0", ".heic", False),
        (b"\0\0\0\x18ftypavif\0\0\0\0", ".avif", False),
        (b"\xff\xd8\xff\xe0\0\x10JFIF\0\1\1\0\0", ".mp4", False),
        (b"RIFF\x10\0\0\0WEBPVP8 ", ".mp4", False),
        (b"RIFF\x10\0\0\0AVI LIST", ".avi", True),
        (b"good morning, all", ".mp4", True),
        (b"good morning, all", ".png", False),
        (b"", "", False),
    ],
)
def test_videos_are_told_from_pictures(head, suffix, video):
    assert is_video(head, suffix) is video


@pytest.mark.parametrize(
    ("name", "codec", "options"),
    [
        ("a.mp4", "libx264", {}),
        ("fast.mp4", "libx264", {"movflags": "+faststart"}),
        ("pieces.mp4", "libx264", {"movflags": "+frag_keyframe+empty_moov"}),
        ("a.mov", "libx264", {}),
        ("a.webm", "libvpx", {}),
        ("live.webm", "libvpx", {"live": "1"}),
    ],
)
def test_whole_files_are_whole_and_cut_ones_are_not(tmp_path, name, codec, options):
    path = write_video(
        tmp_path / name, (numbered(n) for n in range(40)), codec=codec, container_options=options
    )
    data = path.read_bytes()
    assert not is_cut_short(io.BytesIO(data))
    # As some phones do: what is appended behind an MP4 is not part of it.
    assert not is_cut_short(io.BytesIO(data + b"\0\0\0\x10free" + bytes(8)))
    for share in (0.3, 0.6, 0.9):
        assert is_cut_short(io.BytesIO(data[: int(len(data) * share)])), share


def test_anything_else_is_left_to_who_opens_it():
    for data in (b"", b"hello", bytes(100), b"\xff" * 100):
        assert not is_cut_short(io.BytesIO(data))
    # A WebM whose header stops in the middle of a number.
    assert is_cut_short(io.BytesIO(b"\x1a\x45\xdf\xa3\x01"))
