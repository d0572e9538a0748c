import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from streaming.audio.pcm import AudioEncoding, PcmReader
from streaming.errors import ScriptRejected
from streaming.timing import SPEECH_RATE

RATES = (8_000, 11_025, 16_000, 22_050, 24_000, 32_000, 44_100, 48_000)


def tone(rate: int, seconds: float = 0.25, hertz: float = 440.0) -> np.ndarray:
    return (0.5 * np.sin(2 * np.pi * hertz * np.arange(round(rate * seconds)) / rate)).astype(np.float32)


def encoded(samples: np.ndarray, encoding: AudioEncoding) -> bytes:
    if encoding == "pcm_f32le":
        return samples.astype("<f4").tobytes()
    return np.round(samples * 32767).astype("<i2").tobytes()


def read(data: bytes, cuts: list[int], encoding: AudioEncoding, rate: int) -> np.ndarray:
    reader, parts, start = PcmReader(encoding, rate), [], 0
    for cut in [*sorted(cuts), len(data)]:
        parts.append(reader.push(data[start:cut]))
        start = cut
    return np.concatenate([*parts, reader.finish()])


@settings(max_examples=60, deadline=None)
@given(st.data(), st.sampled_from(RATES), st.sampled_from(["pcm_s16le", "pcm_f32le"]))
def test_the_same_samples_however_the_bytes_are_cut(data, rate: int, encoding: AudioEncoding):
    sound = np.random.default_rng(rate).uniform(-1, 1, rate // 20).astype(np.float32)
    raw = encoded(sound, encoding)
    cuts = data.draw(st.lists(st.integers(0, len(raw)), max_size=30))
    assert np.array_equal(read(raw, cuts, encoding, rate), read(raw, [], encoding, rate))


@pytest.mark.parametrize("rate", RATES)
def test_a_tone_keeps_its_pitch_its_level_and_its_length(rate: int):
    heard = read(encoded(tone(rate), "pcm_f32le"), [], "pcm_f32le", rate)
    wanted = tone(SPEECH_RATE)
    assert abs(heard.size - wanted.size) <= 2
    inner = slice(200, wanted.size - 200)
    assert np.abs(heard[inner] - wanted[inner]).max() < 1e-3


@pytest.mark.parametrize("rate", RATES)
def test_no_more_than_two_milliseconds_are_held_back(rate: int):
    reader = PcmReader("pcm_s16le", rate)
    given_, made = 0, 0
    for start in range(0, rate // 10, rate // 100):
        part = tone(rate)[start : start + rate // 100]
        given_ += part.size
        made += reader.push(encoded(part, "pcm_s16le")).size
        assert made >= given_ / rate * SPEECH_RATE - 0.002 * SPEECH_RATE - 1


def test_full_scale_and_beyond():
    assert PcmReader("pcm_s16le", 24_000).push(b"\x00\x80\xff\x7f").tolist() == [-1.0, 32767 / 32768]
    assert PcmReader("pcm_f32le", 24_000).push(np.array([-9, 1.5, 0.5], np.float32).tobytes()).tolist() == [
        -1,
        1,
        0.5,
    ]
    square = np.sign(tone(16_000)).astype(np.float32)
    assert np.abs(read(encoded(square, "pcm_f32le"), [], "pcm_f32le", 16_000)).max() <= 1.0


@pytest.mark.parametrize("bad", [np.nan, np.inf, -np.inf])
def test_what_is_no_number_is_refused_and_the_next_piece_taken(bad: float):
    reader = PcmReader("pcm_f32le", 48_000)
    with pytest.raises(ScriptRejected, match="NaN"):
        reader.push(np.array([0.1, bad], np.float32).tobytes())
    assert reader.push(encoded(tone(48_000), "pcm_f32le")).size


@pytest.mark.parametrize(("encoding", "rate"), [("mp3", 24_000), ("pcm_s16le", 7_999), ("pcm_s16le", 96_000)])
def test_other_encodings_and_rates_are_refused(encoding, rate: int):
    with pytest.raises(ScriptRejected):
        PcmReader(encoding, rate)


@pytest.mark.parametrize("rate", [16_000, 24_000])
def test_an_end_is_a_new_beginning(rate: int):
    reader, raw = PcmReader("pcm_s16le", rate), encoded(tone(rate), "pcm_s16le")
    first = np.concatenate((reader.push(raw + b"\x01"), reader.finish()))
    again = np.concatenate((reader.push(raw), reader.finish()))
    assert np.array_equal(first, again)


def test_nothing_makes_nothing():
    reader = PcmReader("pcm_s16le", 16_000)
    assert reader.push(b"").size == reader.push(b"\x01").size == reader.finish().size == 0
