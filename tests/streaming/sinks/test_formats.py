from pathlib import Path

import av
import cv2
import numpy as np
import pytest
from numpy.typing import NDArray

from streaming.compositor.planes import frame_planes, pack, unpack
from streaming.credits import COMMENT, DIGITAL_SOURCE_TYPE, Credits
from streaming.errors import ScriptRejected
from streaming.sinks import film as film_module
from streaming.sinks.formats import FORMATS, FilmFormat, format_of
from streaming.sinks.opening import open_sink
from tests.support.films import Seen, watch
from tests.support.media import TONE_HERTZ, frame, pitch, tone
from tests.support.transparent import disc

SIDE = 192
EVERY = list(FORMATS)
WITH_ALPHA: list[FilmFormat] = ["webm", "mov", "png"]
CREDITS = Credits("Anna & <Bob>", "Jane", "CC-BY-4.0", "I am Anna, and agree.", 1_790_000_000.4)


def _path(folder: Path, name: FilmFormat) -> Path:
    return folder / f"film{FORMATS[name].suffix}"


def _write(path: Path, name: FilmFormat, slots: int, credits: Credits | None = None) -> float:
    sink = open_sink(name, path, SIDE, SIDE, credits, transparent=False)
    for index in range(slots):
        sink.write(frame(index), tone(index))
    return sink.close()


