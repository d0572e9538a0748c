"""Sound that arrives at the speed at which it is spoken: a microphone, or another voice's stream.

Every sample is sent a fixed time after it came: 145 ms, of which 40 fill the slot, 60 are the face's (more
where it is drawn), 20 are for encoding, and 25 are spare for sound that is late and for the work. To have
exactly that much, slots are cut in step with the session's: silence before the first sample fills up its
slot.

What is later than that makes a gap, after which everything is later by a slot. Delay that is no longer needed
is taken back, and delay that is about to be is made, where it is quiet: such slots are skipped, or waited
before. Slots are skipped as wholes, after the face has heard them, so lips and sound stay together.
"""

from __future__ import annotations

import math
from collections import deque
from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray

from streaming.audio.joint import joined
from streaming.audio.quiet import QuietMeter, energies
from streaming.audio.utterance import MAX_SOUND_SAMPLES, SoundUtterance
from streaming.audio.waiting import WaitingRoom
from streaming.clock import SlotClock
from streaming.observer import Observer
from streaming.protocol import Event, NoticeEvent
from streaming.slots import Slot, UtteranceKey
from streaming.timing import ENCODE_LEAD_SECONDS, LIVE_LOOK_AHEAD_MS, SLOT_SAMPLES, SLOT_SECONDS, SPEECH_RATE

FACE_SECONDS = LIVE_LOOK_AHEAD_MS / 1000 + 0.020
"""Sound beyond a slot that a face may want before it decides, where nothing else is said: its look-ahead and
one step of its network."""
JITTER_SECONDS = 0.025
"""Sound that is late by no more than this, less some milliseconds of work, is sent in time."""
DELAY_SECONDS = SLOT_SECONDS + FACE_SECONDS + JITTER_SECONDS + ENCODE_LEAD_SECONDS
"""From a sample's arrival to its being sent."""

SPARE_SECONDS = 0.060
"""Slots that were ready earlier than this, all of them for a while, could have been sent earlier."""
MUCH_SPARE_SECONDS = 0.3
"""From here on more is skipped at a time."""
MAX_SKIPPED = 3
"""Quiet slots in a row that may be skipped."""
SHORT_SECONDS = 0.010
"""Slots that were ready only this long before they were due will soon be late."""
JUDGED_SLOTS = 50
"""The while: two seconds. Senders of large pieces have to be judged by their latest slots."""

MAX_BACKLOG_SECONDS = 1.5
"""Sound beyond this is not live any more, and the oldest of it is dropped."""
MAX_BACKLOG_SLOTS = round(MAX_BACKLOG_SECONDS / SLOT_SECONDS)
MAX_BACKLOG_SAMPLES = MAX_BACKLOG_SLOTS * SLOT_SAMPLES

SOUND_DROPPED = "sound_dropped"
NOTICE_SECONDS = 5.0
"""Viewers are told of what was dropped at most this often."""

STALL_SECONDS = 0.12
"""When nothing has come for so long, what the face holds back is played, as if silence had come."""


