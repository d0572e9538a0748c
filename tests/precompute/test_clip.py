"""Videos in a process of their own."""

import os

import pytest

from precompute import clip as clip_module
from precompute.clip import is_video_file, open_clip
from precompute.errors import AvatarRejected
from precompute.video_child import FRAME, INFO
from streaming.confinement import HEADER
from streaming.errors import EngineFailed
from tests.support.videos import CLOCKWISE, number_of, numbered, quarters, turn, write_video


@pytest.fixture
def counting(tmp_path):
    return write_video(tmp_path / "a.mp4", (numbered(n) for n in range(15)), rate=12)


def rejected(path) -> str:
    with pytest.raises(AvatarRejected) as caught:
        open_clip(path)
    return caught.value.code


def test_frames_come_as_often_as_they_are_wanted(counting):
    clip = open_clip(counting)
    assert clip.info.codec == "h264" and clip.info.seconds == pytest.approx(1.25)
    frames = list(clip.frames())
    assert len(frames) == 31 and [number_of(frame) for frame in frames[:7]] == [0, 0, 1, 1, 2, 2, 3]
    assert frames[0] is frames[1] and not frames[0].flags.writeable
    assert [number_of(frame) for frame in clip.frames(5, 8)] == [2, 3, 3]
    assert list(clip.frames(5, 5)) == []


def test_who_stops_early_leaves_no_process(counting, monkeypatch):
    started = []
    popen = clip_module.subprocess.Popen
    monkeypatch.setattr(
        clip_module.subprocess,
        "Popen",
        lambda *args, **more: started.append(popen(*args, **more)) or started[-1],
    )
    frames = open_clip(counting).frames()
    next(frames)
    assert started[-1].poll() is None
    frames.close()
    assert all(process.poll() is not None for process in started) and len(started) == 2


def test_turned_frames_have_the_size_that_is_told(tmp_path):
    path = turn(write_video(tmp_path / "a.mp4", [quarters()] * 30), CLOCKWISE)
    clip = open_clip(path)
    assert (clip.info.width, clip.info.height) == (120, 160)
    assert next(clip.frames()).shape == (160, 120, 3)


def test_reasons_come_through(tmp_path):
    broken = tmp_path / "a.mp4"
    broken.write_bytes(b"no video at all")
    assert rejected(broken) == "not_a_video"
    assert rejected(tmp_path / "missing.mp4") == "not_a_video"
    assert rejected(tmp_path) == "not_a_video"
    os.mkfifo(tmp_path / "pipe.mp4")
    assert rejected(tmp_path / "pipe.mp4") == "not_a_video"
    assert rejected(write_video(tmp_path / "short.mp4", [quarters()] * 10)) == "video_too_short"


def test_damage_is_told_where_it_is_met(counting):
    data = bytearray(counting.read_bytes())
    place = data.index(b"mdat")
    data[place + 2000 : place + 2600] = bytes(600)
    counting.write_bytes(data)
    clip = open_clip(counting)
    with pytest.raises(AvatarRejected, match="damaged") as caught:
        list(clip.frames())
    assert caught.value.code == "truncated_video"


def test_huge_files_are_refused_unread(tmp_path):
    path = tmp_path / "huge.mp4"
    with path.open("wb") as file:
        file.truncate((1 << 30) + 1)
    assert rejected(path) == "video_too_large"


@pytest.mark.parametrize(
    ("says", "error", "match"),
    [
        (HEADER.pack(INFO, 1 << 30), AvatarRejected, "damaged"),
        (HEADER.pack(FRAME, 3) + b"abc", AvatarRejected, "damaged"),
        (HEADER.pack(77, 0), AvatarRejected, "damaged"),
        (b"", EngineFailed, "the log"),
    ],
)
def test_a_decoder_that_a_file_has_taken_over_is_not_believed(
    counting, tmp_path, monkeypatch, says, error, match
):
    said = tmp_path / "said"
    said.write_bytes(says)
    popen = clip_module.subprocess.Popen

    def impostor(_, **more):
        return popen(("sh", "-c", f"cat {said}; exit 3"), **more)

    monkeypatch.setattr(clip_module.subprocess, "Popen", impostor)
    with pytest.raises(error, match=match):
        open_clip(counting)


def test_a_decoder_that_is_killed_is_the_files_fault(counting, monkeypatch):
    popen = clip_module.subprocess.Popen
    monkeypatch.setattr(
        clip_module.subprocess, "Popen", lambda _, **more: popen(("sh", "-c", "kill -XCPU $$"), **more)
    )
    assert rejected(counting) == "truncated_video"


def test_the_decoder_can_open_nothing_and_has_its_limits(counting, tmp_path):
    """What a decoder that was taken over could do."""
    import subprocess
    import sys

    script = (
        "import resource, precompute.video_child as child\n"
        "child.confine(child.MEMORY_BYTES, child.CPU_SECONDS)\n"
        "try: open('/etc/hostname'); print('opened')\n"
        "except OSError: print('closed')\n"
        "try: bytearray(child.MEMORY_BYTES); print('taken')\n"
        "except MemoryError: print('refused')\n"
        "print(resource.getrlimit(resource.RLIMIT_CPU)[0] == child.CPU_SECONDS)\n"
    )
    done = subprocess.run(
        (sys.executable, "-c", script),
        capture_output=True,
        text=True,
        check=True,
        env=clip_module.child_environment(),
        stdin=subprocess.DEVNULL,
    )
    assert done.stdout.split() == ["closed", "refused", "True"]


def test_files_are_told_by_what_they_hold(counting, tmp_path):
    assert is_video_file(counting) and not is_video_file(tmp_path / "missing.mp4")
    disguised = counting.rename(tmp_path / "a.jpg")
    assert is_video_file(disguised)
