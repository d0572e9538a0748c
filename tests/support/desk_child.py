"""Works at a desk in a process of its own, and kills itself there when it is told to.

``python -m tests.support.desk_child FOLDER STAGE``: of ``FOLDER/desk`` and ``FOLDER/desk-store``; in the
middle of the stage, or nowhere. Says which stages it began.
"""

import os
import shutil
import signal
import sys
from pathlib import Path

from avatars.store import AvatarStore
from precompute.order import AvatarOrder
from precompute.stages import mouths
from precompute.stages.base import MARK, SOURCE, Desk, Watcher
from precompute.stages.plan import run_all, stages_of
from tests.support.atlas import small_atlas
from tests.support.clock import ManualClock

CHANGED = AvatarOrder(avatar="anna", kind="photo", name="Anna")


def set_desk_up(folder: Path, source: Path) -> Path:
    """The folder of a desk, with a mark that all of them share."""
    folder.mkdir()
    shutil.copyfile(source, folder / SOURCE)
    (folder / MARK).write_text("0" * 32)
    return folder


class _Killer(Watcher):
    def __init__(self, stage: str) -> None:
        self.stage = stage

    def progress(self, stage: str, done: float) -> None:
        if done == 0:
            sys.stdout.write(f"{stage} ")
        if stage == self.stage and done > 0:
            sys.stdout.flush()
            os.kill(os.getpid(), signal.SIGKILL)


def main(folder: Path, killed_at: str) -> None:
    def draw(portrait, progress):
        progress(0.5)
        return small_atlas(landmarks=portrait.landmarks[:, :2] / 8)

    mouths.build_portrait_atlas = draw
    store = AvatarStore(folder / "desk-store")
    desk = Desk(folder / "desk", CHANGED, store, clock=ManualClock(), watcher=_Killer(killed_at))
    run_all(desk, stages_of(CHANGED))


if __name__ == "__main__":
    main(Path(sys.argv[1]), sys.argv[2])
