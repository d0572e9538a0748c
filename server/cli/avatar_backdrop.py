"""``lipstream avatar create``: another background, and repaired clothing."""

from __future__ import annotations

from enum import StrEnum
from pathlib import Path
from typing import Annotated

import typer

KEEP = "keep"


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
        help="keep it, blur it, transparent, or put a colour (#e8ebee, white), a picture file, or a film in "
        "its place."
    ),
]
MattingOption = Annotated[
    str | None,
    typer.Option(
        help="The network that finds the person: modnet, u2netp, u2net, isnet-general-use, birefnet-portrait "
        "... Without: the photo's own transparency if it has any, else modnet if it is here, else u2netp."
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


def background_of(text: str) -> tuple[str, Path | None]:
    """The word of an order for what was given with ``--background``, and the file if it is one."""
    from precompute.clip import is_video_file
    from precompute.order import PICTURE, VIDEO

    path = Path(text).expanduser()
    if not path.is_file():
        return text.strip().lower(), None
    return (VIDEO if is_video_file(path) else PICTURE), path
