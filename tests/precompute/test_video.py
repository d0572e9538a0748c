"""Videos of every kind, whole and broken, decoded in this process."""

import io
from fractions import Fraction

import av
import numpy as np
import pytest

from precompute import video
from precompute.errors import AvatarRejected
from precompute.photo import BEHIND
from precompute.video import VideoFile
from tests.support.videos import (
    CLOCKWISE,
    COUNTERCLOCKWISE,
    MIRRORED,
    UPSIDE_DOWN,
    number_of,
    numbered,
    quarters,
    turn,
    write_video,
)

QUICK_VPX = {"deadline": "realtime", "cpu-used": "8"}
KINDS = {
    "h264.mp4": ("libx264", "yuv420p", {"preset": "ultrafast", "crf": "12"}),
    "hevc10.mov": (
        "libx265",
        "yuv420p10le",
        {"preset": "ultrafast", "crf": "8", "x265-params": "log-level=0"},
    ),
    "vp8.webm": ("libvpx", "yuv420p", QUICK_VPX | {"b": "2000000"}),
    "vp9.webm": ("libvpx-vp9", "yuv420p", QUICK_VPX | {"crf": "10", "b": "0"}),
    "jpeg.mov": ("mjpeg", "yuvj420p", {"q": "2"}),
    "prores.mov": ("prores_ks", "yuv422p10le", {}),
}


def opened(source, **limits) -> VideoFile:
    return VideoFile(io.BytesIO(source if isinstance(source, bytes) else source.read_bytes()), **limits)


def numbers(file: VideoFile, *which) -> list[int]:
    found: list[int] = []
    for picture in file.frames(*which):
        found.append(found[-1] if picture is None else number_of(picture))
    return found


def rejected(source, **limits) -> str:
    with pytest.raises(AvatarRejected) as caught:
        for _ in opened(source, **limits).frames():
            pass
    assert caught.value.message.endswith(".") and len(caught.value.message) > 40
    return caught.value.code


@pytest.fixture
def still(tmp_path):
    """A second and more of one picture."""

    def write(name="still.mp4", picture=None, count=30, **options):
        picture = quarters() if picture is None else picture
        return write_video(tmp_path / name, [picture] * count, **options)

    return write


@pytest.mark.parametrize("name", KINDS)
def test_usual_kinds_come_out_as_they_went_in(tmp_path, name):
    codec, pixels, options = KINDS[name]
    path = write_video(
        tmp_path / name, (numbered(n) for n in range(40)), codec=codec, pixels=pixels, options=options
    )
    file = opened(path)
    assert numbers(file) == list(range(40))
    info = file.info
    assert (info.width, info.height) == (160, 120) and info.seconds == pytest.approx(1.6, abs=0.04)
    assert info.rate == pytest.approx(25, abs=1)


def test_other_rates_and_uneven_ones_keep_their_time(tmp_path):
    sixty = write_video(tmp_path / "60.mp4", (numbered(n % 50) for n in range(120)), rate=60)
    shown = numbers(opened(sixty))
    assert len(shown) == 50 and shown[:8] == [1, 3, 6, 8, 10, 13, 15, 18]
    # A phone in the dark: slower and slower, and then nothing for half a second.
    times = [0, 0.033, 0.07, 0.12, 0.2, 0.3, 0.42, 0.9, 0.94, 0.98, 1.02, 1.06, 1.1]
    uneven = write_video(tmp_path / "uneven.mp4", (numbered(n) for n in range(len(times))), times)
    shown = numbers(opened(uneven))
    assert shown[0] == 0 and shown[10] == 6 and shown[12:22] == [6] * 10 and shown[23] == 8
    assert [shown[round((time + 0.001) * 25)] for time in (0.12, 0.2, 0.42)] == [3, 4, 6]


def test_a_part_of_it_is_the_same_as_in_the_whole(tmp_path):
    file = opened(write_video(tmp_path / "a.mp4", (numbered(n) for n in range(40))))
    assert numbers(file, 10, 20) == list(range(10, 20))
    assert numbers(file, 35, 100) == list(range(35, 40))


