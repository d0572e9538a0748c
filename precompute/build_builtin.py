"""Builds an avatar from rendered pictures: ``python -m precompute.build_builtin CROPS DETAILS STORE``.

DETAILS is a JSON file with ``id``, ``name`` and ``provenance``; the avatars that ship with the program have
theirs, and the stills, in ``avatars/builtin/sources``.
"""

from __future__ import annotations

import logging
from pathlib import Path
from typing import Annotated

import typer
from pydantic import BaseModel, ConfigDict
from rich.logging import RichHandler

from avatars.bundle import BundleWriter
from avatars.manifest import AvatarId, Provenance
from precompute.assemble import assemble
from precompute.landmarks import FaceFinder
from precompute.rendered import rendered_atlas

_log = logging.getLogger(__name__)


class _Details(BaseModel):
    model_config = ConfigDict(extra="forbid")

    id: AvatarId
    name: str
    provenance: Provenance


def build(
    crops: Annotated[Path, typer.Argument(help="Folder with atlas.json and the rendered crops of the eyes.")],
    details: Annotated[Path, typer.Argument(help="JSON file with id, name and provenance.")],
    store: Annotated[Path, typer.Argument(help="Folder that will hold the avatar's folder.")],
    still: Annotated[Path | None, typer.Option(help="The picture at rest, else as in atlas.json.")] = None,
) -> None:
    """Build the bundle of one rendered avatar."""
    logging.basicConfig(level=logging.INFO, format="%(message)s", handlers=[RichHandler(show_path=False)])
    about = _Details.model_validate_json(details.read_bytes())
    atlas = rendered_atlas(crops, FaceFinder(), still)
    _log.info("mouth %s, eyes %s", atlas.mouth_rect.tolist(), atlas.eye_rect.tolist())
    with BundleWriter(store) as writer:
        bundle = assemble(
            atlas,
            writer,
            about.id,
            about.name,
            about.provenance,
            progress=lambda step, part: _log.info("%3.0f %% %s", 100 * part, step),
        )
    for name, part in bundle.manifest.parts.items():
        _log.info("%s: %.2f MB", name, part.bytes / 1e6)


if __name__ == "__main__":
    typer.run(build)
