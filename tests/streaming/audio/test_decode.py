import io
import random
from types import SimpleNamespace

import av
import numpy as np
import pytest
from numpy.typing import NDArray

from streaming.audio.decode import MAX_FRAME_SAMPLES, AudioFile, mono_of
from streaming.errors import ScriptRejected
from streaming.timing import SPEECH_RATE
from tests.support.recordings import (
    TONE_HERTZ,
    clicks,
    encoded,
    film,
    playlists,
    table_bomb,
    tone,
    wav,
    wav_of,
)

CLICKS = (0.1, 0.45, 0.8)


def decoded(data: bytes, **options: float) -> tuple[AudioFile, NDArray[np.float32]]:
    file = AudioFile(io.BytesIO(data), **options)
    return file, np.concatenate(list(file.pieces()))


def refusal(data: bytes, **options: float) -> str:
    with pytest.raises(ScriptRejected) as caught:
        decoded(data, **options)
    return caught.value.message


def pitch(sound: NDArray[np.float32]) -> float:
    spectrum = np.abs(np.fft.rfft(sound * np.hanning(sound.size)))
    return float(np.argmax(spectrum)) * SPEECH_RATE / sound.size


KINDS = [
    ("wav", "pcm_u8", "u8", 8_000),
    ("wav", "pcm_s16le", "s16", 24_000),
    ("wav", "pcm_s24le", "s32", 48_000),
    ("wav", "pcm_s32le", "s32", 22_050),
    ("wav", "pcm_f32le", "flt", 96_000),
    ("wav", "pcm_f64le", "dbl", 44_100),
    ("wav", "pcm_mulaw", "s16", 8_000),
    ("wav", "adpcm_ms", "s16", 16_000),
    ("aiff", "pcm_s16be", "s16", 44_100),
    ("mp3", "libmp3lame", "fltp", 44_100),
    ("mp3", "libmp3lame", "s16p", 16_000),
    ("mp3", "libmp3lame", "s16p", 11_025),
    ("ipod", "aac", "fltp", 44_100),
    ("mp4", "aac", "fltp", 22_050),
    ("adts", "aac", "fltp", 48_000),
    ("ipod", "alac", "s16p", 48_000),
    ("flac", "flac", "s16", 11_025),
    ("flac", "flac", "s32", 96_000),
    ("ogg", "libopus", "flt", 48_000),
    ("ogg", "libopus", "s16", 16_000),
    ("webm", "libopus", "flt", 48_000),
    ("matroska", "aac", "fltp", 48_000),
]


