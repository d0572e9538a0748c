"""What a session has to say: its utterances in order, what goes into them and the slots that come out."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray

from streaming.audio.live import FACE_SECONDS, SOUND_DROPPED, LiveUtterance
from streaming.audio.sounds import Sounds
from streaming.audio.utterance import FILLER, SoundUtterance
from streaming.audio.waiting import WaitingRoom
from streaming.clock import SlotClock
from streaming.director import Director, Shown
from streaming.errors import CapacityReached, UnknownUtterance
from streaming.observer import Observer
from streaming.performer.base import Performer
from streaming.protocol import (
    EndReason,
    Event,
    NoticeEvent,
    State,
    UtteranceAppended,
    UtteranceQueued,
)
from streaming.slots import Notice, Slot, UtteranceKey
from streaming.speech.delivery import AS_IT_IS, Delivery
from streaming.utterance import TextUtterance, Utterance

MAX_WAITING_UTTERANCES = 32


class UtteranceQueue:
    """Says utterances one after another.

    Everything here happens in one step, so that no command comes in between; only sound that has to wait for
    room does not.

    Args:
        session: id of the session.
        performer: who performs.
        stage: tells the avatar of the moment, and where its loop is.
        clock: the session's.
        observer: told of what is said.
        notify: takes events for the viewers.
        state_changed: told that something, or nothing more, is being said.
        face_seconds: sound beyond a slot that the face wants; see :class:`LiveUtterance`.
    """

    def __init__(
        self,
        session: str,
        performer: Performer,
        stage: Callable[[], tuple[str, int]],
        *,
        clock: SlotClock,
        observer: Observer,
        notify: Callable[[Event], None],
        state_changed: Callable[[State], None],
        face_seconds: float = FACE_SECONDS,
    ) -> None:
        self._face_seconds = face_seconds
        self.generation = 0
        self.quiet_since = clock.clock.now()
        self._session = session
        self._clock = clock
        self._observer = observer
        self._notify = notify
        self._state_changed = state_changed
        self._sequence = 0
        self._utterances: deque[Utterance] = deque()
        self._waiting_room = WaitingRoom()
        self._sounds = Sounds(self, clock.clock)
        self._stage = stage
        self.director = Director(performer, self._shown, self._is_current, self._noticed)

    def __len__(self) -> int:
        return len(self._utterances)

    # What goes in ---------------------------------------------------------------------------------------

    def say(
        self,
        text: str,
        name: str | None,
        *,
        final: bool,
        voice: str | None,
        language: str | None,
        speed: float,
        delivery: Delivery = AS_IT_IS,
    ) -> str:
        """Queue a text; returns the utterance's id.

        Raises:
            UnknownUtterance: the id is in use.
            CapacityReached: too many utterances wait already.
            ScriptRejected: the text is too long.
        """
        self._check_room()
        entry = TextUtterance(
            name or self._free_name(),
            self._next_key(),
            self._clock.clock.now(),
            voice=voice,
            language=language,
            speed=speed,
            delivery=delivery,
        )
        entry.write(text, final=final)
        self._submit(entry, text)
        return entry.name

    def append(self, name: str, text: str, *, final: bool) -> None:
        """More text.

        Raises:
            UnknownUtterance: there is no such utterance of text, or it is complete.
            ScriptRejected: the whole is too long.
        """
        entry = self._find(name)
        if isinstance(entry, SoundUtterance) or name in self._sounds:
            raise UnknownUtterance(f"Utterance {name} is sound. Text goes into one begun with say.")
        if not isinstance(entry, TextUtterance):
            raise UnknownUtterance(f"There is no open utterance {name}. Begin one with say and final=false.")
        entry.write(text, final=final)
        self._notify(UtteranceAppended(utterance=name, text=text, final=final))
        self._touch()

    def say_audio(
        self, name: str | None, *, live: bool, end_after_silence: float | None, sender: object = None
    ) -> str:
        """Take sound; returns the id to append it to.

        Raises:
            UnknownUtterance: the id is in use.
            CapacityReached: too many utterances wait, or too many streams of sound are open.
            ScriptRejected: the silence is too short or too long.
        """
        self._check_room()
        name = name or self._free_name()
        self._sounds.open(name, live=live, end_after_silence=end_after_silence, sender=sender)
        self._touch()
        return name

    async def append_audio(
        self, name: str, samples: NDArray[np.float32], *, final: bool, sender: object = None
    ) -> None:
        """More sound; see :meth:`streaming.session.Session.append_audio`."""
        if name not in self._sounds and isinstance(self._find(name), TextUtterance):
            raise UnknownUtterance(f"Utterance {name} is text. Sound goes into one begun with say_audio.")
        await self._sounds.append(name, samples, final, sender)

    def drop_all(self) -> int:
        """Drop everything that is said or waits; returns the new generation."""
        self.generation += 1
        self._observer.interrupted()
        self.end("interrupted")
        return self.generation

    def end(self, reason: EndReason) -> None:
        """End all utterances now."""
        dropped, self._utterances = self._utterances, deque()
        self.director.drop_current()
        self._sounds.cut()
        for entry in dropped:
            entry.received()
            self._ended(entry, reason)

    def check_free(self, name: str | None) -> None:
        """Raises :class:`UnknownUtterance` when an utterance or an open stream has this id."""
        if name is not None and self.is_taken(name):
            raise UnknownUtterance(f"Utterance {name} exists already. Choose another id, or append to it.")

    # What the streams of sound need ---------------------------------------------------------------------

    def is_taken(self, name: str) -> bool:
        """Whether an utterance or an open stream has this id."""
        return self._find(name) is not None or name in self._sounds

    def begin_sound(self, name: str, came: float, live: bool) -> SoundUtterance:
        """Queue an utterance of sound whose first sample came at monotonic second ``came``.

        Raises:
            CapacityReached: too many utterances wait already.
        """
        if live:
            self._drop_overtaken()
        self._check_room()
        key = self._next_key()
        if live:
            entry = LiveUtterance(
                name, key, came, self._waiting_room,
                clock=self._clock, observer=self._observer, notify=self._notify,
                face_seconds=self._face_seconds,
            )  # fmt: skip
        else:
            entry = SoundUtterance(name, key, came, self._waiting_room)
        self._submit(entry, "")
        return entry

    def sound_complete(self, entry: SoundUtterance) -> None:
        """No more sound comes for this utterance."""
        self._notify(UtteranceAppended(utterance=entry.name, text="", final=True, kind="audio"))

    # What comes out -------------------------------------------------------------------------------------

    def take(self) -> Slot | None:
        """The next slot to say. Utterances that are through end here."""
        self._sounds.tick()
        while self._utterances:
            entry = self._utterances[0]
            slot = entry.take()
            if slot is not None:
                return slot
            if not entry.exhausted:
                return None
            self._utterances.popleft()
            self._ended(entry, "failed" if entry.error else "completed")
            if not self._utterances:
                self._state_changed("idle")
        return None

    def sent(self, index: int, slot: Slot | None) -> None:
        """Tell viewers what begins with this slot."""
        if slot is None or not self._utterances:
            return
        entry = self._utterances[0]
        self._touch()
        if entry.sent_slots == 0:
            latency = self._clock.clock.now() - entry.accepted
            self._observer.utterance_started(latency, entry.engine)
            self._state_changed("speaking")
            self._notify(entry.started(index, latency))
        if slot.index != FILLER:
            entry.sent_slots += 1
        if slot.late:
            self._observer.face_late()
        for word in entry.words(index, slot):
            self._notify(word)

    # Within ---------------------------------------------------------------------------------------------

    def _submit(self, entry: Utterance, text: str) -> None:
        self._utterances.append(entry)
        self.director.submit(entry)
        self._notify(UtteranceQueued(utterance=entry.name, text=text, kind=entry.kind))
        self._touch()

    def _drop_overtaken(self) -> None:
        """Let go of live speech that is not live any more, now that there is newer."""
        for entry in tuple(self._utterances):
            if isinstance(entry, LiveUtterance) and entry.outdated:
                self._utterances.remove(entry)
                entry.error = entry.error or (SOUND_DROPPED, "It had to wait too long. Say it again.")
                entry.received()
                self._ended(entry, "failed")

    def _is_current(self, entry: Utterance) -> bool:
        return entry.key.generation == self.generation and not entry.all_received

    def _shown(self) -> Shown:
        return Shown(*self._stage(), sum(entry.waiting_slots for entry in self._utterances))

    def _noticed(self, entry: Utterance, notice: Notice) -> None:
        if notice.code == "speech_engine":
            entry.engine = notice.engine
            return
        if notice.code == "engine_fallback":
            self._observer.engine_fallback(notice.engine)
        else:
            self._observer.engine_trouble(notice.code, notice.engine)
        self._notify(NoticeEvent(code=notice.code, message=notice.message, utterance=entry.name))

    def _next_key(self) -> UtteranceKey:
        self._sequence += 1
        return UtteranceKey(self._session, self.generation, self._sequence)

    def _free_name(self) -> str:
        while self.is_taken(name := f"u{self._sequence + 1}"):
            self._sequence += 1
        return name

    def _check_room(self) -> None:
        if len(self._utterances) >= MAX_WAITING_UTTERANCES:
            raise CapacityReached(
                f"{MAX_WAITING_UTTERANCES} utterances wait already. Let some be said first."
            )

    def _find(self, name: str) -> Utterance | None:
        return next((entry for entry in self._utterances if entry.name == name), None)

    def _ended(self, entry: Utterance, reason: EndReason) -> None:
        self._observer.utterance_ended(reason)
        self._notify(entry.ended(reason))
        self._touch()

    def _touch(self) -> None:
        self.quiet_since = self._clock.clock.now()
