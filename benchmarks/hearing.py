"""Live sound through a real server: from a piece of PCM to the slot that carries its sound and its lips."""

from __future__ import annotations

import asyncio
import random
import statistics
from collections.abc import AsyncIterator

import av
import httpx
import numpy as np
from numpy.typing import NDArray

from benchmarks.live import live_server
from benchmarks.result import Row
from server.client import LipstreamClient, SessionClient
from server.client_stream import MediaPacket, Stream
from streaming.clock import SystemClock
from streaming.encoders.opus import PRE_SKIP
from streaming.protocol import AppendAudio, SayAudio, UtteranceEnded, UtteranceStarted
from streaming.timing import OPUS_FRAME_SAMPLES, SPEECH_RATE, WIRE_RATE

PIECE_SECONDS = 0.02
PIECE_SAMPLES = round(PIECE_SECONDS * SPEECH_RATE)
SECONDS = 40
MARK_HERTZ, MARK_SECONDS = 1000.0, 0.1
MARK_EVERY_SECONDS = 0.33
"""Not a whole number of slots, so that marks meet all phases of the slot clock."""
SILENT_SECONDS = 0.04
"""A tone is over when nothing was heard for so long; pauses may have been shortened."""
MARK_LEVEL, BACKGROUND_LEVEL = 0.5, 0.02
JITTER_SECONDS = 0.02
ONSETS = 10
PATIENCE_SECONDS = 60.0
_FULL_SCALE = 32_768.0
"""The decoder gives 16-bit samples."""

_CLOCK = SystemClock()


def _marked(rng: np.random.Generator) -> tuple[NDArray[np.float32], list[int]]:
    """Quiet noise with short tones, and the sample at which each tone begins."""
    count = SECONDS * SPEECH_RATE
    sound = rng.normal(0, BACKGROUND_LEVEL / 4, count)
    tone = MARK_LEVEL * np.sin(
        2 * np.pi * MARK_HERTZ * np.arange(round(MARK_SECONDS * SPEECH_RATE)) / SPEECH_RATE
    )
    starts = [round(at * SPEECH_RATE) for at in np.arange(0.5, SECONDS - 1.0, MARK_EVERY_SECONDS)]
    for start in starts:
        sound[start : start + tone.size] += tone
    return sound.astype(np.float32), starts


class _Ear:
    """Takes what a viewer gets, and notes when each tone's packet came."""

    def __init__(self) -> None:
        self._codec = av.CodecContext.create("libopus", "r")
        assert isinstance(self._codec, av.AudioCodecContext)
        self._codec.sample_rate, self._codec.layout = WIRE_RATE, "mono"
        self._packets: list[tuple[float, NDArray[np.float32]]] = []
        self.started: list[UtteranceStarted] = []
        self.ended = asyncio.Event()

    async def listen(self, stream: Stream) -> None:
        async for message in stream:
            if isinstance(message, MediaPacket) and message.kind == "audio":
                came = _CLOCK.now()
                for frame in self._codec.decode(av.Packet(message.data)):  # type: ignore[attr-defined]
                    pcm = frame.to_ndarray().reshape(-1).astype(np.float32) / _FULL_SCALE
                    self._packets.append((came, pcm))
            elif isinstance(message, UtteranceStarted):
                self.started.append(message)
            elif isinstance(message, UtteranceEnded):
                self.ended.set()

    def onsets(self) -> list[float]:
        """When the packet came that holds a tone's beginning, for each tone that is heard."""
        sound = np.concatenate([pcm for _, pcm in self._packets])
        loud = np.flatnonzero(np.abs(sound) > MARK_LEVEL / 3)
        gap = SILENT_SECONDS * WIRE_RATE
        firsts = loud[np.concatenate(([True], np.diff(loud) > gap))]
        # The codec's own delay has moved the tone within the packets.
        numbers = np.maximum(0, firsts - PRE_SKIP) // OPUS_FRAME_SAMPLES
        return [self._packets[int(number)][0] for number in numbers]


