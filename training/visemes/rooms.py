"""Rooms and devices between a speaker and the network, on the waveform."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from scipy.signal import butter, fftconvolve, sosfilt

from streaming.timing import SPEECH_RATE

Sound = NDArray[np.floating]

REVERBERATION_SECONDS = (0.15, 1.1)
"""Time in which the late sound falls by 60 dB, at middle frequencies."""
DIRECT_TO_REVERBERANT = (-3.0, 14.0)
"""Decibels."""
EARLY_SECONDS = (0.0015, 0.050)
EARLY_REFLECTIONS = (4, 24)
DAMPING_HERTZ = (1500.0, 9000.0)
"""Above this the tail dies sooner."""
PHONE_BAND = (300.0, 3400.0)
PHONE_SHARE, CLIPPING_SHARE, ROOM_SHARE, NOISE_SHARE = 0.25, 0.2, 0.5, 0.7
NOISE_DECIBELS = (6.0, 35.0)
"""Below the speech."""
COLOURS = (0.0, -0.5, -1.0)
"""Exponents of white, pink and brown noise over frequency."""


def impulse_response(rng: np.random.Generator) -> NDArray[np.float64]:
    """A random room: the direct sound at 0, early reflections, a diffuse tail that darkens."""
    seconds = float(np.exp(rng.uniform(*np.log(REVERBERATION_SECONDS))))
    n = int(seconds * SPEECH_RATE)
    t = np.arange(n) / SPEECH_RATE
    onset = rng.uniform(0.005, 0.030)
    tail = rng.standard_normal(n) * np.exp(-6.9 * t / seconds) * (t > onset)
    dark = butter(1, rng.uniform(*DAMPING_HERTZ), "low", fs=SPEECH_RATE, output="sos")
    # Highs die sooner: the darker copy takes over.
    share = np.exp(-t / (0.3 * seconds))
    tail = tail * share + np.asarray(sosfilt(dark, tail)) * (1 - share)
    early = np.zeros(n)
    last = min(EARLY_SECONDS[1], seconds * 0.8)
    for at in rng.uniform(EARLY_SECONDS[0], last, int(rng.integers(*EARLY_REFLECTIONS))):
        early[int(at * SPEECH_RATE)] += rng.choice((-1.0, 1.0)) * rng.uniform(0.3, 1.0) * np.exp(-at / 0.030)
    reflected = early / max(float(np.linalg.norm(early)), 1e-9) * rng.uniform(0.3, 1.0)
    reflected += tail / max(float(np.linalg.norm(tail)), 1e-9)
    level = 10 ** (-rng.uniform(*DIRECT_TO_REVERBERANT) / 20)
    out = reflected / np.linalg.norm(reflected) * level
    out[0] = 1.0
    return out


def in_room(sound: Sound, rng: np.random.Generator) -> Sound:
    """The sound in a random room."""
    return convolved(sound, impulse_response(rng))


def through_device(sound: Sound, rng: np.random.Generator) -> Sound:
    """The sound through a random microphone and line, perhaps with a room and noise before it."""
    if rng.random() < ROOM_SHARE:
        sound = in_room(sound, rng)
    if rng.random() < NOISE_SHARE:
        level = float(np.sqrt(np.square(sound).mean())) * 10 ** (-rng.uniform(*NOISE_DECIBELS) / 20)
        sound = sound + coloured_noise(len(sound), COLOURS[rng.integers(len(COLOURS))], rng) * np.float32(
            level
        )
    if rng.random() < PHONE_SHARE:
        sound = over_telephone(sound)
    else:
        low, high = (
            np.exp(rng.uniform(np.log(40), np.log(250))),
            np.exp(rng.uniform(np.log(3400), np.log(11000))),
        )
        band = butter(int(rng.integers(1, 4)), (low, high), "band", fs=SPEECH_RATE, output="sos")
        sound = np.asarray(sosfilt(band, sound), np.float32)
    if rng.random() < CLIPPING_SHARE:
        drive = rng.uniform(1.0, 6.0)
        sound = (np.tanh(sound * drive) / drive).astype(np.float32)
    return sound


def over_telephone(sound: Sound) -> Sound:
    """Band and mu-law quantisation of a telephone line (ITU-T G.711)."""
    band = butter(4, PHONE_BAND, "band", fs=SPEECH_RATE, output="sos")
    heard = np.clip(np.asarray(sosfilt(band, sound)), -1, 1)
    code = np.round(np.sign(heard) * np.log1p(255 * np.abs(heard)) / np.log(256) * 127) / 127
    decoded = np.sign(code) * (256 ** np.abs(code) - 1) / 255
    return np.asarray(sosfilt(band, decoded), np.float32)


def coloured_noise(samples: int, exponent: float, rng: np.random.Generator) -> Sound:
    """Noise of RMS 1 whose amplitude follows frequency to this power."""
    if exponent == 0.0:
        return rng.standard_normal(samples, np.float32)
    spectrum = np.fft.rfft(rng.standard_normal(samples))
    hertz = np.fft.rfftfreq(samples, 1 / SPEECH_RATE)
    noise = np.fft.irfft(spectrum * np.maximum(hertz, 20.0) ** exponent, samples)
    return (noise / noise.std()).astype(np.float32)


def convolved(sound: Sound, response: NDArray[np.float64]) -> Sound:
    """The sound in the room of this impulse response, as long as before."""
    return np.asarray(fftconvolve(sound, response.astype(np.float32))[: len(sound)], np.float32)
