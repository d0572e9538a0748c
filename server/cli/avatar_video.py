"""``lipstream avatar create`` with a video: what it needs, and what is said of it."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from server.cli.common import EXIT_USAGE, fail
from server.settings import Settings

if TYPE_CHECKING:
    from precompute.parts import PartBuilder

SHOWN_LEFT_OUT = 12


def check_lips(settings: Settings, builders: Sequence[PartBuilder], *, loop_only: bool) -> None:
    """End the command where nothing here can move the lips of a video's person.

    Args:
        settings: name the face engines.
        builders: of what they need.
        loop_only: whether lips that do not move are what is wanted.

    Raises:
        EngineUnavailable: what MuseTalk needs is not there.
    """
    from server.avatar_parts import musetalk_builder

    if loop_only:
        return
    if not builders:
        fail(
            "Only MuseTalk can move the lips of an avatar that is made from a video, and LIPSTREAM_FACE "
            f"({settings.face}) does not name it. Set it up (docs/musetalk.md) and set "
            "LIPSTREAM_FACE=musetalk,atlas; or make the avatar from a photo; or give --loop-only for one "
            "that plays its loop and does not move its lips.",
            EXIT_USAGE,
        )
    # What is missing is better known before the video is looked through.
    musetalk_builder(settings).source.identity()


def loop_lines(loop: dict[str, Any]) -> list[str]:
    """Sentences on the stretch that was chosen, from what the stage ``loop`` reported."""
    begin, end = loop["begin"], loop["end"]
    lines = [f"Its loop is {begin:.1f} to {end:.1f} s of the video, {end - begin:.1f} s."]
    listed = [
        f"{part['begin']:.1f} s: {part['reason']}"
        if part["begin"] == part["end"]
        else f"{part['begin']:.1f}-{part['end']:.1f} s: {part['reason']}"
        for part in loop["left_out"][:SHOWN_LEFT_OUT]
    ]
    more = len(loop["left_out"]) + loop["left_out_more"] - len(listed)
    if listed:
        lines.append(f"Left out: {'; '.join([*listed, *([f'and {more} more'] if more else [])])}.")
    return lines
