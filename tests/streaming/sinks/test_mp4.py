from pathlib import Path

import av
import numpy as np
import pytest

from streaming.errors import ScriptRejected
from streaming.sinks.mp4 import Mp4Sink
from tests.support.media import TONE_HERTZ, frame, pitch, shown_index, tone


def write(path: Path, slots: int) -> float:
    sink = Mp4Sink(path, 192, 192)
    for i in range(slots):
        sink.write(frame(i), tone(i))
    return sink.close()


@pytest.mark.parametrize("slots", [1, 37, 250])
def test_streams_and_container_last_exactly_as_long_as_the_slots(tmp_path: Path, slots: int) -> None:
    path = tmp_path / "clip.mp4"
    assert write(path, slots) == pytest.approx(slots / 25)
    with av.open(str(path)) as file:
        assert file.duration == slots * 40_000
        assert file.start_time == 0
        for stream in file.streams:
            assert stream.duration is not None and stream.time_base is not None
            assert stream.duration * stream.time_base * 25 == slots
        assert file.streams.video[0].frames == slots


def test_picture_and_sound_are_those_that_were_written(tmp_path: Path) -> None:
    path = tmp_path / "clip.mp4"
    write(path, 50)
    with av.open(str(path)) as file:
        video = file.streams.video[0]
        assert (video.codec_context.name, video.profile) == ("h264", "High")
        frames = list(file.decode(video))
        assert [shown_index(image) for image in frames] == list(range(50))
        assert [round((image.time or 0) * 25) for image in frames] == list(range(50))
        assert frames[0].colorspace == 6 and frames[0].color_range == 1
    with av.open(str(path)) as file:
        audio = file.streams.audio[0]
        assert (audio.codec_context.name, audio.rate) == ("aac", 48_000)
        sounds = list(file.decode(audio))
        pcm = np.concatenate([sound.to_ndarray()[0] for sound in sounds])
        assert pitch(pcm[9600:57600], 48_000) == pytest.approx(TONE_HERTZ, abs=2)


def test_sound_starts_with_its_picture(tmp_path: Path) -> None:
    sink = Mp4Sink(tmp_path / "clip.mp4", 192, 192)
    quiet = np.zeros(960, np.float32)
    for i in range(30):
        sink.write(frame(i), tone(i) if i >= 10 else quiet)
    sink.close()
    with av.open(str(tmp_path / "clip.mp4")) as file:
        first = next(
            (sound.time or 0) + int(np.argmax(loud)) / 48_000
            for sound in file.decode(audio=0)
            if (loud := np.abs(sound.to_ndarray()[0]) > 0.1).any()
        )
    assert first == pytest.approx(10 / 25, abs=0.005)


def test_players_can_start_before_the_end_arrives(tmp_path: Path) -> None:
    write(tmp_path / "clip.mp4", 30)
    data = (tmp_path / "clip.mp4").read_bytes()
    assert data.index(b"moov") < data.index(b"mdat")


def test_the_file_appears_only_when_it_is_complete(tmp_path: Path) -> None:
    path = tmp_path / "clip.mp4"
    sink = Mp4Sink(path, 192, 192)
    sink.write(frame(0), tone(0))
    assert not path.exists()
    sink.close()
    assert [entry.name for entry in tmp_path.iterdir()] == ["clip.mp4"]
    sink.abort()
    assert path.exists(), "a finished file stays"
    with pytest.raises(ValueError, match="finished"):
        sink.write(frame(1), tone(1))


def test_abort_leaves_nothing(tmp_path: Path) -> None:
    sink = Mp4Sink(tmp_path / "clip.mp4", 192, 192)
    sink.write(frame(0), tone(0))
    sink.abort()
    sink.abort()
    assert list(tmp_path.iterdir()) == []


def test_nothing_spoken_is_an_error_and_leaves_nothing(tmp_path: Path) -> None:
    sink = Mp4Sink(tmp_path / "clip.mp4", 192, 192)
    with pytest.raises(ScriptRejected):
        sink.close()
    assert list(tmp_path.iterdir()) == []


def test_wrong_shapes_are_refused(tmp_path: Path) -> None:
    sink = Mp4Sink(tmp_path / "clip.mp4", 192, 192)
    with pytest.raises(ValueError, match="192x192"):
        sink.write(frame(0, 128, 128), tone(0))
    with pytest.raises(ValueError, match="960"):
        sink.write(frame(0), tone(0)[:100])
    sink.abort()
    with pytest.raises(ValueError, match="even"):
        Mp4Sink(tmp_path / "odd.mp4", 191, 192)
    assert list(tmp_path.iterdir()) == []
