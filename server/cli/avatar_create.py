"""``lipstream avatar create``: from a photo or a video to an avatar."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer
from pydantic import ValidationError
from rich.markup import escape

from avatars.manifest import NOT_STATED, Provenance
from server.cli.avatar_backdrop import (
    KEEP,
    BackgroundOption,
    LamaOption,
    MattingOption,
    MiganOption,
    Repair,
    RepairOption,
    background_of,
)
from server.cli.avatar_parts import open_store
from server.cli.avatar_video import check_parts, loop_lines
from server.cli.common import EXIT_USAGE, err, fail, out, progress_bar, readable_errors

if TYPE_CHECKING:
    from precompute.create import Made
    from precompute.order import AvatarOrder

WHAT_WAS_DONE = ("background", "clothing", "matting", "film")
"""Stages whose notes are no advice."""
MAX_SOURCE_NAME = 200
"""Characters of a file's name that are kept."""


def create(
    photo: Annotated[
        Path,
        typer.Argument(
            exists=True,
            dir_okay=False,
            help="A portrait from the front, mouth closed; or a video (MP4, MOV, WebM).",
        ),
    ],
    name: Annotated[str, typer.Option(help="The new avatar's id: a-z, 0-9, - and _.")],
    title: Annotated[
        str | None, typer.Option(help="Its name for people; made from the id if absent.")
    ] = None,
    source: Annotated[
        str | None, typer.Option(help="Where the photo comes from; the file's name if absent.")
    ] = None,
    author: Annotated[str, typer.Option(help="Who made the photo.")] = NOT_STATED,
    licence: Annotated[str, typer.Option(help="What may be done with it.")] = NOT_STATED,
    consent: Annotated[str, typer.Option(help="Who agreed to this use, and how.")] = NOT_STATED,
    background: BackgroundOption = KEEP,
    matting: MattingOption = None,
    repair: RepairOption = Repair.AUTO,
    lama_model: LamaOption = None,
    migan_model: MiganOption = None,
    loop_only: Annotated[
        bool, typer.Option("--loop-only", help="Of a video: it plays its loop, and its lips never move.")
    ] = False,
) -> None:
    """Make an avatar from a photo, or from a video."""
    # Imported here: the face networks are slow to load and only needed by this command.
    from precompute.clip import is_video_file
    from precompute.create import make_avatar
    from precompute.order import AvatarOrder
    from precompute.stages.base import DeskOptions
    from precompute.stages.plan import stages_of
    from server.avatar_parts import part_builders
    from server.cli.avatar_steps import StepBars

    settings, store = open_store()
    kind = "video" if is_video_file(photo) else "photo"
    if loop_only and kind == "photo":
        fail("--loop-only is for videos; the lips of a photo move everywhere.", EXIT_USAGE)
    with readable_errors():
        # Whether the id is valid and free is better known before anything else.
        store.writer(name)
        word, backdrop = background_of(background)
        try:
            order = AvatarOrder(
                avatar=name,
                kind=kind,
                name=title,
                provenance=Provenance(
                    source=source or _name_of(photo), author=author, licence=licence, consent=consent
                ),
                background=word,
                matting=matting,
                repair=repair.value,
                loop_only=loop_only,
            )
        except ValidationError as error:
            fail(_words_of(error), EXIT_USAGE)
        if order.needs_backdrop and backdrop is None:
            fail(f"--background {order.background}: name the file itself.", EXIT_USAGE)
        builders = () if loop_only else part_builders(settings)
        if order.kind == "video":
            check_parts(settings, builders)
        with progress_bar() as progress:
            made = make_avatar(
                order,
                photo,
                store,
                backdrop=backdrop,
                builders=builders,
                options=DeskOptions(lama=lama_model, migan=migan_model),
                watcher=StepBars(progress, stages_of(order, builders)),
            )
    _tell(order, made)


def _tell(order: AvatarOrder, made: Made) -> None:
    bundle = made.bundle
    out().print(f"Made {bundle.id}: {bundle.path}")
    if order.kind == "video":
        for line in loop_lines(made.records["loop"].report):
            out().print(line, markup=False)
    for stage, record in made.records.items():
        for note in record.notes:
            if stage in WHAT_WAS_DONE:
                out().print(note, markup=False)
            else:
                err().print(f"[yellow]Note:[/yellow] {escape(note)}")
    if order.provenance.consent == NOT_STATED:
        err().print("[yellow]Note:[/yellow] Who agreed to this use is not stated; --consent keeps it.")
    if order.kind == "video" and not bundle.manifest.engines:
        out().print(
            "It plays its loop, and its lips do not move. MuseTalk may be able to draw them: "
            f"docs/musetalk.md, then lipstream avatar rebuild {bundle.id}"
        )
        return
    out().print(f"What was judged and done: lipstream avatar show {bundle.id} --sheet {bundle.id}.png")
    out().print(f'Try it: lipstream render "Hello!" --avatar {bundle.id} -o hello.mp4')


def _name_of(file: Path) -> str:
    """A file's name for people, without its folders."""
    return file.name.encode("utf-8", "replace").decode()[:MAX_SOURCE_NAME]


def _words_of(error: ValidationError) -> str:
    """The first thing that is wrong, as a sentence."""
    first = error.errors(include_url=False, include_input=False)[0]
    where = {"name": "--title"}.get(str(first["loc"][-1]), f"--{first['loc'][-1]}") if first["loc"] else ""
    text = first["msg"].removeprefix("Value error, ")
    return f"{where}: {text}." if where else f"{text[:1].upper()}{text[1:]}."