def _shown(picture: NDArray) -> int:
    bar = SIDE // 12
    return sum(1 << bit for bit in range(12) if picture[SIDE // 8, bit * bar + bar // 2, 1] > 128)


@pytest.mark.parametrize("name", EVERY)
def test_picture_and_sound_are_those_that_were_written_and_last_as_long(tmp_path: Path, name: FilmFormat):
    path = _path(tmp_path, name)
    assert _write(path, name, 30) == pytest.approx(30 / 25)
    seen = watch(path)
    assert [_shown(picture) for picture in seen.pictures] == list(range(30))
    np.testing.assert_allclose(seen.times, np.arange(30) / 25, atol=0.001)
    assert len(seen.sound) / seen.rate == pytest.approx(30 / 25, abs=0.025)
    middle = seen.sound[seen.rate // 5 : seen.rate]
    assert pitch(middle, seen.rate) == pytest.approx(TONE_HERTZ, abs=2)
    assert np.abs(middle).max() == pytest.approx(0.4, abs=0.05)
    assert (seen.pictures[..., 3] == 255).all()
    assert [entry.name for entry in tmp_path.iterdir()] == [path.name]


@pytest.mark.parametrize(
    ("name", "streams"),
    [
        ("mp4", {"video": "h264", "audio": "aac"}),
        ("webm", {"video": "vp9", "audio": "opus"}),
        ("mov", {"video": "prores", "audio": "pcm_s16le"}),
    ],
)
def test_a_format_has_its_codecs(tmp_path: Path, name: FilmFormat, streams: dict[str, str]):
    path = _path(tmp_path, name)
    _write(path, name, 2)
    seen = watch(path)
    assert {kind: codec.removeprefix("lib") for kind, codec in seen.streams.items()} == streams


@pytest.mark.parametrize("name", EVERY)
def test_sound_starts_with_its_picture(tmp_path: Path, name: FilmFormat):
    path = _path(tmp_path, name)
    sink = open_sink(name, path, SIDE, SIDE, None, transparent=False)
    for index in range(20):
        sink.write(frame(index), tone(index) if index >= 10 else np.zeros(960, np.float32))
    sink.close()
    seen = watch(path)
    assert int(np.argmax(np.abs(seen.sound) > 0.1)) / seen.rate == pytest.approx(10 / 25, abs=0.01)


def _person() -> tuple[av.VideoFrame, NDArray, NDArray]:
    """A frame, its alpha, and the BGR picture that the frame is made of: smooth colours, a soft disc."""
    x, y = np.meshgrid(np.arange(SIDE), np.arange(SIDE))
    picture = np.stack([60 + x // 2, 200 - y // 2, 90 + (x + y) // 4], axis=-1).astype(np.uint8)
    shown = av.VideoFrame(SIDE, SIDE, "yuv420p")
    frame_planes(shown).put(unpack(pack(picture), SIDE, SIDE))
    soft = cv2.GaussianBlur(disc(SIDE, SIDE, x=96, radius=70), (0, 0), 1.2)
    return shown, np.asarray(soft, np.uint8), picture


def _over(seen: NDArray, background: tuple[int, int, int]) -> NDArray:
    share = seen[..., 3:] / 255
    return seen[..., :3] * share + np.array(background) * (1 - share)


@pytest.fixture(scope="module", params=WITH_ALPHA)
def cut_out(request, tmp_path_factory) -> tuple[FilmFormat, Seen]:
    name: FilmFormat = request.param
    path = _path(tmp_path_factory.mktemp("films"), name)
    sink = open_sink(name, path, SIDE, SIDE, None, transparent=True)
    for index in range(6):
        shown, alpha, _ = _person()
        sink.write(shown, tone(index), alpha)
    sink.close()
    return name, watch(path)


@pytest.mark.parametrize("background", [(0, 0, 0), (255, 255, 255), (0, 255, 0), (220, 20, 200)])
def test_over_any_background_the_person_looks_as_it_should(cut_out, background):
    name, seen = cut_out
    _, alpha, picture = _person()
    truth = np.dstack([picture[..., ::-1], alpha])
    wanted, shown = _over(truth, background), _over(seen.pictures[3], background)
    error = np.abs(wanted - shown)
    rim = (alpha > 0) & (alpha < 255)
    most, mean = {"webm": (24, 4), "mov": (8, 2), "png": (4, 1)}[name]
    assert error.max() <= most and error[rim].mean() <= mean, (error.max(), error[rim].mean())
    assert np.abs(seen.pictures[3][..., 3].astype(int) - alpha).max() <= (12 if name == "webm" else 1)


@pytest.mark.parametrize("name", WITH_ALPHA)
def test_what_is_promised_to_be_transparent_needs_its_alpha(tmp_path: Path, name: FilmFormat):
    sink = open_sink(name, _path(tmp_path, name), SIDE, SIDE, None, transparent=True)
    with pytest.raises(ValueError, match="alpha"):
        sink.write(frame(0), tone(0))
    sink.abort()
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("name", EVERY)
def test_every_film_says_what_it_is(tmp_path: Path, name: FilmFormat):
    path = _path(tmp_path, name)
    _write(path, name, 2, CREDITS)
    said = watch(path).metadata
    assert said["title"] == "Anna & <Bob> speaks"
    assert said["comment"].startswith(COMMENT)
    everything = " ".join(said.values())
    data = path.read_bytes()
    for line in ("CC-BY-4.0", "2026-09-21"):
        assert line in everything
    assert DIGITAL_SOURCE_TYPE.encode() in data
    if name != "webm":
        assert b"<Iptc4xmpExt:DigitalSourceType>" + DIGITAL_SOURCE_TYPE.encode() in data
        assert b"Anna &amp; &lt;Bob&gt; speaks" in data
    else:
        assert said["digital_source_type"] == DIGITAL_SOURCE_TYPE
        assert said["consent"] == CREDITS.consent


@pytest.mark.parametrize("name", EVERY)
def test_equal_films_are_equal_bytes(tmp_path: Path, name: FilmFormat):
    films = []
    for folder in ("one", "two"):
        (tmp_path / folder).mkdir()
        path = _path(tmp_path / folder, name)
        _write(path, name, 12, CREDITS)
        films.append(path.read_bytes())
    assert films[0] == films[1]


@pytest.mark.parametrize("name", EVERY)
def test_a_file_appears_when_it_is_complete_or_not_at_all(tmp_path: Path, name: FilmFormat):
    path = _path(tmp_path, name)
    sink = open_sink(name, path, SIDE, SIDE, None, transparent=False)
    sink.write(frame(0), tone(0))
    assert not path.exists()
    sink.abort()
    sink.abort()
    assert list(tmp_path.iterdir()) == []
    with pytest.raises(ValueError, match="finished"):
        sink.write(frame(1), tone(1))
    empty = open_sink(name, path, SIDE, SIDE, None, transparent=False)
    with pytest.raises(ScriptRejected):
        empty.close()
    assert list(tmp_path.iterdir()) == []
    _write(path, name, 1)
    assert path.exists()


@pytest.mark.parametrize("name", EVERY)
def test_wrong_shapes_are_refused(tmp_path: Path, name: FilmFormat):
    sink = open_sink(name, _path(tmp_path, name), SIDE, SIDE, None, transparent=False)
    with pytest.raises(ValueError, match="192x192"):
        sink.write(frame(0, 128, 128), tone(0))
    with pytest.raises(ValueError, match="960"):
        sink.write(frame(0), tone(0)[:100])
    sink.abort()
    with pytest.raises(ValueError, match="even"):
        open_sink(name, _path(tmp_path, name), SIDE - 1, SIDE, None, transparent=False)
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("name", ["mov", "png"])
@pytest.mark.parametrize(("limit", "value"), [("FAT_SECONDS", 1), ("FAT_BYTES", 1000)])
def test_formats_that_take_much_room_have_an_end(tmp_path, monkeypatch, name, limit, value):
    monkeypatch.setattr(film_module, limit, value)
    sink = open_sink(name, _path(tmp_path, name), SIDE, SIDE, None, transparent=False)
    with pytest.raises(ScriptRejected, match="in parts"):
        for index in range(26):
            sink.write(frame(index), tone(index))
    sink.abort()
    assert list(tmp_path.iterdir()) == []


def test_a_name_tells_the_format():
    assert [format_of(Path(f"x{suffix}")) for suffix in (".mp4", ".WebM", ".mov", ".zip", ".gif", "")] == [
        "mp4", "webm", "mov", "png", None, None,
    ]  # fmt: skip
