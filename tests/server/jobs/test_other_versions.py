import sqlite3
from contextlib import closing
from pathlib import Path

from server.jobs import Job
from streaming.render import RenderRequest


def rename(folder: Path, job: Job, old: str, new: str) -> None:
    """Let a job be kept as another version keeps it."""
    with closing(sqlite3.connect(folder / "jobs" / "jobs.sqlite")) as database, database:
        for table, column in (("workflow_input", "inputs"), ("workflow_output", "output")):
            database.execute(
                f"update {table} set {column} = replace({column}, ?, ?) where workflow_uuid = ?",
                (f'"{old}"', f'"{new}"', job.id),
            )


async def test_jobs_of_other_versions_keep_no_others_from_being_done(shop, tmp_path: Path):
    async with shop() as place:
        ordered, kept, good = [await place.submit(name) for name in ("anna", "berta", "carla")]
        for job in (ordered, kept, good):
            await place.until(job, "done")
        film = await place.jobs.submit_render(RenderRequest("Hello", "mira"))
        waiting = await place.jobs.submit_render(RenderRequest("Hello", "mira"))
        await place.renderer.begun(1)
    rename(tmp_path / "data", ordered, "loop_only", "looped")
    rename(tmp_path / "data", kept, "created", "born")
    rename(tmp_path / "data", film, "text", "script")
    async with shop() as place:
        assert {job.id for job in place.jobs.all()} == {good.id, waiting.id}
        await place.renderer.begun(1)
        assert len(place.renderer.gates) == 1, "the film that cannot be read has given up its turn"
        place.renderer.gates[0].set_result(None)
        another = await place.submit("dora")
        await place.until(place.jobs.get(waiting.id), "done")
        await place.until(another, "done")
        assert kept.folder.exists(), "for the version that can read it"
