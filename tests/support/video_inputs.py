"""Videos of every kind that people send: what is in them, and what has to come of them."""

import struct
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from itertools import chain
from pathlib import Path

import av
import cv2
import numpy as np
from av.video.reformatter import ColorRange, Colorspace, ColorTrc
from av.video.stream import VideoStream
from numpy.typing import NDArray

from precompute.hdr import PAPER_NITS
from tests.support.occluders import hand, passing
from tests.support.videos import CLOCKWISE, turn, write_video

Image = NDArray[np.uint8]
QUICK_VPX = {"deadline": "realtime", "cpu-used": "8", "crf": "12", "b": "0"}
QUICK_HEVC = {"preset": "ultrafast", "crf": "10", "x265-params": "log-level=0"}
RATE = 25


@dataclass(frozen=True)
class Material:
    """What videos are made of.

    Attributes:
        calm: frames of a person who sways a little.
        mouths: (N, 2) where the mouth is in them.
        width: of the face.
        other: somebody else.
    """

    calm: Sequence[Image]
    mouths: NDArray[np.floating]
    width: float
    other: Image

    @property
    def wall(self) -> Image:
        return np.full_like(self.calm[0], 180)


@dataclass(frozen=True)
class Good:
    """A video that becomes a loop.

    Attributes:
        write: makes the file.
        seconds: that its loop has at least.
        leaves_out: what is told to be left out.
        colours: how far the face's mean colour may be off, in levels.
    """

    write: Callable[[Path], Path]
    seconds: float = 3.0
    leaves_out: tuple[str, ...] = ()
    colours: float = 5.0


@dataclass(frozen=True)
class Refused:
    """A video that becomes none: the code, and words of what is told."""

    write: Callable[[Path], Path]
    code: str
    says: str


def with_sound(path: Path, frames: Iterable[Image]) -> Path:
    """MP4 with a sound track, as phones write it."""
    with av.open(str(path), "w") as container:
        video = container.add_stream("libx264", rate=RATE, options={"preset": "ultrafast", "crf": "12"})
        sound = container.add_stream("aac", rate=48_000)
        assert isinstance(video, VideoStream)
        count = 0
        for frame in frames:
            if count == 0:
                video.height, video.width = frame.shape[:2]
            picture = av.VideoFrame.from_ndarray(frame, format="bgr24")
            picture.pts = count
            container.mux(video.encode(picture))
            container.mux(sound.encode(_silence(count)))
            count += 1
        container.mux(video.encode(None))
        container.mux(sound.encode(None))
    return path


def _silence(number: int) -> av.AudioFrame:
    frame = av.AudioFrame.from_ndarray(np.zeros((1, 1920), np.float32), format="fltp", layout="mono")
    frame.sample_rate, frame.pts = 48_000, number * 1920
    return frame


def only_sound(path: Path) -> Path:
    with av.open(str(path), "w") as container:
        sound = container.add_stream("aac", rate=48_000)
        for number in range(100):
            container.mux(sound.encode(_silence(number)))
        container.mux(sound.encode(None))
    return path


def hlg(picture: Image) -> av.VideoFrame:
    """The picture as a phone records it in HDR: BT.2020, HLG, 10 bits (ITU-R BT.2100)."""
    code = picture[..., ::-1].astype(np.float64) / 255
    light = np.where(code <= 0.04045, code / 12.92, ((code + 0.055) / 1.055) ** 2.4)
    wide = (
        light
        @ np.linalg.inv(
            np.array([[1.6605, -0.5876, -0.0728], [-0.1246, 1.1329, -0.0083], [-0.0182, -0.1006, 1.1187]])
        ).T
    )
    scene = (np.clip(wide, 0, None) * PAPER_NITS / 1000) ** (1 / 1.2)
    a, b, c = 0.17883277, 0.28466892, 0.55991073
    coded = np.where(scene <= 1 / 12, np.sqrt(3 * scene), a * np.log(np.maximum(12 * scene - b, 1e-6)) + c)
    deep = np.rint(np.clip(coded, 0, 1) * 65535).astype(np.uint16)
    frame = av.VideoFrame.from_ndarray(np.ascontiguousarray(deep), format="rgb48le")
    made = frame.reformat(
        format="yuv420p10le", dst_colorspace=Colorspace.BT2020, dst_color_range=ColorRange.MPEG
    )
    made.colorspace, made.color_trc = Colorspace.BT2020, ColorTrc.ARIB_STD_B67
    return made


