"""What the matte bit out of the clothing is found and mended."""

from __future__ import annotations

from dataclasses import asdict

from precompute.backdrop import clothing_line, repair
from precompute.repair.base import Inpainter
from precompute.repair.inpainters import choose
from precompute.stages.background import SHOWN, dress
from precompute.stages.base import Desk, Stage
from precompute.stages.drawing import over_checks, shrunk, side_by_side
from precompute.stages.keeping import AS_TAKEN, load_portrait, load_separated


def _mend(desk: Desk) -> None:
    portrait, before = load_portrait(desk, AS_TAKEN), load_separated(desk)
    after, found = repair(portrait, before, _inpainter(desk))
    desk.progress(0.6)
    desk.report({k: round(v, 4) if isinstance(v, float) else v for k, v in asdict(found).items()})
    desk.note(clothing_line(found))
    if found.inpainter:
        desk.used(found.inpainter)
    if after is not before:
        # What was put before the background shows the bites.
        dress(desk, portrait, after)
    pictures = [shrunk(over_checks(one.colours, one.alpha), SHOWN) for one in (before, after)]
    desk.preview(side_by_side(pictures, ("before", "after")))


def _inpainter(desk: Desk) -> Inpainter:
    if desk.inpainter is not None:
        return desk.inpainter
    name = desk.order.repair
    assert name != "off"
    inpainter, notes = choose(name, lama=desk.options.lama, migan=desk.options.migan)
    for note in notes:
        desk.note(note)
    return inpainter


CLOTHING = Stage("clothing", "Mending the clothing", 0.08, _mend)