def test_a_frame_that_is_shown_on_is_not_made_again(tmp_path):
    file = opened(write_video(tmp_path / "a.mp4", (numbered(n) for n in range(12)), rate=10))
    assert sum(picture is not None for picture in file.frames()) == 12
    # Even where only the second half of its time is wanted.
    assert number_of(next(picture for picture in file.frames(1, 2) if picture is not None)) == 0


@pytest.mark.parametrize(
    ("matrix", "turned"),
    [
        (CLOCKWISE, lambda picture: np.rot90(picture, -1)),
        (COUNTERCLOCKWISE, np.rot90),
        (UPSIDE_DOWN, lambda picture: np.rot90(picture, 2)),
        (MIRRORED, np.fliplr),
    ],
)
def test_phones_that_lay_on_their_side_are_set_upright(still, matrix, turned):
    file = opened(turn(still(), matrix))
    wanted = turned(quarters())
    picture = next(file.frames())
    assert picture is not None and picture.shape == wanted.shape
    assert (file.info.height, file.info.width) == wanted.shape[:2]
    assert (file.info.coded_width, file.info.coded_height) == (160, 120)
    for y, x in ((20, 20), (20, -20), (-20, 20), (-20, -20)):
        assert np.abs(picture[y, x].astype(int) - wanted[y, x]).max() < 12


def test_large_frames_are_shrunk_while_they_are_decoded(still):
    file = opened(still(picture=quarters(2400, 1352)))
    assert (file.info.width, file.info.height) == (1920, 1082)
    picture = next(file.frames())
    assert picture is not None and picture.shape == (1082, 1920, 3)


def test_pixels_that_are_no_squares_become_squares(still):
    def wide(stream):
        stream.codec_context.sample_aspect_ratio = Fraction(4, 3)

    info = opened(still(prepare=wide)).info
    assert (info.width, info.height) == (214, 120)


def test_odd_sides_become_even(still):
    file = opened(still("odd.mov", quarters(161, 121), codec="mjpeg", pixels="yuvj444p"))
    picture = next(file.frames())
    assert picture is not None and picture.shape[0] % 2 == picture.shape[1] % 2 == 0


def test_transparency_of_webm_lies_over_the_grey_of_photos(still):
    picture = np.dstack([quarters(), np.full((120, 160), 255, np.uint8)])
    picture[60:, :, 3] = 0

    def tell(stream):
        stream.metadata["alpha_mode"] = "1"

    path = still(
        "clear.webm", picture, codec="libvpx-vp9", pixels="yuva420p", options=QUICK_VPX, prepare=tell
    )
    seen = next(opened(path).frames())
    assert seen is not None
    assert np.abs(seen[100, 40].astype(int) - BEHIND[::-1]).max() < 6
    assert np.abs(seen[20, 40].astype(int) - quarters()[20, 40]).max() < 12


@pytest.mark.parametrize("name", ["h264.mp4", "vp9.webm"])
@pytest.mark.parametrize("share", [0.4, 0.8, 0.97])
def test_files_that_end_too_soon_are_not_taken_for_whole(tmp_path, name, share):
    codec, pixels, options = KINDS[name]
    path = write_video(
        tmp_path / name,
        (numbered(n) for n in range(50)),
        codec=codec,
        pixels=pixels,
        options=options,
        container_options={"movflags": "+faststart"} if name.endswith("mp4") else None,
    )
    data = path.read_bytes()
    assert rejected(data[: int(len(data) * share)]) == "truncated_video"


def test_damage_in_the_middle_is_told(tmp_path):
    rng = np.random.default_rng(2)
    pictures = [rng.integers(0, 256, (120, 160, 3)).astype(np.uint8) for _ in range(30)]
    for name in ("h264.mp4", "vp9.webm"):
        codec, pixels, options = KINDS[name]
        path = write_video(tmp_path / name, pictures, codec=codec, pixels=pixels, options=options)
        data = bytearray(path.read_bytes())
        middle = len(data) // 2
        data[middle : middle + 4000] = bytes(4000)
        assert rejected(bytes(data)) == "truncated_video"


