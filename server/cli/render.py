"""``lipstream render``: a text or a recording to an MP4 file, without a server."""

from __future__ import annotations

import asyncio
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Annotated

import typer

from server.captions import webvtt
from server.cli.common import (
    EXIT_USAGE,
    fail,
    out,
    progress_bar,
    quiet_log,
    readable_errors,
    settings_or_exit,
)
from server.settings import Settings
from streaming.protocol import MAX_TEXT
from streaming.render import RenderRequest, RenderResult

DEFAULT_SPEED = 1.0


def render(
    output: Annotated[Path, typer.Option("--output", "-o", help="The MP4 file to write.")],
    text: Annotated[
        str | None, typer.Argument(help="What to say; - reads it from standard input.", show_default=False)
    ] = None,
    audio: Annotated[
        Path | None,
        typer.Option(
            exists=True,
            dir_okay=False,
            readable=True,
            help="Recorded speech in place of a text: WAV, MP3, M4A, OGG, FLAC or WebM.",
        ),
    ] = None,
    avatar: Annotated[str | None, typer.Option(help="Who says it (lipstream avatar list).")] = None,
    voice: Annotated[str | None, typer.Option(help="With which voice (lipstream voice list).")] = None,
    language: Annotated[str | None, typer.Option(help="In which language, such as en.")] = None,
    speed: Annotated[
        float, typer.Option(min=0.5, max=2.0, help="1 is the voice's own pace.")
    ] = DEFAULT_SPEED,
    seed: Annotated[int, typer.Option(min=0, help="The same seed gives the same video.")] = 0,
    captions: Annotated[bool, typer.Option("--captions", help="Write the words beside it, as .vtt.")] = False,
) -> None:
    """Render a text, or recorded speech, to an MP4 file."""
    settings = settings_or_exit()
    quiet_log(settings)
    script = _script(text, audio, captions=captions, spoken=bool(voice or language or speed != DEFAULT_SPEED))
    if output.suffix.lower() != ".mp4":
        fail(f"{output} must end in .mp4.", EXIT_USAGE)
    if not output.parent.is_dir():
        fail(f"there is no folder {output.parent}. Make it first.", EXIT_USAGE)
    request = RenderRequest(
        text=script,
        avatar=avatar or settings.avatar,
        voice=voice,
        language=language,
        speed=speed,
        seed=seed,
        audio=audio,
    )
    with readable_errors(), progress_bar() as progress:
        task = progress.add_task("Rendering", total=1.0)
        result = asyncio.run(
            _render(settings, request, output, lambda done: progress.update(task, completed=done))
        )
    out().print(f"{output} ({result.seconds:.1f} s)")
    if captions:
        path = output.with_suffix(".vtt")
        path.write_text(webvtt(result.words, script), encoding="utf-8")
        out().print(str(path))


def _script(text: str | None, audio: Path | None, *, captions: bool, spoken: bool) -> str:
    """The text, which is empty for a recording."""
    if (text is None) == (audio is None):
        fail("give either a text or a recording with --audio.", EXIT_USAGE)
    if text is None:
        if spoken:
            fail("--voice, --language and --speed need a text; a recording has its own.", EXIT_USAGE)
        if captions:
            fail("--captions needs a text; the words of a recording are not known.", EXIT_USAGE)
        return ""
    script = sys.stdin.read() if text == "-" else text
    if not script.strip():
        fail("the text is empty.", EXIT_USAGE)
    if len(script) > MAX_TEXT:
        fail(
            f"the text has {len(script)} characters; the most is {MAX_TEXT}. Render it in parts.", EXIT_USAGE
        )
    return script


async def _render(
    settings: Settings, request: RenderRequest, path: Path, on_progress: Callable[[float], None]
) -> RenderResult:
    # Imported here: the other commands need neither pictures nor a performer.
    from avatars.store import AvatarStore
    from server.state import performer_config
    from streaming.audio.recording import open_recording
    from streaming.compositor.atlas_compositor import AtlasCompositorFactory
    from streaming.performer.local import LocalPerformer
    from streaming.render import render as render_line

    if request.audio is not None:
        # Before the engines load, which takes longer than to see that it is no recording.
        with request.audio.open("rb") as file:
            async with open_recording(file):
                pass
    compositors = AtlasCompositorFactory(AvatarStore(settings.avatars_dir))
    performer = LocalPerformer(performer_config(settings))
    try:
        await performer.start()
        return await render_line(performer, compositors, request, path, on_progress)
    finally:
        await performer.close()
