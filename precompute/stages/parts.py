"""What further engines need of an avatar, once it is in the store; one stage for each."""

from __future__ import annotations

import re
from collections.abc import Sequence

from precompute.part_tiles import part_sheet
from precompute.parts import PartBuilder, build_parts
from precompute.stages.base import Desk, Stage

PREFIX = "part_"
"""Of the names of these stages."""


def part_stages(builders: Sequence[PartBuilder]) -> tuple[Stage, ...]:
    """A stage for each builder. One whose part cannot be built says so in a note, and does not fail."""
    return tuple(_stage(builder) for builder in builders)


def _stage(builder: PartBuilder) -> Stage:
    def build(desk: Desk) -> None:
        avatar = desk.order.avatar
        failures = build_parts([builder], desk.store, avatar, progress=lambda _, done: desk.progress(done))
        problem = failures.get(builder.name)
        desk.report({"engine": builder.name, "ready": problem is None})
        if problem is not None:
            desk.report({"problem": problem})
            desk.note(f"Not ready for {builder.name}: {problem}")
            return
        sheet = part_sheet(desk.store, avatar, builder.name)
        if sheet is not None:
            desk.preview(sheet)

    name = PREFIX + re.sub(r"[^a-z]+", "_", builder.name.lower())
    return Stage(name, f"Getting ready for {builder.name}", 0.6, build)
