"""The face that listens: its cost, its delay, and how near it comes to the face that knows the sounds.

The reference is the text-driven face on the same speech: both draw patches, and nothing is rendered here.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator, Callable, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from benchmarks.result import Row
from benchmarks.texts import MINUTE
from streaming.face.atlas_face import AtlasFace
from streaming.face.base import FaceRequest
from streaming.face.log_mel import ROWS_PER_STEP, LogMel, log_mel
from streaming.face.viseme_net import STEP_MS, VisemeNet
from streaming.face.visemes import BITTEN, PRESSED
from streaming.slots import MouthShape
from streaming.speech.base import Phoneme, SpeechChunk, SpeechRequest
from streaming.speech.registry import build_chain
from streaming.timing import FPS, LOOK_AHEAD_MS, SLOT_SAMPLES, SPEECH_RATE

LOOK_AHEADS_MS = (0, 40, 80, 120)
ROUNDS = 7
"""The quickest of so many rounds counts: others share the machine."""
STEPS_PER_FRAME = SLOT_SAMPLES * 1000 // SPEECH_RATE // STEP_MS
PIECE_SAMPLES = SPEECH_RATE // 1000
DELAY_SECONDS = 4
NOISE_SECONDS = 20
NOISE_DECIBELS = -40.0
QUIET_DECIBELS = -26.0
"""Speech is made this much quieter to see whether the face still hears it."""
MOVED = 0.03
"""An aperture beyond this in silence is seen."""
CLOSED = 0.5
Samples = NDArray[np.float32]


@dataclass(frozen=True, slots=True)
class _Speech:
    pcm: Samples
    sounds: Sequence[Phoneme]
    known: Sequence[MouthShape]


async def _speech() -> _Speech:
    async def text() -> AsyncIterator[str]:
        yield MINUTE

    engine = build_chain("hibari")
    chunks = [chunk async for chunk in engine.synthesize(SpeechRequest(text()))]
    stream = AtlasFace().open(FaceRequest("anyone"))
    known = [patch for chunk in chunks for patch in stream.push(chunk)] + stream.flush()
    sounds: list[Phoneme] = []
    samples = 0
    for chunk in chunks:
        at = samples / SPEECH_RATE
        sounds += [Phoneme(p.symbol, p.start + at, p.end + at, p.stress) for p in chunk.phonemes]
        samples += len(chunk.pcm)
    return _Speech(np.concatenate([chunk.pcm for chunk in chunks]), sounds, known)


def _pieces(pcm: Samples, size: int) -> list[SpeechChunk]:
    return [SpeechChunk(pcm[i : i + size]) for i in range(0, len(pcm), size)]


def _listen(face: AtlasFace, pieces: Sequence[SpeechChunk], look_ahead_ms: int) -> list[MouthShape]:
    stream = face.open(FaceRequest("anyone", look_ahead_ms))
    return [patch for piece in pieces for patch in stream.push(piece)] + stream.flush()


def _milliseconds(work: Callable[[], object], frames: int) -> float:
    """Milliseconds of this thread's time per frame."""
    times: list[float] = []
    for _ in range(ROUNDS):
        began = time.thread_time()
        work()
        times.append(time.thread_time() - began)
    return min(times) / frames * 1000


