"""``lipstream avatar create``: another background, and repaired clothing."""

from __future__ import annotations

from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer
from rich.markup import escape

from server.cli.common import EXIT_USAGE, err, fail, out

if TYPE_CHECKING:
    from precompute.backdrop import Backdrop
    from precompute.matting.background import Background

KEEP, BLUR = "keep", "blur"
DEFAULT_MODEL = "u2netp"


class Repair(StrEnum):
    """What mends clothing that is damaged."""

    AUTO = "auto"
    OPENCV = "opencv"
    LAMA = "lama"
    MIGAN = "migan"
    OFF = "off"


BackgroundOption = Annotated[
    str,
    typer.Option(
        help="Of a photo: keep it, blur it, or put a colour (#e8ebee, white) or a picture file in its place."
    ),
]
MattingOption = Annotated[
    str | None,
    typer.Option(
        help="rembg's model that finds the person: u2netp, u2net, isnet-general-use, birefnet-portrait ... "
        "Without: the photo's own transparency if it has any, else u2netp."
    ),
]
RepairOption = Annotated[
    Repair, typer.Option(help="What draws what a cut-out lost of the clothing. auto: LaMa if installed.")
]
LamaOption = Annotated[
    Path | None, typer.Option(envvar="LAMA_MODEL", help="LaMa's file big-lama.pt, or its folder.")
]
MiganOption = Annotated[
    Path | None, typer.Option(envvar="MIGAN_MODEL", help="MI-GAN's file migan_pipeline_v2.onnx.")
]


def backdrop_of(
    background: str, matting: str | None, repair: Repair, lama: Path | None, migan: Path | None
) -> Backdrop | None:
    """What the options ask for; ``None`` when the background is kept.

    Raises:
        AvatarRejected: the background is none.
        EngineUnavailable: the model or the inpainter that is asked for is not there.
    """
    if background.strip().lower() == KEEP:
        if matting is not None:
            fail("--matting is for another background: give --background, too.", EXIT_USAGE)
        return None
    from precompute.backdrop import Backdrop
    from precompute.matting.rembg_model import RembgMatter
    from precompute.repair.inpainters import choose

    behind = _background(background)
    inpainter = None
    if repair is not Repair.OFF:
        inpainter, notes = choose(repair.value, lama=lama, migan=migan)
        for note in notes:
            err().print(f"[yellow]Note:[/yellow] {escape(note)}")
    return Backdrop(
        behind, RembgMatter(matting or DEFAULT_MODEL), inpainter, own_transparency=matting is None
    )


def tell(backdrop: Backdrop | None) -> None:
    """Print what became of the background and the clothing."""
    if backdrop is not None and backdrop.report is not None:
        for line in backdrop.report.lines():
            out().print(line, markup=False)


def _background(text: str) -> Background:
    from precompute.matting.background import Blurred, Picture, colour
    from precompute.photo import open_photo

    if text.strip().lower() == BLUR:
        return Blurred()
    path = Path(text).expanduser()
    return Picture(open_photo(path)) if path.is_file() else colour(text)
