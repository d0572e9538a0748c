"""Files of sound of many kinds, made by the real encoders."""

import io
import struct

import av
import numpy as np
from numpy.typing import NDArray

SECONDS = 1.0
TONE_HERTZ = 440.0


def tone(rate: int, seconds: float = SECONDS, level: float = 0.5) -> NDArray[np.float32]:
    t = np.arange(round(rate * seconds)) / rate
    return (level * np.sin(2 * np.pi * TONE_HERTZ * t)).astype(np.float32)


def clicks(rate: int, times: tuple[float, ...], seconds: float = SECONDS) -> NDArray[np.float32]:
    """Short bursts of noise at known times."""
    sound = np.zeros(round(rate * seconds), np.float32)
    burst = np.random.default_rng(1).uniform(-0.8, 0.8, rate // 200).astype(np.float32)
    for time in times:
        begin = round(time * rate)
        sound[begin : begin + burst.size] = burst
    return sound


def encoded(
    sound: NDArray[np.float32],
    rate: int,
    container: str,
    codec: str,
    sample_format: str,
    layout: str = "mono",
) -> bytes:
    """A file of ``sound``, which is (n,) for every channel alike or (channels, n)."""
    file = io.BytesIO()
    with av.open(file, "w", format=container) as output:
        stream = output.add_stream(codec, rate=rate, layout=layout, options={"strict": "experimental"})
        assert isinstance(stream, av.AudioStream)
        stream.codec_context.format = sample_format  # pyright: ignore[reportAttributeAccessIssue]
        channels = np.atleast_2d(sound)
        if channels.shape[0] == 1:
            channels = np.repeat(channels, stream.layout.nb_channels, axis=0)
        frame = av.AudioFrame.from_ndarray(channels.T.reshape(1, -1), format="flt", layout=layout)
        frame.sample_rate = rate
        converter = av.AudioResampler(sample_format, layout, rate)
        for converted in (*converter.resample(frame), *converter.resample(None)):
            output.mux(stream.encode(converted))
        output.mux(stream.encode(None))
    return file.getvalue()


def wav(sound: NDArray[np.float32], rate: int = 24_000) -> bytes:
    return encoded(sound, rate, "wav", "pcm_s16le", "s16")


def wav_of(
    data: bytes, rate: int = 24_000, channels: int = 1, bits: int = 16, tag: int = 1, size: int | None = None
) -> bytes:
    """A WAV file whose header says what it is told, true or not."""
    block = channels * bits // 8
    header = struct.pack("<HHIIHH", tag, channels, rate, (rate * block) % 2**32, block % 2**16, bits)
    length = len(data) if size is None else size
    return (
        b"RIFF"
        + struct.pack("<I", 36 + len(data))
        + b"WAVEfmt "
        + struct.pack("<I", 16)
        + header
        + (b"data" + struct.pack("<I", length) + data)
    )


def film(with_sound: bool) -> bytes:
    """A Matroska film, with subtitles of sound and picture as browsers record it."""
    file = io.BytesIO()
    with av.open(file, "w", format="matroska") as output:
        picture = output.add_stream("libx264", rate=25)
        picture.width = picture.height = 64
        picture.pix_fmt = "yuv420p"
        sound = output.add_stream("libopus", rate=48_000, layout="mono") if with_sound else None
        for _ in range(10):
            output.mux(picture.encode(av.VideoFrame(64, 64, "yuv420p")))
        output.mux(picture.encode(None))
        if sound is not None:
            frame = av.AudioFrame.from_ndarray(tone(48_000)[None], format="flt", layout="mono")
            frame.sample_rate = 48_000
            output.mux(sound.encode(frame))
            output.mux(sound.encode(None))
    return file.getvalue()


def table_bomb(samples: int) -> bytes:
    """An M4A file of a few hundred bytes whose tables claim ``samples`` entries of 24 bytes each."""

    def box(name: bytes, *parts: bytes) -> bytes:
        body = b"".join(parts)
        return struct.pack(">I", 8 + len(body)) + name + body

    def full(name: bytes, *parts: bytes) -> bytes:
        return box(name, bytes(4), *parts)

    def words(*values: int) -> bytes:
        return struct.pack(f">{len(values)}I", *values)

    matrix = words(0x10000, 0, 0, 0, 0x10000, 0, 0, 0, 0x40000000)
    entry = box(b"sowt", bytes(6) + b"\0\1" + bytes(8) + struct.pack(">HHHHI", 1, 16, 0, 0, 24_000 << 16))
    tables = box(
        b"stbl",
        full(b"stsd", words(1), entry),
        full(b"stts", words(2, samples - 1, 1, 1, 2)),
        full(b"stsc", words(1, 1, samples, 1)),
        full(b"stsz", words(1, samples)),
        full(b"stco", words(1, 1000)),
    )
    media = box(
        b"mdia",
        full(b"mdhd", words(0, 0, 24_000, samples), bytes(4)),
        full(b"hdlr", words(0), b"soun", bytes(12), b"x\0"),
        box(b"minf", full(b"smhd", bytes(4)), tables),
    )
    track = box(b"trak", full(b"tkhd", words(0, 0, 1, 0, samples), bytes(16), matrix, words(0, 0)), media)
    head = full(
        b"mvhd", words(0, 0, 24_000, samples, 0x10000), b"\1" + bytes(11), matrix, bytes(24), words(2)
    )
    return box(b"ftyp", b"M4A \0\0\0\0M4A mp42") + box(b"moov", head, track) + box(b"mdat", bytes(5000))


def playlists(target: str) -> dict[str, bytes]:
    """Files that make FFmpeg open ``target`` when nobody stops it, and some more that hold no sound."""
    return {
        "ffconcat": f"ffconcat version 1.0\nfile '{target}'\n".encode(),
        "m3u8": f"#EXTM3U\n#EXT-X-TARGETDURATION:2\n#EXTINF:2,\nfile://{target}\n#EXT-X-ENDLIST\n".encode(),
        "m3u8 of the web": (
            b"#EXTM3U\n#EXT-X-TARGETDURATION:2\n#EXTINF:2,\nhttp://127.0.0.1:9/x.ts\n#EXT-X-ENDLIST\n"
        ),
        "dash": (
            '<?xml version="1.0"?><MPD xmlns="urn:mpeg:dash:schema:mpd:2011" type="static"><Period>'
            "<AdaptationSet><Representation>"
            f"<BaseURL>file://{target}</BaseURL></Representation></AdaptationSet></Period></MPD>"
        ).encode(),
        "sdp": b"v=0\no=- 0 0 IN IP4 127.0.0.1\ns=x\nc=IN IP4 127.0.0.1\nt=0 0\nm=audio 5004 RTP/AVP 0\n",
        "srt": b"1\n00:00:00,000 --> 00:00:02,000\nhello\n\n2\n00:00:03,000 --> 00:00:04,000\nthere\n",
        "ass": b"[Script Info]\nScriptType: v4.00+\n[Events]\nDialogue: x\n",
        "webvtt": b"WEBVTT\n\n00:00.000 --> 00:02.000\nhello\n",
    }
