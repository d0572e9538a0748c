"""``avatar.json``: what a bundle says about itself."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import AwareDatetime, BaseModel, ConfigDict, Field

SCHEMA_VERSION = 1
MANIFEST_NAME = "avatar.json"
ID_PATTERN = r"^[a-z0-9][a-z0-9_-]{0,63}$"

MIN_SIDE, MAX_SIDE = 64, 1920
"""Pixels of a frame's width and height."""
MAX_FPS = 60
MAX_LOOP_SECONDS = 600
NOT_STATED = "not stated"

PartName = Literal[
    "poster.webp",
    "idle.mp4",
    "alpha.mp4",
    "alpha.png",
    "backdrop.mp4",
    "faces.npz",
    "atlas.npz",
    "heads.npz",
    "musetalk.safetensors",
    "steps.webp",
    "report.json",
]
LoopKind = Literal["mirrored", "forward"]
BackgroundKind = Literal["own", "transparent", "video"]

MEGABYTE = 1 << 20
PART_LIMITS: dict[PartName, int] = {
    "poster.webp": 2 * MEGABYTE,
    "idle.mp4": 32 * MEGABYTE,
    "alpha.mp4": 32 * MEGABYTE,
    "alpha.png": 8 * MEGABYTE,
    "backdrop.mp4": 32 * MEGABYTE,
    "faces.npz": 8 * MEGABYTE,
    "atlas.npz": 64 * MEGABYTE,
    "heads.npz": 8 * MEGABYTE,
    "musetalk.safetensors": 256 * MEGABYTE,
    "steps.webp": 4 * MEGABYTE,
    "report.json": MEGABYTE // 4,
}
"""Every part that a bundle may have, and the most bytes it may take."""

AvatarId = Annotated[str, Field(pattern=ID_PATTERN, examples=["mira"])]
Line = Annotated[str, Field(max_length=500)]
Side = Annotated[int, Field(ge=MIN_SIDE, le=MAX_SIDE, multiple_of=2)]


class _Model(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class Provenance(_Model):
    """Where the avatar comes from and what may be done with it.

    Attributes:
        source: what it was made from.
        author: who made the source.
        licence: SPDX identifier, or a few words.
        tools: what it was made with.
        consent: for a real person, who agreed to this use and how; else why none is needed.
        sha256: of the source's file, in hexadecimal; empty where that is not known.
    """

    source: Line = NOT_STATED
    author: Line = NOT_STATED
    licence: Line = NOT_STATED
    tools: tuple[Line, ...] = Field(default=(), max_length=20)
    consent: Line = NOT_STATED
    sha256: Annotated[str, Field(pattern=r"^([0-9a-f]{64})?$")] = ""


class Part(_Model):
    """One file of the bundle."""

    sha256: Annotated[str, Field(pattern=r"^[0-9a-f]{64}$")]
    bytes: Annotated[int, Field(ge=1)]


class AvatarDetails(_Model):
    """What its maker says about an avatar; the writer of the bundle adds the rest.

    Attributes:
        id: the avatar's id, which is also its folder's name.
        name: for people.
        width: frame width in pixels.
        height: frame height in pixels.
        fps: frames per second of the idle loop.
        frames: frames in the idle loop.
        created: when it was made.
        provenance: where it comes from.
        engines: the face engines that it carries parts for.
        loop: how the idle loop goes on at its end: back the way it came, or from its beginning.
        background: what is behind the person: what the frames show; nothing (a matte says where the person
            is); or a film of its own (likewise).
    """

    id: AvatarId
    name: Annotated[str, Field(min_length=1, max_length=100)]
    width: Side
    height: Side
    fps: Annotated[int, Field(ge=1, le=MAX_FPS)]
    frames: Annotated[int, Field(ge=1, le=MAX_FPS * MAX_LOOP_SECONDS)]
    created: AwareDatetime
    provenance: Provenance = Provenance()
    engines: tuple[Literal["atlas", "musetalk"], ...] = ("atlas",)
    loop: LoopKind = "mirrored"
    background: BackgroundKind = "own"


class Manifest(AvatarDetails):
    """The contents of ``avatar.json``."""

    schema_version: Literal[1] = SCHEMA_VERSION
    parts: dict[PartName, Part]