@pytest.mark.parametrize("name", ["h264.mp4", "vp9.webm", "jpeg.mov"])
def test_damaged_files_are_only_ever_rejected(tmp_path, name):
    codec, pixels, options = KINDS[name]
    path = write_video(
        tmp_path / name, (numbered(n) for n in range(26)), codec=codec, pixels=pixels, options=options
    )
    data, rng = path.read_bytes(), np.random.default_rng(5)
    for _ in range(40):
        damaged = bytearray(data)
        for place in rng.integers(0, len(data), 8):
            damaged[place] = rng.integers(0, 256)
        try:
            for picture in opened(bytes(damaged)).frames():
                assert picture is None or picture.ndim == 3
        except AvatarRejected as error:
            assert error.message


def test_what_is_no_video_is_told(tmp_path, still):
    assert rejected(b"") == "not_a_video"
    assert rejected(b"Dear sir, please find my video attached. " * 20) == "not_a_video"
    assert rejected(b"#EXTM3U\n#EXTINF:10,\nfile:///etc/passwd\n") == "not_a_video"
    assert rejected(b"ffconcat version 1.0\nfile /etc/passwd\n") == "not_a_video"
    assert rejected(still("other.mkv", codec="ffv1")) == "not_a_video"


def test_sound_alone_and_covers_of_albums_are_no_video(tmp_path):
    path = tmp_path / "song.mp4"
    with av.open(str(path), "w") as container:
        stream = container.add_stream("aac", rate=48_000)
        frame = av.AudioFrame.from_ndarray(np.zeros((1, 48_000), np.float32), format="fltp", layout="mono")
        frame.sample_rate = 48_000
        container.mux(stream.encode(frame))
        container.mux(stream.encode(None))
    assert rejected(path) == "not_a_video"


def test_lengths_have_bounds(tmp_path, still):
    assert rejected(still(count=20)) == "video_too_short"
    assert rejected(still(count=60), max_seconds=1.5) == "video_too_long"
    assert opened(still(count=60), max_seconds=2.0).info.seconds == pytest.approx(2.4)
    # Two pictures, an hour apart.
    hours = write_video(tmp_path / "hour.mp4", [quarters()] * 3, [0, 1, 3600])
    assert rejected(hours) == "video_too_long"


def test_sizes_have_bounds(still):
    assert rejected(still(picture=quarters(90, 160))) == "video_too_small"
    assert rejected(still(picture=quarters(4200, 96))) == "video_too_large"


def test_headers_that_claim_too_much_are_refused_before_any_memory_is_taken(still):
    data = bytearray(still("a.webm", codec="libvpx", options=QUICK_VPX).read_bytes())
    # The container tells the truth, and the pictures in it do not.
    keyframe = data.index(b"\x9d\x01\x2a")
    data[keyframe + 3 : keyframe + 7] = b"\xff\x3f\xff\x3f"
    assert rejected(bytes(data)) in ("truncated_video", "video_too_large")


def test_far_too_many_pictures_are_refused(still, monkeypatch):
    monkeypatch.setattr(video, "MAX_PACKETS", 25)
    assert rejected(still()) == "video_too_large"


def test_pictures_that_change_their_size_come_out_in_one(tmp_path):
    halves = [write_video(tmp_path / f"{n}.webm", [quarters(*size)] * 15, codec="libvpx", options=QUICK_VPX)
              for n, size in enumerate(((160, 120), (320, 240)))]  # fmt: skip
    path = tmp_path / "both.webm"
    with av.open(str(path), "w") as target:
        stream = None
        for number, half in enumerate(halves):
            with av.open(str(half)) as source:
                if stream is None:
                    stream = target.add_stream_from_template(source.streams.video[0])
                for packet in source.demux(video=0):
                    if packet.pts is None or packet.dts is None:
                        continue
                    packet.pts, packet.dts = packet.pts + 600 * number, packet.dts + 600 * number
                    packet.stream = stream
                    target.mux(packet)
    shapes = {picture.shape for picture in opened(path).frames() if picture is not None}
    assert shapes == {(120, 160, 3)}