def _tell_hlg(stream: VideoStream) -> None:
    context = stream.codec_context
    context.colorspace, context.color_trc = Colorspace.BT2020, ColorTrc.ARIB_STD_B67
    context.color_primaries, context.color_range = 9, ColorRange.MPEG


def _lying(frames: Iterable[Image]) -> Iterable[Image]:
    return (np.ascontiguousarray(np.rot90(frame, 1)) for frame in frames)


def goods(material: Material) -> dict[str, Good]:
    """All videos that become loops, by name."""
    calm, count = material.calm, len(material.calm)
    uneven = np.cumsum(np.random.default_rng(3).uniform(0.02, 0.06, count))
    twice = list(chain.from_iterable((frame, frame) for frame in calm))
    odd = [frame[: frame.shape[0] - 1, : frame.shape[1] - 1] for frame in calm]

    def covered() -> Iterable[Image]:
        return passing(calm, hand((150, 172, 212)), material.mouths, 1.2 * material.width, -8, 6, 5)

    def with_guest() -> Iterable[Image]:
        size = round(0.95 * calm[0].shape[0])
        guest = cv2.resize(material.other, (size, size), interpolation=cv2.INTER_AREA)
        for index, frame in enumerate(calm):
            shown = np.concatenate([frame, np.full_like(frame, 180)], axis=1)
            if index < 8:
                shown[-size:, -size:] = guest
            yield shown

    return {
        "MP4 with sound": Good(lambda path: with_sound(path / "a.mp4", calm)),
        "phone held upright": Good(lambda path: turn(write_video(path / "a.mp4", _lying(calm)), CLOCKWISE)),
        "varying frame rate, called a picture": Good(
            lambda path: write_video(path / "a.mp4", calm, uneven).rename(path / "portrait.jpg")
        ),
        "60 frames per second": Good(
            lambda path: write_video(path / "a.mp4", [*twice, *reversed(twice)], rate=60)
        ),
        "HDR": Good(
            lambda path: write_video(
                path / "a.mov", calm, codec="libx265", pixels="yuv420p10le", options=QUICK_HEVC,
                prepare=_tell_hlg, convert=hlg,
            ),
            colours=14,
        ),
        "WebM": Good(
            lambda path: write_video(path / "a.webm", calm, codec="libvpx-vp9", options=QUICK_VPX)
        ),
        "odd sizes": Good(
            lambda path: write_video(
                path / "a.mov", odd, codec="mjpeg", pixels="yuvj444p", options={"q:v": "2"}
            )
        ),
        "a wall, and a cut": Good(
            lambda path: write_video(path / "a.mp4", [*[material.wall] * 12, *calm]), leaves_out=("no face",)
        ),
        "a hand at first": Good(
            lambda path: write_video(path / "a.mp4", [*covered(), *calm]),
            leaves_out=("something is before the mouth",),
        ),
        "a guest at first": Good(
            lambda path: write_video(path / "a.mp4", [*with_guest(), *_beside(calm)]),
            leaves_out=("two faces",),
        ),
    }  # fmt: skip


def _beside(frames: Iterable[Image]) -> Iterable[Image]:
    return (np.concatenate([frame, np.full_like(frame, 180)], axis=1) for frame in frames)


