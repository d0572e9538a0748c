"""``lipstream avatar create`` with a video."""

from __future__ import annotations

from pathlib import Path

from rich.markup import escape

from avatars.manifest import Provenance
from avatars.store import AvatarStore
from server.cli.common import EXIT_USAGE, err, fail, out, progress_bar, readable_errors
from server.settings import Settings

SHOWN_LEFT_OUT = 12


def create_of_video(
    video: Path,
    name: str,
    title: str | None,
    provenance: Provenance,
    settings: Settings,
    store: AvatarStore,
    *,
    loop_only: bool,
) -> None:
    """Make an avatar from a video, and say what became of it.

    Args:
        video: a file that a person at this machine named.
        name: id of the new avatar.
        title: its name for people.
        provenance: where the video comes from.
        settings: name the face engines.
        store: where the avatar goes.
        loop_only: whether lips that do not move are what is wanted.
    """
    # Imported here: the face networks are slow to load and only needed by this command.
    from precompute.create_from_video import VideoReport, create_from_video
    from server.avatar_parts import musetalk_builder, part_builders

    builders = () if loop_only else part_builders(settings)
    if not builders and not loop_only:
        fail(
            "Only MuseTalk can move the lips of an avatar that is made from a video, and LIPSTREAM_FACE "
            f"({settings.face}) does not name it. Set it up (docs/musetalk.md) and set "
            "LIPSTREAM_FACE=musetalk,atlas; or make the avatar from a photo; or give --loop-only for one "
            "that plays its loop and does not move its lips.",
            EXIT_USAGE,
        )
    failed: list[str] = []
    with readable_errors(), progress_bar() as progress:
        if builders:
            # What is missing is better known before the video is looked through.
            musetalk_builder(settings).source.identity()
        task = progress.add_task("Starting", total=1.0)

        def step(what: str, done: float) -> None:
            progress.update(task, description=what, completed=done)

        bundle, report = create_from_video(
            video,
            name,
            store,
            name=title,
            provenance=provenance,
            progress=step,
            parts=builders,
            on_failed_part=lambda engine, reason: failed.append(f"Not ready for {engine}: {reason}"),
        )
    made: VideoReport = report
    out().print(f"Made {bundle.id}: {bundle.path}")
    seconds = made.end - made.begin
    out().print(f"Its loop is {made.begin:.1f} to {made.end:.1f} s of the video, {seconds:.1f} s.")
    if made.left_out:
        listed = [str(part) for part in made.left_out[:SHOWN_LEFT_OUT]]
        if len(made.left_out) > SHOWN_LEFT_OUT:
            listed.append(f"and {len(made.left_out) - SHOWN_LEFT_OUT} more")
        out().print(f"Left out: {'; '.join(listed)}.")
    for note in (*failed, *made.advice):
        err().print(f"[yellow]Note:[/yellow] {escape(note)}")
    if loop_only or failed:
        out().print(
            "It plays its loop, and its lips do not move until MuseTalk draws them: docs/musetalk.md, then "
            f"lipstream avatar rebuild {bundle.id}"
        )
    else:
        out().print(f'Try it: lipstream render "Hello!" --avatar {bundle.id} -o hello.mp4')
