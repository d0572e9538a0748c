import asyncio
import os
from pathlib import Path

import pytest

from precompute.order import AvatarOrder
from server.jobs.records import JobRecord, StepRecord
from server.jobs.stage_messages import Told
from server.jobs.stage_runs import SILENT_SECONDS, StageRuns
from tests.support import cheap_stages
from tests.support.clock import ManualClock


async def test_a_stage_that_hangs_is_ended_with_its_process(monkeypatch, tmp_path: Path):
    monkeypatch.setenv("LIPSTREAM_DATA_DIR", str(tmp_path / "data"))
    folder = tmp_path / "j_00000000"
    folder.mkdir()
    (folder / "source").write_bytes(b"a photo")
    os.mkfifo(folder / cheap_stages.GATE)
    order = AvatarOrder(avatar="anna", kind="photo", name="hold read")
    step = StepRecord(name="read", title="Reading", weight=1.0)
    job = JobRecord(
        id=folder.name, kind="avatar", created=0.0, order=order.model_dump(mode="json"), steps=[step]
    )
    clock, under_way = ManualClock(), asyncio.Event()

    def changed() -> None:
        if step.progress == 0.5:
            under_way.set()

    runs = StageRuns(job, folder, cheap_stages.PLAN, clock, changed)
    work = asyncio.create_task(runs.run("read"))
    await asyncio.wait_for(under_way.wait(), 60)
    process = runs._process._process
    assert process is not None
    await clock.advance(SILENT_SECONDS - 1)
    runs._told(Told("read", 0.6, False, []))
    await clock.advance(SILENT_SECONDS - 1)
    assert not work.done(), "it got further"
    await clock.advance(2)
    ended = await asyncio.wait_for(work, 60)
    assert ended.code == "stage_stalled"
    with pytest.raises(ProcessLookupError):
        os.kill(process.pid, 0)
    await runs.close()
