"""``lipstream avatar create`` with a video: what it needs, and what is said of it."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from server.settings import Settings

if TYPE_CHECKING:
    from precompute.parts import PartBuilder

SHOWN_LEFT_OUT = 12


def check_parts(settings: Settings, builders: Sequence[PartBuilder]) -> None:
    """Find out what the parts of a video's avatar lack before the video is looked through.

    Args:
        settings: name the face engines.
        builders: of what they need besides the mouth atlas.

    Raises:
        EngineUnavailable: what MuseTalk needs is not there.
    """
    from server.avatar_parts import musetalk_builder

    if builders:
        musetalk_builder(settings).source.identity()


def loop_lines(loop: dict[str, Any]) -> list[str]:
    """Sentences on the stretch that was chosen, from what the stage ``loop`` reported."""
    # Imported here: it is slow to load.
    from precompute.loop import times

    begin, end = loop["begin"], loop["end"]
    lines = [f"Its loop is {begin:.1f} to {end:.1f} s of the video, {end - begin:.1f} s."]
    listed = [
        f"{times(part['begin'], part['end'])}: {part['reason']}" for part in loop["left_out"][:SHOWN_LEFT_OUT]
    ]
    more = len(loop["left_out"]) + loop.get("left_out_more", 0) - len(listed)
    if listed:
        lines.append(f"Left out: {'; '.join([*listed, *([f'and {more} more'] if more else [])])}.")
    return lines
