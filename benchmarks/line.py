"""The line itself in real time: text to first audio, and a minute of speech sample for sample."""

from __future__ import annotations

import asyncio
import random
import statistics
import tempfile
from collections.abc import AsyncIterator
from pathlib import Path

import numpy as np

from avatars.store import AvatarStore
from benchmarks.result import Row
from benchmarks.texts import MINUTE, SENTENCES
from streaming.clock import SystemClock
from streaming.compositor.factory import AvatarCompositorFactory
from streaming.encoders.base import EncodedSlot, VideoCodec
from streaming.performer.local import LocalPerformer
from streaming.protocol import Event, UtteranceEnded
from streaming.session import Session
from streaming.sessions import SessionManager
from streaming.slots import Slot
from streaming.speech.base import SpeechRequest
from streaming.speech.registry import build_chain
from streaming.timing import SLOT_SAMPLES, SPEECH_RATE

UTTERANCES = 40
AUDIBLE = 10 ** (-40 / 20)
"""Samples above -40 dBFS are heard."""
LISTENED_SECONDS = 0.5
END_SECONDS = 120.0


class _Viewer:
    """Notes when the first slot of an utterance is handed to the sender, and when one ends."""

    codec: VideoCodec | None = "h264"

    def __init__(self) -> None:
        self.clock = SystemClock()
        self.first_spoken: float | None = None
        self.spoke = asyncio.Event()
        self.ended = asyncio.Event()
        self.reason = ""

    def deliver(self, slot: EncodedSlot) -> None:
        if slot.speaking and self.first_spoken is None:
            self.first_spoken = self.clock.now()
            self.spoke.set()

    def notify(self, event: Event) -> None:
        if isinstance(event, UtteranceEnded):
            self.reason = event.reason
            self.ended.set()

    def closed(self) -> None:
        self.ended.set()


class _Record:
    """Keeps every slot that a session has sent."""

    def __init__(self, session: Session) -> None:
        self.slots: list[Slot] = []
        self.indices: list[int] = []
        self._passed_on = session.sent
        session.sent = self.sent  # type: ignore[method-assign]

    def sent(self, index: int, slot: Slot | None) -> None:
        self._passed_on(index, slot)
        if slot is not None:
            self.slots.append(slot)
            self.indices.append(index)


async def _one(text: str) -> AsyncIterator[str]:
    yield text


async def _engine_output(text: str, seed: int) -> np.ndarray:
    engine = build_chain("hibari")
    await engine.warm_up()
    chunks = [chunk.pcm async for chunk in engine.synthesize(SpeechRequest(_one(text), seed=seed))]
    return np.concatenate(chunks)


def _audible_delay(slots: list[Slot]) -> float:
    """Seconds from an utterance's first sample to its first audible one."""
    samples = np.concatenate([slot.samples for slot in slots])
    return float(np.argmax(np.abs(samples) > AUDIBLE)) / SPEECH_RATE


async def _latencies(session: Session, viewer: _Viewer, record: _Record) -> tuple[list[float], list[float]]:
    rng = random.Random(1)
    to_packet, to_sound = [], []
    for number in range(UTTERANCES):
        viewer.first_spoken = None
        viewer.spoke.clear()
        record.slots.clear()
        # Any phase of the slot clock, as people's clicks have.
        await asyncio.sleep(0.3 + rng.random() * 0.08)
        began = viewer.clock.now()
        await session.say(SENTENCES[number % len(SENTENCES)])
        async with asyncio.timeout(END_SECONDS):
            await viewer.spoke.wait()
        await asyncio.sleep(LISTENED_SECONDS)
        assert viewer.first_spoken is not None
        to_packet.append(viewer.first_spoken - began)
        to_sound.append(to_packet[-1] + _audible_delay(record.slots))
        await session.interrupt()
    return to_packet, to_sound


async def measure() -> list[Row]:
    performer = LocalPerformer()
    await performer.start()
    with tempfile.TemporaryDirectory() as folder:
        manager = SessionManager(performer, AvatarCompositorFactory(AvatarStore(Path(folder))))
        try:
            session = await manager.create("mira")
            viewer = _Viewer()
            session.attach(viewer)
            record = _Record(session)
            to_packet, to_sound = await _latencies(session, viewer, record)
            record.slots.clear()
            record.indices.clear()
            await asyncio.sleep(0.5)
            viewer.ended.clear()
            name = await session.say(MINUTE)
            async with asyncio.timeout(END_SECONDS):
                await viewer.ended.wait()
            seed = int(name.removeprefix("u"))
        finally:
            await manager.close_all()
            await performer.close()
    source = await _engine_output(MINUTE, seed)
    sent = np.concatenate([slot.samples for slot in record.slots])
    common = min(sent.size, source.size)
    # The last slot is filled up with silence; whatever else is there or missing counts as different.
    different = int(np.count_nonzero(sent[:common] != source[:common])) + source.size - common
    different += int(np.count_nonzero(sent[source.size :]))
    doubled = len(record.slots) - len({slot.index for slot in record.slots})
    expected = -(-source.size // SLOT_SAMPLES)
    return [
        Row("text accepted to first spoken packet, median", statistics.median(to_packet) * 1e3, "ms", 80),
        Row("text accepted to first spoken packet, p95", float(np.percentile(to_packet, 95)) * 1e3, "ms"),
        Row("text accepted to first audible sample, median", statistics.median(to_sound) * 1e3, "ms"),
        Row("a minute: samples that differ from the engine's", different, "samples", 0),
        Row("a minute: slots lost or doubled", abs(expected - len(record.slots)) + doubled, "slots", 0),
        Row("a minute: slot indices skipped", int(np.sum(np.diff(record.indices) - 1)), "slots"),
        Row("a minute: length", source.size / SPEECH_RATE, "s"),
    ]
