"""A stream of sound as its sender sees it: one utterance, or one after another out of an open microphone."""

from __future__ import annotations

import asyncio
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from streaming.audio.gate import SpeechGate
from streaming.audio.utterance import MAX_SOUND_SAMPLES, SoundUtterance, too_long
from streaming.clock import Clock
from streaming.errors import UnknownUtterance
from streaming.protocol import MAX_ID
from streaming.timing import SPEECH_RATE

LIVE_GONE_SECONDS = 5.0
"""A live sender that sends nothing for so long is gone."""
GONE_SECONDS = 30.0
"""So is one that is free to take its time, and one whose sound nobody wants any more."""
MUTED_SECONDS = 600.0
"""An open microphone may be silent for so long."""
STEP_SAMPLES = SPEECH_RATE
"""More than a second of sound is worked off in steps, between which others have their turn."""


class Speaker(Protocol):
    """Who says what the streams make: the session's queue."""

    def is_taken(self, name: str) -> bool:
        """Whether something else has this id."""
        ...

    def begin_sound(self, name: str, came: float, live: bool) -> SoundUtterance:
        """Queue an utterance whose first sample came at monotonic second ``came``."""
        ...

    def sound_complete(self, entry: SoundUtterance) -> None:
        """No more sound comes for this utterance."""
        ...


class SoundStream:
    """Takes the sound of one ``say_audio`` and writes it into utterances.

    Args:
        name: the first utterance's id, by which the sender knows the stream.
        live: whether sound comes as it is spoken.
        end_after_silence: seconds of quiet that end an utterance, or ``None``.
        sender: whose sound it is; nobody else's goes in, not even under the same name.
        speaker: says the utterances.
        clock: time.
    """

    def __init__(
        self,
        name: str,
        *,
        live: bool,
        end_after_silence: float | None,
        sender: object,
        speaker: Speaker,
        clock: Clock,
    ) -> None:
        self.name = name
        self.sender = sender
        self.closed = False
        self._live = live
        self._gate = None if end_after_silence is None else SpeechGate(end_after_silence)
        self._speaker = speaker
        self._clock = clock
        self._count = 0
        self._entry: SoundUtterance | None = None
        self._unwanted = False
        self._last_came = clock.now()
        self._pushing = asyncio.Lock()
        if self._gate is None:
            self._entry = self._begin(self._last_came)

    @property
    def cut_off(self) -> bool:
        """Nothing that still comes is said: its id is free."""
        return self._unwanted

    async def push(self, samples: NDArray[np.float32], *, final: bool = False) -> None:
        """Take the next sound; returns when more is welcome, or at once when this is the last.

        Raises:
            UnknownUtterance: the utterance has ended.
            ScriptRejected: it has become too long.
            CapacityReached: a new one has no place in the queue.
        """
        async with self._pushing:
            for start in range(0, samples.size, STEP_SAMPLES):
                if start:
                    await asyncio.sleep(0)
                if self._unwanted:
                    break
                self._take(samples[start : start + STEP_SAMPLES])
                if self._entry is not None and not (final and start + STEP_SAMPLES >= samples.size):
                    await self._entry.room()
            self._last_came = self._clock.now()

    def finish(self) -> None:
        """No more sound comes; what came is said to its end."""
        self.closed = True
        self._end()

    def cut(self) -> None:
        """An interrupt has dropped the utterance. What still comes of it is not wanted."""
        if self._entry is not None and not self._goes_on:
            self._unwanted = True
        if self._gate is not None:
            self._gate.shut(rearm=True)
        self._entry = None

    def tick(self) -> None:
        """Called often: ends what its sender has left."""
        silent = self._clock.now() - self._last_came
        if self._pushing.locked():
            return  # It is the sender that waits.
        if self._entry is None or self._entry.final:
            self.closed = self.closed or silent > (MUTED_SECONDS if self._goes_on else GONE_SECONDS)
        elif self._gate is not None:
            if silent + self._gate.quiet_seconds >= self._gate.end_after_silence:
                self._end()
        elif silent > (LIVE_GONE_SECONDS if self._live else GONE_SECONDS):
            self.finish()

    @property
    def _goes_on(self) -> bool:
        """Whether the next sound makes a new utterance."""
        return self._live and self._gate is not None

    def _take(self, samples: NDArray[np.float32]) -> None:
        self._last_came = came = self._clock.now()
        if self._entry is not None and self._entry.final:
            self._failed(self._entry)
        if self._gate is None:
            if self._entry is not None and self._entry.length == 0:
                self._entry.accepted = came
            self._write(samples)
            return
        for heard in self._gate.push(samples):
            if heard.begins:
                self._entry = self._begin(came + heard.offset / SPEECH_RATE)
            self._write(heard.samples)
            if heard.ends:
                # The gate has shut by itself, and may be open again for what comes next in this piece.
                self._complete_current()
            if self._unwanted:
                return

    def _write(self, samples: NDArray[np.float32]) -> None:
        entry = self._entry
        if entry is None:
            return
        if entry.length + samples.size > MAX_SOUND_SAMPLES:
            if self._goes_on:
                self._complete(entry)
                entry = self._entry = self._begin(self._last_came)
            else:
                self.finish()
                raise too_long()
        entry.write(samples)

    def _failed(self, entry: SoundUtterance) -> None:
        """The utterance was ended by something else than its sender: the performer failed."""
        if not self._goes_on:
            self.closed = True
            why = entry.error[1] if entry.error else "It has ended."
            raise UnknownUtterance(f"Utterance {entry.name} takes no more sound. {why}")
        # Speech that goes on is heard in the next one.
        self._end()

    def _begin(self, came: float) -> SoundUtterance:
        name, self._count = self.name, self._count + 1
        while self._count > 1:
            suffix = f"-{self._count}"
            name = self.name[: MAX_ID - len(suffix)] + suffix
            if not self._speaker.is_taken(name):
                break
            self._count += 1
        return self._speaker.begin_sound(name, came, self._live)

    def _end(self) -> None:
        self._complete_current()
        if self._gate is not None:
            self._gate.shut()

    def _complete_current(self) -> None:
        if self._entry is not None:
            self._complete(self._entry)
            # After its end, quiet is all that is expected.
            self._unwanted = not self._goes_on
        self._entry = None

    def _complete(self, entry: SoundUtterance) -> None:
        if not entry.final:
            entry.finish()
            self._speaker.sound_complete(entry)
