"""``lipstream render``: a text, a recording or a stream of PCM to a film, without a server."""

from __future__ import annotations

import asyncio
import sys
from collections.abc import Callable
from contextlib import AsyncExitStack
from dataclasses import replace
from pathlib import Path
from typing import Annotated

import typer

from server.captions import webvtt
from server.cli.common import (
    EXIT_USAGE,
    err,
    fail,
    out,
    progress_bar,
    quiet_log,
    readable_errors,
    settings_or_exit,
)
from server.cli.pcm import STANDARD_INPUT, PcmInput
from server.settings import Settings
from streaming.audio.pcm import MAX_SAMPLE_RATE, MIN_SAMPLE_RATE, AudioEncoding, PcmReader
from streaming.audio.stretching import DEEPEST, HIGHEST
from streaming.clock import SystemClock
from streaming.protocol import MAX_TEXT
from streaming.render import RenderRequest, RenderResult
from streaming.sinks.formats import FORMATS, format_of
from streaming.speech.delivery import AS_IT_IS, LONGEST_PAUSE, LOUDEST, Delivery
from streaming.timing import SPEECH_RATE

DEFAULT_SPEED = 1.0


def render(
    output: Annotated[
        Path,
        typer.Option(
            "--output",
            "-o",
            help="The file to write: .mp4, .webm (VP9), .mov (ProRes 4444), or .zip (a PNG for each frame, "
            "and WAV). All but .mp4 keep an avatar without a background transparent.",
        ),
    ],
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
    pcm: Annotated[
        Path | None,
        typer.Option(
            help="Raw mono PCM, rendered as it comes; - reads standard input, and Ctrl-C ends it.",
        ),
    ] = None,
    encoding: Annotated[
        AudioEncoding | None, typer.Option(help="Of --pcm.", show_default="pcm_s16le")
    ] = None,
    sample_rate: Annotated[
        int | None,
        typer.Option(
            min=MIN_SAMPLE_RATE, max=MAX_SAMPLE_RATE, help="Of --pcm, in Hz.", show_default=str(SPEECH_RATE)
        ),
    ] = None,
    avatar: Annotated[str | None, typer.Option(help="Who says it (lipstream avatar list).")] = None,
    voice: Annotated[str | None, typer.Option(help="With which voice (lipstream voice list).")] = None,
    language: Annotated[str | None, typer.Option(help="In which language, such as en.")] = None,
    speed: Annotated[
        float, typer.Option(min=0.5, max=2.0, help="1 is the voice's own pace.")
    ] = DEFAULT_SPEED,
    pitch: Annotated[
        float, typer.Option(min=DEEPEST, max=HIGHEST, help="Semitones; 0 is the voice's own.")
    ] = AS_IT_IS.pitch,
    volume: Annotated[
        float, typer.Option(min=0.0, max=LOUDEST, help="1 is the voice's own.")
    ] = AS_IT_IS.volume,
    pause: Annotated[
        float, typer.Option(min=0.0, max=LONGEST_PAUSE, help="Seconds of silence more between sentences.")
    ] = AS_IT_IS.pause,
    seed: Annotated[int, typer.Option(min=0, help="The same seed gives the same video.")] = 0,
    background: Annotated[
        str | None,
        typer.Option(
            help="A colour behind an avatar that has no background: #00ff00, white, or default (light grey)."
        ),
    ] = None,
    captions: Annotated[bool, typer.Option("--captions", help="Write the words beside it, as .vtt.")] = False,
) -> None:
    """Render a text, recorded speech, or speech as it comes, to a film.

    arecord -t raw -f S16_LE -c 1 -r 16000 | lipstream render --pcm - --sample-rate 16000 -o x.mp4
    """
    settings = settings_or_exit()
    quiet_log(settings)
    if sum(script is not None for script in (text, audio, pcm)) != 1:
        fail("give either a text, a recording with --audio, or a stream of sound with --pcm.", EXIT_USAGE)
    delivery = Delivery(pitch, volume, pause)
    spoken = bool(voice or language or speed != DEFAULT_SPEED or delivery != AS_IT_IS)
    script = _script(text, captions=captions, spoken=spoken)
    stream = _stream(pcm, encoding, sample_rate)
    film = format_of(output)
    if film is None:
        fail(f"{output} must end in {' or '.join(known.suffix for known in FORMATS.values())}.", EXIT_USAGE)
    if not output.parent.is_dir():
        fail(f"there is no folder {output.parent}. Make it first.", EXIT_USAGE)
    request = RenderRequest(
        text=script,
        avatar=avatar or settings.avatar,
        voice=voice,
        language=language,
        speed=speed,
        seed=seed,
        delivery=delivery,
        audio=audio,
        format=film,
        background=background,
        created=SystemClock().wall(),
    )
    with readable_errors(), progress_bar() as progress:
        task = progress.add_task("Rendering", total=None if pcm else 1.0)
        result = asyncio.run(
            _render(settings, request, stream, output, lambda done: progress.update(task, completed=done))
        )
    out().print(f"{output} ({result.seconds:.1f} s)")
    if captions:
        path = output.with_suffix(".vtt")
        path.write_text(webvtt(result.words, script), encoding="utf-8")
        out().print(str(path))


