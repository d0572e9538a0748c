"""How many sessions a card carries, and how: plain arithmetic over what its steps cost."""

from __future__ import annotations

import math

import msgspec

from streaming.gpu.costs import Costs, Table, cheapest_each, cost_of
from streaming.timing import FPS

FULL_LOAD = 0.85
"""Share of its time that a card may be planned to compute: the rest is for prompts, and for steps that have
to wait for others."""
LONGEST_BATCH = 0.120
"""Seconds that a batch of faces may take: nothing interrupts it, and whoever is due meanwhile is late."""
SPEECH_FRAMES_PER_SECOND = 12.5
CHUNK_FRAMES = 4
"""Frames of codes that become sound at a time, on the average of a sentence whose chunks grow."""
WINDOWS_PER_SECOND = 12.5
"""Windows of sound that a session's face listens to: two frames each."""
HALF_RATE = FPS / 2
"""Frames per second on a card that is too slow: each is shown twice."""
TAESD, VAE = "taesd", "vae"
MOST_SESSIONS = 64
"""However fast the card: what blends and encodes their frames has a limit too."""


class Memory(msgspec.Struct, frozen=True, kw_only=True):
    """What memory the plan has to do with, in bytes.

    Attributes:
        budget: that may be taken; 0: there is no limit.
        resident: taken by all models, with buffers for all steps.
        per_session: what each session takes beside that (latents of its avatar, features, codec).
    """

    budget: int = 0
    resident: int = 0
    per_session: int = 64 * 2**20

    def sessions(self) -> int:
        """Sessions that fit."""
        if not self.budget:
            return MOST_SESSIONS
        return max(0, self.budget - self.resident) // max(self.per_session, 1)


class Wish(msgspec.Struct, frozen=True, kw_only=True):
    """What is asked for.

    Attributes:
        sessions: that there can be at most, such as the talker's places.
        decoder: ``vae`` asks for the full one in live sessions too.
        frame_rate: 25, or 12.5 where it is asked for.
    """

    sessions: int = MOST_SESSIONS
    decoder: str = TAESD
    frame_rate: float = FPS


class Plan(msgspec.Struct, frozen=True, kw_only=True):
    """How a card is used.

    Attributes:
        sessions: live ones that are let in; 0: the card renders files only.
        frame_rate: drawn frames per second of live sessions: 25, or 12.5 with every frame shown twice.
        decoder: of live sessions.
        face_sizes: batch sizes of faces to use live, rising; empty where faces are not drawn on the card.
        load: share of the card's time at that many sessions.
        reason: why there are no more sessions, in words.
    """

    sessions: int
    frame_rate: float
    decoder: str
    face_sizes: tuple[int, ...]
    load: float
    reason: str


def load_of(costs: Costs, sessions: int, decoder: str = TAESD, frame_rate: float = FPS) -> float:
    """Share of the card's time that so many sessions take while all of them speak.

    Args:
        costs: of the card's steps.
        sessions: how many.
        decoder: of the faces.
        frame_rate: drawn frames per second of each session.
    """
    if sessions <= 0:
        return 0.0
    frames = sessions * frame_rate
    load = 0.0
    if faces := costs.face.get(decoder):
        size = face_size(faces, sessions, frame_rate)
        load += frames / size * faces[size]
    if costs.encoder:
        load += sessions * WINDOWS_PER_SECOND * cost_of(costs.encoder, 1)
    if costs.speech:
        load += SPEECH_FRAMES_PER_SECOND * cost_of(costs.speech, sessions)
    if costs.codec:
        load += sessions * SPEECH_FRAMES_PER_SECOND * cost_of(costs.codec, CHUNK_FRAMES) / CHUNK_FRAMES
    return load


def face_size(table: Table, sessions: int, frame_rate: float = FPS) -> int:
    """The batch of faces that so many sessions are planned with.

    It has to be there within the time that it may take, so that nobody waits for others' frames.

    Args:
        table: seconds by size; not empty.
        sessions: that speak.
        frame_rate: of each.
    """
    together = max(2, math.floor(sessions * frame_rate * LONGEST_BATCH))
    return cheapest_each(table, LONGEST_BATCH, together)


def plan(costs: Costs, wish: Wish | None = None, memory: Memory | None = None) -> Plan:
    """How to use a card with these costs.

    The full VAE draws live faces only where it is asked for and carries as many sessions as the small
    decoder. Where not even one session fits at 25 frames per second, frames are drawn at half the rate; where
    that is too much as well, there are no live sessions.
    """
    wish, memory = wish or Wish(), memory or Memory()
    most = min(wish.sessions, memory.sessions(), MOST_SESSIONS)
    known = tuple(costs.face)
    small = TAESD if TAESD in known or not known else known[0]
    for rate in (FPS, HALF_RATE):
        if rate > wish.frame_rate:
            continue
        sessions = _carried(costs, most, small, rate)
        if not sessions:
            continue
        decoder = small
        if wish.decoder == VAE and VAE in known and _carried(costs, sessions, VAE, rate) == sessions:
            decoder = VAE
        return Plan(
            sessions=sessions,
            frame_rate=float(rate),
            decoder=decoder,
            face_sizes=_live_sizes(costs, decoder),
            load=load_of(costs, sessions, decoder, rate),
            reason=_limit(costs, sessions, small, rate, wish, memory),
        )
    return Plan(
        sessions=0,
        frame_rate=0.0,
        decoder=small,
        face_sizes=(),
        load=0.0,
        reason=_refusal(costs, small, wish, memory),
    )


def _carried(costs: Costs, most: int, decoder: str, rate: float) -> int:
    """The largest number of sessions, up to ``most``, whose load the card bears."""
    sessions = 0
    # Not the first that is too much: a size more of a batch may make the next number cheaper.
    for count in range(1, most + 1):
        if load_of(costs, count, decoder, rate) <= FULL_LOAD:
            sessions = count
    return sessions


def _live_sizes(costs: Costs, decoder: str) -> tuple[int, ...]:
    table = costs.face.get(decoder, {})
    return tuple(sorted(size for size, cost in table.items() if cost <= LONGEST_BATCH or size == min(table)))


def _limit(costs: Costs, sessions: int, decoder: str, rate: float, wish: Wish, memory: Memory) -> str:
    if sessions >= wish.sessions:
        return "as many as are asked for"
    if sessions >= memory.sessions():
        return "the memory budget holds no more"
    if sessions >= MOST_SESSIONS:
        return "as many as a performer takes"
    return f"one more would take {load_of(costs, sessions + 1, decoder, rate):.0%} of the card's time"


def _refusal(costs: Costs, decoder: str, wish: Wish, memory: Memory) -> str:
    if wish.sessions <= 0:
        return "no live sessions are asked for"
    if memory.sessions() <= 0:
        return "the memory budget holds the models and no session"
    slowest = min(HALF_RATE, wish.frame_rate)
    return (
        f"one session would take {load_of(costs, 1, decoder, slowest):.0%} of the card's time even at "
        f"{slowest:g} frames per second"
    )
