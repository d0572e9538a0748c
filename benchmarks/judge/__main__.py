"""The command ``python -m benchmarks.judge``."""

from __future__ import annotations

import logging
import multiprocessing
import os
import time
from collections.abc import Iterator
from concurrent.futures import Future, ProcessPoolExecutor
from pathlib import Path
from typing import Annotated

import typer

from benchmarks.judge.avatars import avatar_names, avatars_on_disk
from benchmarks.judge.controls import Controls, check
from benchmarks.judge.drivers import FACE, LOUDNESS, TOLD
from benchmarks.judge.examine import Examined, Job, examine
from benchmarks.judge.film import spans_of
from benchmarks.judge.material import LeftOut, gather
from benchmarks.judge.report import Verdict, markdown, rows_of
from benchmarks.judge.scores import score
from benchmarks.judge.sheets import shown_frames, write_sheet
from benchmarks.judge.utterances import SETS, UtteranceSet
from benchmarks.result import RESULTS, Row, save
from streaming.timing import SPEECH_RATE

COMMAND = "python -m benchmarks.judge"
QUICK_AVATAR = "mira"
WORKERS = 2
_log = logging.getLogger(__name__)


def judge(
    sets: list[UtteranceSet], avatars: tuple[str, ...], workers: int, sheets: Path | None, keep: Path | None
) -> tuple[list[Verdict], dict[str, Controls]]:
    """Render, look and score. Films are made side by side by ``workers`` processes."""
    context = multiprocessing.get_context("spawn")
    with avatars_on_disk(avatars) as root, ProcessPoolExecutor(workers, context) as pool:
        checks = {avatar: pool.submit(check, root, avatar) for avatar in avatars}
        films: dict[tuple[str, str, str], Future[Examined]] = {}
        for spoken in sets:
            for avatar in avatars:
                for driver in _drivers(spoken, first=avatar == avatars[0]):
                    shown = shown_frames(spoken) if driver == FACE else ()
                    path = keep / f"{spoken.name}-{avatar}-{driver}.mp4" if keep else None
                    job = Job(root, avatar, driver, spoken, shown, path)
                    films[spoken.name, avatar, driver] = pool.submit(examine, job)
        verdicts: list[Verdict] = []
        for spoken in sets:
            for avatar in avatars:
                for driver in _drivers(spoken, first=avatar == avatars[0]):
                    verdicts += _verdicts(spoken, avatar, driver, films[spoken.name, avatar, driver].result())
                _log.info("%s, %s: done", spoken.name, avatar)
            if sheets is not None:
                shown_films = {avatar: films[spoken.name, avatar, FACE].result() for avatar in avatars}
                write_sheet(spoken, shown_films, sheets / f"{spoken.name}.webp")
        return verdicts, {avatar: future.result() for avatar, future in checks.items()}


def _drivers(spoken: UtteranceSet, first: bool) -> tuple[str, ...]:
    """What moves the mouth. That it is told the sounds shows the judge's limits, and one avatar will do."""
    if first and not spoken.timed and any(u.phonemes for u in spoken.utterances):
        return FACE, TOLD, LOUDNESS
    return FACE, LOUDNESS


def _verdicts(spoken: UtteranceSet, avatar: str, driver: str, film: Examined) -> list[Verdict]:
    """Of the whole set, and of its groups where there are several and the face is on trial."""
    spans = spans_of(spoken.utterances)
    groups = ["", *spoken.groups] if len(spoken.groups) > 1 and driver == FACE else [""]
    return [
        Verdict(
            spoken.name,
            group,
            avatar,
            driver,
            score(spoken, spans, film.seen, film.still_sharpness, group or None),
            spoken.goals,
            sum(len(u.pcm) for u in spoken.utterances if group in ("", u.group)) / SPEECH_RATE,
        )
        for group in groups
    ]


def _summary(rows: list[Row]) -> Iterator[str]:
    for row in rows:
        if row.target is not None:
            sign = "<=" if row.better == "lower" else ">="
            mark = "ok" if row.reached else "SHORT"
            yield f"{mark:6}{row.name}: {row.value:.3f} {row.unit} (wanted {sign} {row.target:g})"


def main(
    quick: Annotated[bool, typer.Option("--quick", help="One avatar; nothing is saved.")] = False,
    avatar: Annotated[list[str] | None, typer.Option(help="Only this one; may be repeated.")] = None,
    only: Annotated[list[str] | None, typer.Option(help=f"Only this set: {', '.join(SETS)}.")] = None,
    workers: Annotated[int, typer.Option(help="Processes that render side by side.")] = WORKERS,
    out: Annotated[
        Path | None, typer.Option(help="Where tables and sheets go when not everything is judged.")
    ] = None,
    keep: Annotated[Path | None, typer.Option(help="Folder in which the films are kept.")] = None,
) -> None:
    """Judge every avatar on every set; save the result when nothing was left out by choice."""
    logging.basicConfig(level=logging.INFO, format="%(message)s")
    # One thread each: the workers share the cores.
    os.environ.setdefault("OMP_NUM_THREADS", "1")
    began = time.perf_counter()
    names = tuple(avatar or ([QUICK_AVATAR] if quick else avatar_names()))
    chosen = tuple(only or SETS)
    unknown = [name for name in names if name not in avatar_names()] + [n for n in chosen if n not in SETS]
    if unknown:
        raise typer.BadParameter(
            f"There is no {', '.join(unknown)}. "
            f"Avatars: {', '.join(avatar_names())}. Sets: {', '.join(SETS)}."
        )
    sets, left_out = gather(chosen)
    whole = names == avatar_names() and chosen == SETS and out is None
    folder = RESULTS / "judge" if whole else out
    if keep is not None:
        keep.mkdir(parents=True, exist_ok=True)
    verdicts, controls = judge(sets, names, workers, folder, keep)
    rows = rows_of(verdicts, controls, left_out)
    _save(rows, verdicts, controls, left_out, folder, whole)
    for line in _summary(rows):
        _log.info("%s", line)
    _log.info("%.0f s in all%s", time.perf_counter() - began, f"; see {folder}" if folder else "")


def _save(
    rows: list[Row],
    verdicts: list[Verdict],
    controls: dict[str, Controls],
    left_out: list[LeftOut],
    folder: Path | None,
    whole: bool,
) -> None:
    about = f"Made by `{COMMAND}`."
    if whole:
        result = save("judge", COMMAND, rows)
        about = f"Made by `{COMMAND}` at {result.commit} on {result.date}."
    if folder is not None:
        folder.mkdir(parents=True, exist_ok=True)
        (folder / "table.md").write_text(markdown(verdicts, controls, left_out, about), encoding="utf-8")


if __name__ == "__main__":
    typer.run(main)
