"""Kokoro as people wait for it: text to first sound, speed, and whether sound that plays ever runs dry.

Needs the extra ``kokoro`` and its voices in the data folder (``lipstream voice install kokoro``).
"""

from __future__ import annotations

import asyncio
import os
import resource
import statistics
import sys
from collections.abc import AsyncIterator
from dataclasses import dataclass

from benchmarks.result import Row
from server.settings import load_settings
from streaming.clock import SystemClock
from streaming.speech.base import SpeechRequest
from streaming.speech.kokoro import THREADS, KokoroEngine
from streaming.timing import SPEECH_RATE

FIRST_TARGET_SECONDS = 0.6
RTF_TARGET = 0.4
REPEATS = 2

TEXTS = {
    "en-US": (
        "The permanent exhibition of the harbour museum opens at nine in the morning. If the weather "
        "permits, a member of our team will show you the lamp room, and the last boat leaves at half "
        "past five."
    ),
    "en-GB": (
        "People often begin on the upper floor where the maps and the big brass compass are. Please keep "
        "your bags in front of you, because some of the rooms are quite small."
    ),
    "es": (
        "La exposición permanente del museo del puerto abre a las nueve de la mañana. Si el tiempo lo "
        "permite, un miembro del equipo les enseñará la sala de la lámpara, y el último barco sale a las "
        "17:30."
    ),
    "fr-FR": (
        "L'exposition permanente du musée du port ouvre ses portes à neuf heures du matin. Si le temps "
        "le permet, un membre de l'équipe vous montrera la salle de la lampe avant le dernier bateau."
    ),
    "hi": (
        "बंदरगाह के संग्रहालय की स्थायी प्रदर्शनी सुबह नौ बजे खुलती है। मौसम अच्छा रहा तो हमारे दल का एक "
        "सदस्य आपको दीपक वाला कमरा दिखाएगा, और आखिरी नाव साढ़े पाँच बजे निकलती है।"
    ),
    "it": (
        "La mostra permanente del museo del porto apre alle nove del mattino. Se il tempo lo permette, "
        "un membro del gruppo vi mostrerà la sala della lampada, e l'ultima barca parte alle cinque e "
        "mezza."
    ),
    "ja": (
        "港の博物館の常設展示は毎日朝の九時に開きます。天気がよければ係の者が灯台の部屋をご案内しますので、最後の船が出る五時半までどうぞごゆっくりお過ごしください。"
    ),
    "pt-BR": (
        "A exposição permanente do museu do porto abre às nove horas da manhã. Se o tempo permitir, um "
        "membro da nossa equipe vai mostrar a sala da lâmpada, e o último barco sai às cinco e meia."
    ),
    "zh": (
        "港口博物馆的常设展览每天早上九点准时对外开放。如果天气允许的话，我们的工作人员会带您参观灯塔的房间，最后一班船在下午五点半离开，请不要迟到。"
    ),
}
"""Two sentences for each language; the first has no punctuation to cut at."""


@dataclass(frozen=True, slots=True)
class Run:
    """One text spoken, in seconds: to the first sound, of computing, of sound, longest wait while playing."""

    first: float
    computing: float
    sound: float
    waited: float


async def _one(text: str) -> AsyncIterator[str]:
    yield text


async def _speak(engine: KokoroEngine, tag: str, text: str) -> Run:
    """Take chunks as a player does, who begins with the first and needs the next when one has ended."""
    clock = SystemClock()
    begun = clock.now()
    first = sound = waited = plays_until = 0.0
    async for chunk in engine.synthesize(SpeechRequest(_one(text), language=tag)):
        now = clock.now() - begun
        if not sound:
            first = plays_until = now
        waited = max(waited, now - plays_until)
        plays_until = max(plays_until, now) + len(chunk.pcm) / SPEECH_RATE
        sound += len(chunk.pcm) / SPEECH_RATE
    return Run(first, clock.now() - begun, sound, waited)


async def measure() -> list[Row]:
    """Speak every language that is ready, and count."""
    engine = KokoroEngine(load_settings().data_dir)
    clock = SystemClock()
    begun = clock.now()
    await engine.warm_up()
    rows = [Row("load and warm up", clock.now() - begun, "s", note="network and every language's reader")]
    spoken = {voice.languages[0] for voice in engine.voices()}
    runs: list[Run] = []
    load = os.getloadavg()[0]
    for tag, text in TEXTS.items():
        if tag not in spoken:
            continue
        mine = [await _speak(engine, tag, text) for _ in range(REPEATS)]
        runs += mine
        first = statistics.median(run.first for run in mine)
        rows.append(Row(f"{tag} text to first sound", first, "s", FIRST_TARGET_SECONDS))
        speed = statistics.median(run.computing / run.sound for run in mine)
        rows.append(Row(f"{tag} real-time factor", speed, "", RTF_TARGET))
    unit = 1 << 20 if sys.platform == "darwin" else 1 << 10
    rows += [
        Row("longest wait while playing", max(run.waited for run in runs), "s", 0.0, note="0: never dry"),
        Row("peak memory of the process", resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / unit, "MB"),
        Row("load of the machine before", load, "", note=f"{THREADS} threads, {os.cpu_count()} cores"),
    ]
    return rows


if __name__ == "__main__":
    asyncio.run(measure())