def _cost(face: AtlasFace, pcm: Samples) -> list[Row]:
    pieces = _pieces(pcm, SLOT_SAMPLES)
    rows = log_mel(pcm)
    portion = ROWS_PER_STEP * STEPS_PER_FRAME
    portions = rows[: len(rows) // portion * portion].reshape(-1, portion, rows.shape[1])
    net = VisemeNet()

    def mel() -> None:
        ear = LogMel()
        for piece in pieces:
            ear.push(piece.pcm)

    def network() -> None:
        stream = net.open()
        for each in portions:
            stream.hear(each)

    whole = _milliseconds(lambda: _listen(face, pieces, LOOK_AHEAD_MS), len(pieces))
    unit = "ms/frame"
    return [
        Row("network", _milliseconds(network, len(portions)), unit, 0.05),
        Row("log-mel rows", _milliseconds(mel, len(pieces)), unit),
        Row("whole stream: mel, network, closures, finishing", whole, unit),
    ]


def _delay_ms(face: AtlasFace, pcm: Samples, look_ahead_ms: int) -> float:
    """Sound beyond a slot's end that is in when its patch comes out: the longest of all slots."""
    stream = face.open(FaceRequest("anyone", look_ahead_ms))
    made, longest = 0, 0
    for i, piece in enumerate(_pieces(pcm[: DELAY_SECONDS * SPEECH_RATE], PIECE_SAMPLES), start=1):
        for _ in stream.push(piece):
            made += 1
            longest = max(longest, i * PIECE_SAMPLES - made * SLOT_SAMPLES)
    return longest / SPEECH_RATE * 1000


def _closures(sounds: Sequence[Phoneme], heard: Sequence[MouthShape]) -> tuple[float, float]:
    """Share of m, b and p that are shown shut within a frame of the sound, and of other frames that are."""
    shut = np.array([patch.press > CLOSED for patch in heard])
    spoken = np.zeros(len(shut), bool)
    hits: list[bool] = []
    for sound in sounds:
        first, stop = max(0, int(sound.start * FPS) - 1), int(sound.end * FPS) + 2
        if sound.symbol in PRESSED:
            hits.append(bool(shut[first:stop].any()))
        if sound.symbol != "_":
            spoken[first + 1 : stop - 1] = True
    for sound in sounds:
        if sound.symbol in PRESSED | BITTEN | {"w"}:
            spoken[max(0, int(sound.start * FPS) - 2) : int(sound.end * FPS) + 3] = False
    return float(np.mean(hits)), float(shut[spoken].mean())


def _opening(known: Sequence[MouthShape], heard: Sequence[MouthShape]) -> float:
    return float(np.corrcoef([p.aperture for p in known], [p.aperture for p in heard])[0, 1])


def _likeness(face: AtlasFace, speech: _Speech) -> list[Row]:
    rows: list[Row] = []
    for look_ahead in LOOK_AHEADS_MS:
        heard = _listen(face, [SpeechChunk(speech.pcm)], look_ahead)
        hits, false = _closures(speech.sounds, heard)
        bound = look_ahead == LOOK_AHEAD_MS
        name = f"look-ahead {look_ahead} ms"
        rows += [
            Row(
                f"{name}: opening against the text-driven face",
                _opening(speech.known, heard),
                "correlation",
                0.85 if bound else None,
                "higher",
            ),
            Row(f"{name}: m, b, p shown shut", hits, "of all", 0.93 if bound else None, "higher"),
            Row(f"{name}: shut where nothing closes", false, "of frames"),
        ]
    quiet = speech.pcm * np.float32(10 ** (QUIET_DECIBELS / 20))
    heard = _listen(face, [SpeechChunk(quiet)], LOOK_AHEAD_MS)
    hits, _ = _closures(speech.sounds, heard)
    name = f"{QUIET_DECIBELS:g} dB"
    rows.append(Row(f"{name}: opening", _opening(speech.known, heard), "correlation", 0.80, "higher"))
    rows.append(Row(f"{name}: m, b, p shown shut", hits, "of all", 0.90, "higher"))
    return rows


def _stillness(face: AtlasFace) -> list[Row]:
    rng = np.random.default_rng(5)
    count = NOISE_SECONDS * SPEECH_RATE
    white = rng.standard_normal(count)
    pink = np.fft.irfft(np.fft.rfft(white) / np.sqrt(np.maximum(np.arange(count // 2 + 1), 1)), count)
    rows: list[Row] = []
    for name, sound in (("silence", white * 0), ("white noise", white), ("pink noise", pink)):
        level = 10 ** (NOISE_DECIBELS / 20) / max(float(sound.std()), 1e-9)
        heard = _listen(face, [SpeechChunk((sound * level).astype(np.float32))], LOOK_AHEAD_MS)
        moved = float(np.mean([p.aperture > MOVED or p.press > CLOSED or p.bite > CLOSED for p in heard]))
        label = name if name == "silence" else f"{name}, {NOISE_DECIBELS:g} dB"
        rows.append(Row(f"{label}: frames that move", moved, "of all", 0.01))
    return rows


async def measure() -> list[Row]:
    speech = await _speech()
    return await asyncio.to_thread(_measure, speech)


def _measure(speech: _Speech) -> list[Row]:
    face = AtlasFace()
    delays = [
        Row(
            f"look-ahead {look_ahead} ms: sound beyond a slot's end until its patch is out",
            _delay_ms(face, speech.pcm, look_ahead),
            "ms",
            look_ahead + STEP_MS,
        )
        for look_ahead in LOOK_AHEADS_MS
    ]
    return [*_cost(face, speech.pcm), *delays, *_likeness(face, speech), *_stillness(face)]