@pytest.mark.parametrize("layout", ["mono", "stereo"])
@pytest.mark.parametrize(("container", "codec", "sample_format", "rate"), KINDS)
def test_every_kind_of_file_gives_the_same_sound(
    container: str, codec: str, sample_format: str, rate: int, layout: str
):
    file, sound = decoded(encoded(tone(rate), rate, container, codec, sample_format, layout))
    assert sound.dtype == np.float32
    assert sound.size == pytest.approx(SPEECH_RATE, abs=0.15 * SPEECH_RATE)
    assert pitch(sound) == pytest.approx(TONE_HERTZ, abs=1.5)
    middle = sound[sound.size // 4 : -sound.size // 4]
    assert float(np.abs(middle).max()) == pytest.approx(0.5, rel=0.2)
    assert file.info.seconds == pytest.approx(sound.size / SPEECH_RATE, abs=0.15)
    assert file.info.channels == (1 if layout == "mono" else 2)
    assert file.damaged == 0


def test_ogg_vorbis_is_read_in_stereo():
    # FFmpeg's own encoder makes nothing else.
    file, sound = decoded(encoded(tone(44_100), 44_100, "ogg", "vorbis", "fltp", "stereo"))
    assert file.info.seconds == pytest.approx(1.0, abs=0.1)
    assert pitch(sound) == pytest.approx(TONE_HERTZ, abs=1.5)


def test_samples_at_the_lines_own_rate_are_left_as_they_are():
    values = np.random.default_rng(3).integers(-32_768, 32_767, SPEECH_RATE, np.int16)
    _, sound = decoded(wav_of(values.tobytes()))
    assert np.array_equal(sound, values.astype(np.float32) / 32_768)


@pytest.mark.parametrize("rate", [8_000, 11_025, 16_000, 22_050, 44_100, 48_000, 96_000])
def test_no_moment_moves_when_the_rate_changes(rate: int):
    _, sound = decoded(encoded(clicks(rate, CLICKS), rate, "wav", "pcm_f32le", "flt"))
    assert sound.size == SPEECH_RATE
    for time in CLICKS:
        around = np.abs(sound[round((time - 0.02) * SPEECH_RATE) :])
        assert int(np.argmax(around > 0.1)) / SPEECH_RATE == pytest.approx(0.02, abs=0.0006)


@pytest.mark.parametrize(
    ("container", "codec", "sample_format", "rate"),
    [
        ("mp3", "libmp3lame", "fltp", 44_100),
        ("ogg", "libopus", "flt", 48_000),
        ("webm", "libopus", "flt", 48_000),
    ],
)
def test_what_encoders_put_before_the_sound_is_left_out(
    container: str, codec: str, sample_format: str, rate: int
):
    data = encoded(clicks(rate, CLICKS), rate, container, codec, sample_format)
    _, sound = decoded(data)
    _, wanted = decoded(encoded(clicks(rate, CLICKS), rate, "wav", "pcm_f32le", "flt"))
    size = min(sound.size, wanted.size)
    spectrum = np.fft.rfft(sound[:size], 2 * size) * np.conj(np.fft.rfft(wanted[:size], 2 * size))
    shift = int(np.argmax(np.fft.irfft(spectrum)))
    assert min(shift, 2 * size - shift) <= 0.002 * SPEECH_RATE


def test_two_channels_become_their_mean():
    left, right = tone(SPEECH_RATE, level=0.8), tone(SPEECH_RATE, level=-0.2)
    _, sound = decoded(encoded(np.stack([left, right]), SPEECH_RATE, "wav", "pcm_f32le", "flt", "stereo"))
    assert np.allclose(sound, (left + right) / 2, atol=1e-6)
    _, same = decoded(encoded(tone(SPEECH_RATE, level=1.0), SPEECH_RATE, "wav", "pcm_f32le", "flt", "stereo"))
    assert np.allclose(same, tone(SPEECH_RATE, level=1.0), atol=1e-6), "both alike are as loud as one"


def test_surround_keeps_the_speech_in_the_centre_and_drops_the_rumble():
    channels = np.zeros((6, SPEECH_RATE), np.float32)
    channels[2] = tone(SPEECH_RATE)
    channels[3] = 0.9
    _, sound = decoded(encoded(channels, SPEECH_RATE, "wav", "pcm_f32le", "flt", "5.1"))
    shares = 1 / (1 + 2 * 0.5**0.5 + 2 * 0.5)
    assert np.allclose(sound, shares * channels[2], atol=1e-6)


@pytest.mark.parametrize(
    ("container", "codec", "sample_format", "layout"),
    [
        ("mp4", "aac", "fltp", "7.1"),
        ("ogg", "libopus", "flt", "7.1"),
        ("flac", "flac", "s16", "7.1"),
        ("ogg", "libopus", "flt", "5.1"),
        ("wav", "pcm_s24le", "s32", "22.2"),
        ("wav", "pcm_s16le", "s16", "12 channels"),
    ],
)
def test_many_channels_become_one(container: str, codec: str, sample_format: str, layout: str):
    _, sound = decoded(encoded(tone(48_000), 48_000, container, codec, sample_format, layout))
    assert pitch(sound) == pytest.approx(TONE_HERTZ, abs=1.5)
    assert float(np.abs(sound[6000:18_000]).max()) == pytest.approx(0.5, rel=0.2), "all alike: as loud as one"


def test_the_level_stays_and_what_is_too_loud_is_cut_off_and_told():
    file, sound = decoded(encoded(tone(48_000, level=1.8), 48_000, "wav", "pcm_f32le", "flt"))
    assert float(np.abs(sound).max()) == 1.0
    assert file.peak == pytest.approx(1.8, rel=0.01)
    file, sound = decoded(encoded(tone(48_000, level=0.001), 48_000, "wav", "pcm_f32le", "flt"))
    assert float(np.abs(sound).max()) == pytest.approx(0.001, rel=0.01)


def test_what_is_no_number_becomes_silence():
    values = np.full(SPEECH_RATE, 0.25, np.float32)
    values[100:200] = np.nan
    values[300:310] = np.inf
    _, sound = decoded(wav_of(values.tobytes(), bits=32, tag=3))
    assert np.isfinite(sound).all()
    assert not sound[100:200].any() and not sound[300:310].any()
    assert float(sound[50]) == 0.25


def test_a_file_of_nothing_but_nan_is_refused():
    nothing = np.full(SPEECH_RATE, np.nan, np.float32)
    assert "can be decoded" in refusal(wav_of(nothing.tobytes(), bits=32, tag=3))


def test_numbers_beyond_measure_do_no_harm():
    huge = np.full(SPEECH_RATE, 3e38, np.float32)
    _, sound = decoded(wav_of(huge.tobytes(), rate=16_000, channels=2, bits=32, tag=3))
    assert np.isfinite(sound).all() and float(np.abs(sound).max()) <= 1.0


def test_the_sound_of_a_film_is_taken():
    file, sound = decoded(film(with_sound=True))
    assert (file.info.codec, file.info.channels) == ("opus", 1)
    assert pitch(sound) == pytest.approx(TONE_HERTZ, abs=1.5)


@pytest.mark.parametrize("size", [0, 0xFFFFFFFF])
def test_a_wav_that_was_streamed_without_knowing_its_length_is_read(size: int):
    file, sound = decoded(wav_of(bytes(48_000), size=size))
    assert sound.size == SPEECH_RATE
    assert file.info.seconds == 1.0


def test_a_file_that_was_cut_off_is_read_as_far_as_it_goes():
    for data in (
        wav(tone(SPEECH_RATE, 4.0)),
        encoded(tone(44_100, 4.0), 44_100, "mp3", "libmp3lame", "fltp"),
        encoded(tone(48_000, 4.0), 48_000, "ogg", "libopus", "flt"),
        encoded(tone(44_100, 4.0), 44_100, "flac", "flac", "s16"),
    ):
        _, sound = decoded(data[: round(len(data) * 0.6)])
        assert 0.8 * SPEECH_RATE < sound.size < 3.6 * SPEECH_RATE


def test_damage_in_the_middle_is_skipped_as_players_do():
    seconds = 4.0
    data = bytearray(encoded(tone(44_100, seconds), 44_100, "mp3", "libmp3lame", "fltp"))
    middle = len(data) // 2
    data[middle : middle + 2500] = random.Random(1).randbytes(2500)
    _, sound = decoded(bytes(data))
    assert 0.85 * seconds * SPEECH_RATE < sound.size <= 1.05 * seconds * SPEECH_RATE
    assert pitch(sound[: SPEECH_RATE // 2]) == pytest.approx(TONE_HERTZ, abs=3)
    assert pitch(sound[-SPEECH_RATE:]) == pytest.approx(TONE_HERTZ, abs=3), "it goes on behind the damage"


def test_rate_may_change_between_the_links_of_a_chain():
    first = encoded(tone(44_100), 44_100, "mp3", "libmp3lame", "fltp")
    second = encoded(tone(22_050), 22_050, "mp3", "libmp3lame", "fltp")
    _, sound = decoded(first + second)
    assert sound.size == pytest.approx(2 * SPEECH_RATE, rel=0.1)
    assert pitch(sound[-SPEECH_RATE // 2 :]) == pytest.approx(TONE_HERTZ, abs=3)


@pytest.mark.parametrize("name", list(playlists("")))
def test_a_playlist_opens_nothing(name: str, tmp_path):
    secret = tmp_path / "secret.wav"
    secret.write_bytes(wav(tone(SPEECH_RATE)))
    assert "no recording" in refusal(playlists(str(secret))[name])


@pytest.mark.parametrize(
    ("data", "says"),
    [
        (b"", "no recording"),
        (b"R", "no recording"),
        (b"hello there\n" * 100, "no recording"),
        (bytes(10_000), "no recording"),
        (random.Random(2).randbytes(50_000), "no recording"),
        (wav_of(b"")[:30], "no recording"),
        (wav_of(b""), "no sound"),
        (film(with_sound=False), "no sound"),
        (wav_of(bytes(2000), rate=2**32 - 1), "no recording"),
        (wav_of(bytes(2000), rate=2**31 - 1), "claims"),
        (wav_of(bytes(2000), rate=1), "claims"),
        (wav_of(bytes(2000), channels=0), "claims"),
        (wav_of(bytes(2000), channels=65_535), "claims"),
        (wav_of(bytes(6000), channels=30), "claims"),
    ],
)
def test_what_is_no_recording_is_refused_with_what_to_do(data: bytes, says: str):
    message = refusal(data)
    assert says in message
    assert message.endswith((".", "Hz."))


@pytest.mark.parametrize("tag", [b"enca", b"drms"])
def test_a_protected_file_is_named_so(tag: bytes):
    data = encoded(tone(44_100), 44_100, "ipod", "aac", "fltp")
    entry = data.find(b"mp4a", data.find(b"stsd"))
    assert "protected" in refusal(data[:entry] + tag + data[entry + 4 :])


def test_what_is_too_long_is_refused_before_it_is_decoded():
    quiet = encoded(np.zeros(8_000 * 5, np.float32), 8_000, "flac", "flac", "s16")
    assert "3 seconds" in refusal(quiet, max_seconds=3.0)
    assert AudioFile(io.BytesIO(quiet), 5.0).info.seconds == 5.0


@pytest.mark.parametrize(
    ("packets", "seconds"),
    [
        ([(0, 8_000), (8_000, 0), (16_000, 8_000)], 1.0),
        ([(5_000, 12_000), (17_000, 12_000)], 1.0),
        ([(0, 12_000), (10**9, 12_000)], 1.0),
        ([(0, 12_000), (12_000, 2**32 - 5), (None, 12_000)], 1.0),
    ],
)
def test_the_length_is_judged_by_durations_and_by_stamps_where_they_are_missing(
    monkeypatch, packets: list[tuple[int | None, int]], seconds: float
):
    told = [SimpleNamespace(pts=pts, duration=duration, size=9) for pts, duration in packets]
    monkeypatch.setattr(AudioFile, "_packets", lambda _: iter(told))
    assert AudioFile(io.BytesIO(wav(tone(SPEECH_RATE)))).info.seconds == seconds


def test_more_sound_than_was_announced_is_cut_off(monkeypatch):
    monkeypatch.setattr(AudioFile, "_measure", lambda _: 1.0)
    file = AudioFile(io.BytesIO(wav(tone(SPEECH_RATE, 5.0))), 2.0)
    taken = 0
    with pytest.raises(ScriptRejected, match="2 seconds"):
        for piece in file.pieces():
            taken += piece.size
    assert taken <= 3.2 * SPEECH_RATE


def test_a_frame_that_claims_to_be_huge_is_not_made():
    data = bytearray(encoded(tone(24_000), 24_000, "ipod", "alac", "s16p"))
    extra = data.find(b"alac", data.find(b"alac", data.find(b"stsd")) + 4)
    data[extra + 8 : extra + 12] = (4096 * 4096).to_bytes(4, "big")
    file = AudioFile(io.BytesIO(bytes(data)))
    for piece in file.pieces():
        assert piece.size <= MAX_FRAME_SAMPLES
    assert file.damaged > 0


def test_a_table_of_millions_of_entries_leads_nowhere():
    # That it takes no memory beside is for the process that decodes.
    _, sound = decoded(table_bomb(100_000))
    assert sound.size < SPEECH_RATE


def test_unknown_channels_count_alike():
    frame = av.AudioFrame.from_ndarray(
        np.array([[0.2], [0.4], [0.9]], np.float32).repeat(10, axis=1), format="fltp", layout="3 channels"
    )
    mono = mono_of(frame)
    assert mono is not None and mono.shape == (10,)
    assert np.allclose(mono, 0.5)


@pytest.mark.parametrize("seed", range(40))
def test_whatever_is_broken_in_a_file_it_is_sound_or_refused(seed: int):
    rng = random.Random(seed)
    container, codec, sample_format, rate = rng.choice(KINDS)
    data = bytearray(encoded(tone(rate, 0.3), rate, container, codec, sample_format))
    for _ in range(rng.choice((1, 5, 50))):
        data[rng.randrange(min(len(data), rng.choice((100, 100_000))))] = rng.randrange(256)
    try:
        _, sound = decoded(bytes(data))
    except ScriptRejected:
        return
    assert np.isfinite(sound).all() and float(np.abs(sound).max()) <= 1.0