async def _send(
    stream: Stream, sound: NDArray[np.float32], jitter: float, rng: random.Random
) -> NDArray[np.float64]:
    """Send pieces as a microphone does; when each was sent."""
    start, sent = _CLOCK.now(), []
    for number in range(sound.size // PIECE_SAMPLES):
        await _CLOCK.sleep_until(start + number * PIECE_SECONDS + rng.uniform(0, jitter))
        sent.append(_CLOCK.now())
        piece = sound[number * PIECE_SAMPLES : (number + 1) * PIECE_SAMPLES]
        await stream.send_pcm((piece * 32767).astype("<i2").tobytes())
    return np.array(sent)


async def _delays(session: SessionClient, jitter: float) -> list[float]:
    """Seconds from a tone's piece to the packet that carries its beginning."""
    sound, starts = _marked(np.random.default_rng(1))
    ear, rng = _Ear(), random.Random(1)
    async with session.connect() as stream:
        listening = asyncio.create_task(ear.listen(stream))
        try:
            await stream.send(SayAudio(utterance="marks", live=True))
            sent = await _send(stream, sound, jitter, rng)
            await stream.send(AppendAudio(utterance="marks", final=True))
            async with asyncio.timeout(PATIENCE_SECONDS):
                await ear.ended.wait()
        finally:
            listening.cancel()
            await asyncio.gather(listening, return_exceptions=True)
    heard = np.array(ear.onsets())
    delays = []
    for start in starts:
        said = sent[start // PIECE_SAMPLES]
        after = heard[heard >= said]
        # One that was lost in a gap has no onset of its own.
        if after.size and after[0] - said < MARK_EVERY_SECONDS:
            delays.append(float(after[0] - said))
    if not delays:
        raise RuntimeError("nothing of the live sound was heard; is the machine too busy?")
    return delays


async def _first_slots(session: SessionClient) -> list[float]:
    """Seconds from the first sound of an open microphone's utterances to their first slots, as told."""
    rng = np.random.default_rng(2)
    one = np.concatenate(
        (rng.normal(0, 0.0005, SPEECH_RATE // 2), rng.normal(0, 0.1, SPEECH_RATE // 2), np.zeros(SPEECH_RATE))
    )
    ear = _Ear()
    async with session.connect() as stream:
        listening = asyncio.create_task(ear.listen(stream))
        try:
            await stream.send(SayAudio(utterance="mic", live=True, end_after_silence=0.5))
            await _send(stream, np.tile(one, ONSETS).astype(np.float32), 0.0, random.Random(2))
        finally:
            listening.cancel()
            await asyncio.gather(listening, return_exceptions=True)
    return [started.latency_ms / 1e3 for started in ear.started]


async def _gaps(url: str) -> float:
    async with httpx.AsyncClient(trust_env=False) as http:
        lines = (await http.get(f"{url}/metrics")).text.splitlines()
    return next(float(line.split()[1]) for line in lines if line.startswith("lipstream_sound_late_total"))


async def _measured(url: str) -> AsyncIterator[Row]:
    async with LipstreamClient(url) as client:
        for jitter, name in ((0.0, "in step"), (JITTER_SECONDS, f"up to {JITTER_SECONDS * 1e3:.0f} ms late")):
            before = await _gaps(url)
            async with await client.create_session() as session:
                delays = await _delays(session, jitter)
            yield Row(f"live sound {name} to its slot, median", statistics.median(delays) * 1e3, "ms", 150)
            yield Row(f"live sound {name} to its slot, p95", float(np.percentile(delays, 95)) * 1e3, "ms")
            yield Row(f"live sound {name}: gaps in {SECONDS} s", await _gaps(url) - before, "gaps")
        async with await client.create_session() as session:
            firsts = await _first_slots(session)
    yield Row(
        "open microphone: speech begins to first slot, median", statistics.median(firsts) * 1e3, "ms", 150
    )
    yield Row("open microphone: utterances heard", len(firsts), "of 10", ONSETS, "higher")


async def measure() -> list[Row]:
    async with live_server() as server:
        return [row async for row in _measured(server.url)]
