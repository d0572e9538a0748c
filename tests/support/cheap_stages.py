"""Stages that cost nothing, for jobs in real processes. What they do is said by the avatar's name for people.

``hold <stage>``: this stage waits until somebody opens the FIFO ``gate`` in the job's folder and closes it.
``crash <stage>``: its process kills itself there, each time. ``reject <stage>``: it refuses the photo.
"""

from __future__ import annotations

import json
import os
import signal
from collections.abc import Sequence

from avatars.manifest import AvatarDetails
from precompute.errors import AvatarRejected
from precompute.order import AvatarOrder
from precompute.parts import PartBuilder
from precompute.stages.base import Desk, Stage
from precompute.stages.bundle import find_made

NAMES = ("read", "think", "bundle", "polish")
PLAN = "tests.support.cheap_stages:stages_of"
GATE, RAN = "gate", "ran.txt"


def stages_of(order: AvatarOrder, builders: Sequence[PartBuilder] = ()) -> tuple[Stage, ...]:
    return tuple(_stage(name) for name in NAMES)


def _stage(name: str) -> Stage:
    def run(desk: Desk) -> None:
        what, _, where = desk.order.title.partition(" ")
        if where == name:
            _misbehave(desk, what)
        if name == "bundle":
            _bundle(desk)
        else:
            desk.save_bytes(name, desk.source.read_bytes())
        # Beside the avatars, where it outlives the job.
        with (desk.store.root.parent / RAN).open("a", encoding="utf-8") as log:
            log.write(f"{desk.folder.name} {name}\n")
        desk.report({"bytes": desk.source.stat().st_size})
        desk.note(f"The stage {name} is done.")

    return Stage(name, f"Doing {name}", 0.25, run)


def _misbehave(desk: Desk, what: str) -> None:
    if what == "hold":
        desk.progress(0.5)
        (desk.folder / GATE).read_bytes()
    elif what == "crash":
        os.kill(os.getpid(), signal.SIGKILL)
    elif what == "reject":
        raise AvatarRejected("no_face", "There is no face in the picture. Send another one.")


def _bundle(desk: Desk) -> None:
    """A copy of a built-in avatar, marked as the real stage marks its own."""
    if find_made(desk) is not None:
        return
    source = desk.store.get("mira")
    details = source.manifest.model_dump(include=set(AvatarDetails.model_fields))
    with desk.store.writer(desk.order.avatar) as writer:
        for name in source.manifest.parts:
            writer.path(name).write_bytes(source.part(name).read_bytes())
        writer.path("report.json").write_text(json.dumps({"mark": desk.mark}), encoding="utf-8")
        writer.commit(AvatarDetails.model_validate(details | {"id": desk.order.avatar}))
