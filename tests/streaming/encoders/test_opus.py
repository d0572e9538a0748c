import av
import numpy as np
import pytest

from streaming.encoders.opus import PRE_SKIP, SILENCE, OpusEncoder
from streaming.timing import SLOT_SAMPLES, WIRE_RATE
from tests.support.media import TONE_HERTZ, pitch, tone


def decode(packets: list[bytes]) -> np.ndarray:
    decoder = av.CodecContext.create("libopus", "r")
    decoder.sample_rate = WIRE_RATE
    decoder.layout = "mono"
    frames = [sound for data in packets for sound in decoder.decode(av.Packet(data))]
    assert all(sound.samples == 960 for sound in frames), "20 ms at 48 kHz each"
    pcm = np.concatenate([sound.to_ndarray().ravel() for sound in frames])
    return pcm.astype(np.float32) / 32768 if pcm.dtype == np.int16 else pcm


def test_a_slot_gives_two_packets_at_once_and_the_tone_survives() -> None:
    encoder = OpusEncoder()
    packets = [packet for i in range(25) for packet in encoder.encode(tone(i))]
    assert len(packets) == 50
    pcm = decode(packets)
    assert pcm.size == 25 * 1920
    assert pitch(pcm[9600:], WIRE_RATE) == pytest.approx(TONE_HERTZ, abs=3)


def test_the_look_ahead_is_what_the_constant_says() -> None:
    encoder = OpusEncoder()
    click = np.zeros(SLOT_SAMPLES, np.float32)
    click[480] = 0.9
    quiet = np.zeros(SLOT_SAMPLES, np.float32)
    packets = [p for s in (quiet, quiet, click, quiet) for p in encoder.encode(s)]
    peak = int(np.argmax(np.abs(decode(packets))))
    assert peak == pytest.approx(2 * 1920 + 960 + PRE_SKIP, abs=12)


def test_silence_is_silent_between_other_packets() -> None:
    assert np.abs(decode([SILENCE] * 4)).max() == 0.0
    assert OpusEncoder().encode(np.zeros(SLOT_SAMPLES, np.float32)) == (SILENCE, SILENCE)


def test_other_shapes_are_refused() -> None:
    encoder = OpusEncoder()
    with pytest.raises(ValueError, match="960"):
        encoder.encode(np.zeros(480, np.float32))
    encoder.close()
    with pytest.raises(ValueError, match="closed"):
        encoder.encode(np.zeros(SLOT_SAMPLES, np.float32))