class LiveUtterance(SoundUtterance):
    """Sound that is played a fixed time after it came.

    Args:
        name: the id that clients know it by.
        key: its place in the session.
        accepted: monotonic second at which its first sound came.
        waiting_room: told of what waits; senders of live sound never have to.
        clock: the session's.
        observer: told of gaps and of what is dropped.
        notify: takes events for the viewers.
        face_seconds: sound beyond a slot that the face wants, and the time that it takes to decide.
    """

    look_ahead_ms = LIVE_LOOK_AHEAD_MS

    def __init__(
        self,
        name: str,
        key: UtteranceKey,
        accepted: float,
        waiting_room: WaitingRoom,
        *,
        clock: SlotClock,
        observer: Observer,
        notify: Callable[[Event], None],
        face_seconds: float = FACE_SECONDS,
    ) -> None:
        super().__init__(name, key, accepted, waiting_room)
        self._delay = DELAY_SECONDS - FACE_SECONDS + face_seconds
        # Silence that makes the face give what it holds back, and some.
        self._void_slots = math.ceil(face_seconds / SLOT_SECONDS) + 1
        self._clock = clock
        self._observer = observer
        self._notify = notify
        self._untold_seconds = 0.0
        self._told = float("-inf")
        self._meter = QuietMeter()
        self._quiet: deque[bool] = deque()
        self._late: deque[float] = deque(maxlen=JUDGED_SLOTS)
        # Counts of samples: written, silence that was put in included, and passed on to the performer.
        self._written = 0
        self._passed = 0
        self._last_written = 0.0
        self._last_passed = 0.0
        # The first slot after the silence that was put in last, and when it may be taken.
        self._first = 0
        self._not_before = accepted
        self._void: set[int] = set()
        self._stalled = True
        self._last_came = accepted

    @property
    def outdated(self) -> bool:
        """Whether it was over before any of it could be sent, and began longer ago than live sound waits."""
        waited = self._clock.clock.now() - self.accepted
        return self.final and self._last is None and waited > MAX_BACKLOG_SECONDS

    def write(self, samples: NDArray[np.float32]) -> None:
        """Take sound that came just now."""
        if not samples.size:
            return super().write(samples)
        now = self._clock.clock.now()
        self._last_came = now
        if self._stalled and not self.final:
            self._stalled = False
            # The first piece may hold what came before it was known to be speech.
            came = self.accepted if self._written == 0 else now
            samples = np.concatenate((self._silence_before(came), joined(0.0, samples)))
        super().write(samples)
        self._written += samples.size
        self._last_written = float(samples[-1])
        self._trim()

    async def room(self) -> None:
        """Live sound does not wait; what is too much is dropped."""

    async def put(self, slot: Slot) -> None:
        """Take a slot from the performer. The oldest make room for it."""
        if slot.index in self._void:
            return
        self._late.append(self._clock.clock.now() - slot.index * SLOT_SECONDS)
        self._slots.append(slot)
        self._quiet.append(all([self._meter.is_quiet(energy) for energy in energies(slot.samples)]))
        if len(self._slots) > MAX_BACKLOG_SLOTS:
            self._skip()
            self._drop(SLOT_SECONDS)

    def take(self) -> Slot | None:
        """The slot that is due now; ``None``, or a fade, where there is a gap."""
        now = self._clock.clock.now()
        if not self._slots:
            self._flush_stalled(now)
        if self._slots and self._is_early(now):
            return self._fading()
        skipped = 0
        while len(self._slots) > 1 and self._quiet[0] and skipped < self._may_skip(now):
            self._skip()
            skipped += 1
            self._observer.sound_dropped(SLOT_SECONDS, "quiet")
        if self._slots:
            if self._quiet[0] and self._margin(now) < SHORT_SECONDS and not (self.final or self._broke_off):
                return self._fading()
            self._quiet.popleft()
        elif not (self._last is None or self._broke_off or self._stalled or self.final):
            self._observer.sound_late()
        return super().take()

    def _margin(self, now: float) -> float:
        """How long before it is taken the latest of the last slots was ready, in seconds."""
        return now - self._slots[0].index * SLOT_SECONDS - max(self._late)

    def _may_skip(self, now: float) -> int:
        """How many quiet slots in a row may be left out before one is taken: pauses get shorter, not lost."""
        margin = self._margin(now)
        if margin > MUCH_SPARE_SECONDS:
            return MAX_SKIPPED
        # A little is only judged when there is enough to judge by.
        return 1 if margin > SPARE_SECONDS and len(self._late) == JUDGED_SLOTS else 0

    def _is_early(self, now: float) -> bool:
        return self._slots[0].index == self._first and now < self._not_before - SLOT_SECONDS / 2

    def _silence_before(self, came: float) -> NDArray[np.float32]:
        """What fills up the slot before a sample that came at ``came``; notes when that slot is due."""
        plays = came + self._delay
        slots = int((plays - self._clock.epoch) / SLOT_SECONDS + 1e-6)
        due = self._clock.deadline(slots)
        self._first = self._written // SLOT_SAMPLES
        self._not_before = due - ENCODE_LEAD_SECONDS
        filled = min(SLOT_SAMPLES - 1, max(0, round((plays - due) * SPEECH_RATE)))
        return np.zeros(filled, np.float32)

    def _flush_stalled(self, now: float) -> None:
        """Where nothing comes, let the performer have silence, so that it keeps nothing back."""
        if self._stalled or self.final or self.waiting or now - self._last_came < STALL_SECONDS:
            return
        fill = -self._written % SLOT_SAMPLES
        silence = np.zeros(fill + self._void_slots * SLOT_SAMPLES, np.float32)
        if self.length + silence.size > MAX_SOUND_SAMPLES:
            return
        self._stalled = True
        super().write(joined(self._last_written, silence))
        first = (self._written + fill) // SLOT_SAMPLES
        self._void.update(range(first, first + self._void_slots))
        self._written += silence.size

    def _passed_on(self, piece: NDArray[np.float32]) -> None:
        self._passed += piece.size
        self._last_passed = float(piece[-1])

    def _trim(self) -> None:
        """Drop the oldest of what waits beyond the bound, by whole slots, so that the rest stays in step."""
        slots = (self.waiting - MAX_BACKLOG_SAMPLES) // SLOT_SAMPLES
        if slots <= 0:
            return
        left = cut = slots * SLOT_SAMPLES
        while left >= self._pieces[0].size:
            left -= self._pieces.popleft().size
        self._pieces[0] = joined(self._last_passed, self._pieces[0][left:])
        self._count(-cut)
        self._written -= cut

        def moved(index: int) -> int:
            return index - slots if index * SLOT_SAMPLES >= self._passed else index

        self._void = {moved(index) for index in self._void}
        self._first = moved(self._first)
        self._drop(slots * SLOT_SECONDS)

    def _skip(self) -> None:
        self._slots.popleft()
        self._quiet.popleft()

    def _drop(self, seconds: float) -> None:
        self._observer.sound_dropped(seconds, "backlog")
        self._untold_seconds += seconds
        now = self._clock.clock.now()
        if now - self._told >= NOTICE_SECONDS:
            self._told = now
            message = (
                f"{self._untold_seconds:.2f} s of live sound came too late or too fast and was left out."
            )
            self._untold_seconds = 0.0
            self._notify(NoticeEvent(code=SOUND_DROPPED, message=message, utterance=self.name))
