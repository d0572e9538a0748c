"""Films as players see them."""

import io
import wave
import zipfile
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import av
import cv2
import numpy as np
from numpy.typing import NDArray


@dataclass
class Seen:
    """Pictures are (N, h, w, 4) RGBA, straight; sound is (n,) -1..1."""

    pictures: NDArray[np.uint8]
    times: list[float]
    sound: NDArray[np.float32]
    rate: int
    metadata: dict[str, str]
    streams: dict[str, str]


def watch(path: Path) -> Seen:
    """Everything in a film of any of the formats."""
    return _unzip(path) if path.suffix == ".zip" else _play(path)


def _play(path: Path) -> Seen:
    pictures, times, sounds = [], [], []
    with av.open(str(path)) as container:
        video, audio = container.streams.video[0], container.streams.audio[0]
        decoder: Any = video.codec_context
        if decoder.name == "vp9":
            # FFmpeg's own leaves alpha out.
            decoder = av.CodecContext.create("libvpx-vp9", "r")
        for packet in container.demux(video):
            for frame in decoder.decode(packet if packet.size else None):
                pictures.append(frame.to_ndarray(format="rgba"))
                times.append(float(frame.pts * video.time_base))
        metadata = {key.lower(): value for key, value in container.metadata.items()}
        streams = {"video": video.codec_context.name, "audio": audio.codec_context.name}
        rate = audio.rate
    with av.open(str(path)) as container:
        for sound in container.decode(audio=0):
            values = sound.to_ndarray().reshape(-1)
            sounds.append(values / 32768 if values.dtype == np.int16 else values)
    sound = np.concatenate(sounds).astype(np.float32)
    return Seen(np.array(pictures), times, sound, rate, metadata, streams)


def _unzip(path: Path) -> Seen:
    with zipfile.ZipFile(path) as archive:
        assert archive.testzip() is None
        names = sorted(name for name in archive.namelist() if name.endswith(".png"))
        pictures = []
        for name in names:
            data = np.frombuffer(archive.read(name), np.uint8)
            picture = cv2.imdecode(data, cv2.IMREAD_UNCHANGED)
            assert picture is not None
            code = cv2.COLOR_BGRA2RGBA if picture.shape[2] == 4 else cv2.COLOR_BGR2RGBA
            pictures.append(cv2.cvtColor(picture, code))
        with wave.open(io.BytesIO(archive.read("sound.wav"))) as file:
            rate = file.getframerate()
            levels = np.frombuffer(file.readframes(file.getnframes()), "<i2")
            sound = np.asarray(levels / 32768, np.float32)
        lines = archive.read("about.txt").decode().splitlines() if "about.txt" in archive.namelist() else []
    metadata = dict(line.split(": ", 1) for line in lines)
    return Seen(
        np.array(pictures), [n / 25 for n in range(len(names))], sound, rate, metadata, {"video": "png"}
    )
