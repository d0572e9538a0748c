"""Are lips seen closed on every m, b and p of one long text? The judge's eyes, on a rendered MP4."""

from __future__ import annotations

import asyncio
from pathlib import Path

from benchmarks.judge.avatars import avatar_names, avatars_on_disk
from benchmarks.judge.drivers import FACE
from benchmarks.judge.examine import Job, examine
from benchmarks.judge.film import spans_of
from benchmarks.judge.material import TEXT_ENGINE, TEXTS, speak
from benchmarks.judge.scores import LARGEST_JUMP, Scores, score
from benchmarks.judge.utterances import GOALS, TEXT, UtteranceSet
from benchmarks.result import Row
from streaming.speech.registry import build_chain


async def measure() -> list[Row]:
    said = await speak(build_chain(TEXT_ENGINE), " ".join(TEXTS), TEXT, "en")
    return await asyncio.to_thread(_measure, UtteranceSet(TEXT, (said,), timed=True))


def _measure(spoken: UtteranceSet) -> list[Row]:
    rows: list[Row] = []
    with avatars_on_disk(avatar_names()) as root:
        for avatar in avatar_names():
            rows += _rows(avatar, spoken, root)
    return rows


def _rows(avatar: str, spoken: UtteranceSet, root: Path) -> list[Row]:
    film = examine(Job(root, avatar, FACE, spoken))
    scores: Scores = score(spoken, spans_of(spoken.utterances), film.seen, film.still_sharpness)
    goals = GOALS[TEXT]
    count = f"{scores.closure_count} m b p"
    return [
        Row(f"{avatar}: closures seen", scores.closures or 0.0, "of all", goals.closures, "higher", count),
        Row(f"{avatar}: opening against the sounds", scores.opening or 0.0, "r", goals.opening, "higher"),
        Row(
            f"{avatar}: open vowels taken for closed",
            scores.vowels_closed or 0.0,
            "of all",
            0,
            note="the control of the first figure",
        ),
        Row(f"{avatar}: frames that move the mouth in silence", scores.moving, "of all", 0.01),
        Row(
            f"{avatar}: largest step of the lips where speech begins or ends",
            scores.jump or 0.0,
            "px",
            LARGEST_JUMP,
        ),
    ]
