"""How much sound of a session may wait to be performed, and who waits for there to be less of it."""

from __future__ import annotations

import asyncio

from streaming.timing import SPEECH_RATE

MAX_WAITING_SECONDS = 60.0
"""Of all utterances of a session together: 6 MB. Most recordings fit whole, and their senders never wait."""
OWN_WAITING_SECONDS = 2.0
"""Every utterance may have this much beside, so that one that is due is never starved by those behind it."""

_MAX_SAMPLES = round(MAX_WAITING_SECONDS * SPEECH_RATE)
_OWN_SAMPLES = round(OWN_WAITING_SECONDS * SPEECH_RATE)


class WaitingRoom:
    """Counts the samples that wait, for all utterances of a session."""

    def __init__(self) -> None:
        self.samples = 0
        self._changed = asyncio.Event()

    def changed(self, samples: int) -> None:
        """So many samples more (or, negative, fewer) wait now."""
        self.samples += samples
        if samples <= 0:
            self.look_again()

    def look_again(self) -> None:
        """Wake everybody who waits."""
        self._changed.set()
        self._changed = asyncio.Event()

    def has_room(self, own: int) -> bool:
        """Whether an utterance of which ``own`` samples wait may be given more."""
        return own < _OWN_SAMPLES or self.samples < _MAX_SAMPLES

    async def change(self) -> None:
        """Return when something has changed."""
        await self._changed.wait()