def _script(text: str | None, *, captions: bool, spoken: bool) -> str:
    """The text, which is empty for sound."""
    if text is None:
        if spoken:
            fail("--voice, --language, --speed and the like need a text; sound has its own.", EXIT_USAGE)
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


def _stream(pcm: Path | None, encoding: AudioEncoding | None, sample_rate: int | None) -> PcmInput | None:
    """Where sound comes from while it is rendered, if it does."""
    if pcm is None:
        if encoding or sample_rate:
            fail("--encoding and --sample-rate need --pcm; other files say it themselves.", EXIT_USAGE)
        return None
    if pcm == STANDARD_INPUT and sys.stdin.isatty():
        fail("--pcm - reads standard input, which is the keyboard. Pipe sound into it.", EXIT_USAGE)
    if pcm != STANDARD_INPUT and (not pcm.exists() or pcm.is_dir()):
        fail(f"--pcm: there is no file {pcm}.", EXIT_USAGE)
    return PcmInput(pcm, PcmReader(encoding or "pcm_s16le", sample_rate or SPEECH_RATE))


async def _render(
    settings: Settings,
    request: RenderRequest,
    stream: PcmInput | None,
    path: Path,
    on_progress: Callable[[float], None],
) -> RenderResult:
    # Imported here: the other commands need neither pictures nor a performer.
    from avatars.store import AvatarStore
    from server.state import performer_config
    from streaming.audio.recording import open_recording
    from streaming.compositor.backdrops import check_background
    from streaming.compositor.factory import AvatarCompositorFactory
    from streaming.compositor.marked import marked
    from streaming.performer.local import LocalPerformer
    from streaming.render import render as render_line

    if request.audio is not None:
        # Before the engines load, which takes longer than to see that it is no recording.
        with request.audio.open("rb") as file:
            async with open_recording(file):
                pass
    store = AvatarStore(settings.avatars_dir)
    compositors = marked(AvatarCompositorFactory(store), settings.mark, settings.mark_font)
    if request.background is not None:
        check_background(store.manifest(request.avatar), request.background)
    performer = LocalPerformer(performer_config(settings))
    async with AsyncExitStack() as stack:
        stack.push_async_callback(performer.close)
        if stream is not None:
            # It comes from now on, while the engines load.
            request = replace(request, feed=await stack.enter_async_context(stream.feeding()))
        await performer.start()
        result = await render_line(performer, compositors, request, path, on_progress)
    if request.feed is not None and request.feed.overflowed:
        minutes = request.feed.max_seconds / 60
        err().print(f"[yellow]Note:[/yellow] a stream may last {minutes:.0f} minutes; the rest is left out.")
    return result