def _far(frame: Image) -> Image:
    height, width = frame.shape[:2]
    small = cv2.resize(frame, (width // 3, height // 3), interpolation=cv2.INTER_AREA)
    edges = height - small.shape[0], 0, 0, width - small.shape[1]
    return np.asarray(cv2.copyMakeBorder(small, *edges, cv2.BORDER_REPLICATE), np.uint8)


def _cut(path: Path, share: float) -> Path:
    data = path.read_bytes()
    path.write_bytes(data[: round(len(data) * share)])
    return path


def _told_size(path: Path) -> Path:
    """Its pictures, JPEG, claim to be 16384 x 16384."""
    data = path.read_bytes()
    width, height = (int.from_bytes(data[place : place + 2], "big") for place in _size_of_jpeg(data))
    told, lie = struct.pack(">HH", height, width), struct.pack(">HH", 16384, 16384)
    path.write_bytes(data.replace(b"\xff\xc0\x00\x11\x08" + told, b"\xff\xc0\x00\x11\x08" + lie))
    return path


def _size_of_jpeg(data: bytes) -> tuple[int, int]:
    """Where the first frame's width and height stand."""
    place = data.index(b"\xff\xc0\x00\x11\x08") + 5
    return place + 2, place


def _claims(path: Path) -> Path:
    """A key frame of VP8 that claims 16383 x 16383, in a container that knows nothing of it."""
    data = bytearray(path.read_bytes())
    place = data.index(b"\x9d\x01\x2a")
    data[place + 3 : place + 7] = b"\xff\x3f\xff\x3f"
    path.write_bytes(data)
    return path


def _bytes(path: Path, data: bytes) -> Path:
    path.write_bytes(data)
    return path


def refusals(material: Material, cat: Image) -> dict[str, Refused]:
    """All videos that become none, by name."""
    calm, wall = material.calm, material.wall
    width = wall.shape[1]
    small = [_far(frame) for frame in calm]
    pair = [np.concatenate([frame, frame[:, ::-1]], axis=1) for frame in calm]
    walls = [wall if (n // 30) % 2 else frame for n, frame in enumerate(chain(calm, calm))]
    moved = [np.ascontiguousarray(frame[:, width // 2 :]) for frame in calm]

    def video(frames: Iterable[Image], name: str = "a.mp4", **options: object) -> Callable[[Path], Path]:
        return lambda path: write_video(path / name, frames, **options)  # pyright: ignore[reportArgumentType]

    return {
        "no face": Refused(video([cat] * 20 + [cat[:, ::-1]] * 80), "no_face", "one person"),
        "two faces": Refused(video(pair), "several_faces", "only one person"),
        "a face too far away": Refused(video(small), "face_too_small", "closer"),
        "half of a face": Refused(video(moved), "face_cut_off", "whole head"),
        "a still picture": Refused(video([calm[0]] * 90), "frozen_video", "from a photo"),
        "never three seconds in a row": Refused(video(walls), "no_steady_stretch", "1.2-2.4 s: no face"),
        "too short": Refused(video(calm[:20]), "video_too_short", "10 to 30 seconds"),
        "two seconds": Refused(video(calm[:60]), "video_too_short", "3 seconds"),
        "one frame": Refused(video(calm[:1]), "video_too_short", "10 to 30 seconds"),
        "too long": Refused(video([wall] * 130, rate=2), "video_too_long", "Cut it"),
        "too few pixels": Refused(
            video([frame[:90, :160] for frame in calm[:40]]), "video_too_small", "640 x 480"
        ),
        "too many pixels": Refused(
            video([np.zeros((96, 4200, 3), np.uint8)] * 30), "video_too_large", "1080p"
        ),
        "only sound": Refused(lambda path: only_sound(path / "a.mp4"), "not_a_video", "only sound"),
        "truncated MP4": Refused(
            lambda path: _cut(write_video(path / "a.mp4", calm[:50]), 0.6), "truncated_video", "again"
        ),
        "truncated WebM": Refused(
            lambda path: _cut(
                write_video(path / "a.webm", calm[:50], codec="libvpx", options={"deadline": "realtime"}), 0.6
            ),
            "truncated_video",
            "again",
        ),
        "bomb in its header": Refused(
            lambda path: _told_size(
                write_video(path / "a.mov", calm[:30], codec="mjpeg", pixels="yuvj420p", options={"q:v": "2"})
            ),
            "truncated_video",
            "again",
        ),
        "bomb in its pictures": Refused(
            lambda path: _claims(
                write_video(path / "a.webm", calm[:30], codec="libvpx", options={"deadline": "realtime"})
            ),
            "truncated_video",
            "again",
        ),
        "text": Refused(lambda path: _bytes(path / "a.mp4", b"My video.\n" * 90), "not_a_video", "MP4"),
        "playlist": Refused(
            lambda path: _bytes(path / "a.mp4", b"#EXTM3U\n#EXTINF:10,\nfile:///etc/passwd\n"),
            "not_a_video",
            "MP4",
        ),
        "empty": Refused(lambda path: _bytes(path / "a.mp4", b""), "not_a_video", "MP4"),
    }
