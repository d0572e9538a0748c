"""A stage of making an avatar, and the desk that stages work at.

Stages hand on what they make as files in the desk's folder. A process that is killed loses the stage that it
was at; another one, at a new desk with the same folder, goes on after the last stage that was finished.
"""

from __future__ import annotations

import os
import secrets
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import Any, TypeVar

import cv2
import numpy as np
from numpy.typing import NDArray
from pydantic import BaseModel, ConfigDict

from avatars.manifest import PartName
from avatars.store import AvatarStore
from precompute.landmarks import FaceFinder
from precompute.matting.rembg_model import Matter
from precompute.order import AvatarOrder
from precompute.parts import PartBuilder
from precompute.repair.base import Inpainter
from streaming.clock import Clock, SystemClock

Image = NDArray[np.uint8]
T = TypeVar("T")

SOURCE, BACKDROP = "source", "backdrop"
"""Files of a desk that are there before the first stage."""
PARTS, PREVIEWS, RECORDS = "parts", "previews", "records"
"""Folders of a desk."""
MARK = "mark"
PREVIEW_SIDE = 960
PREVIEW_QUALITY = 82


@dataclass(frozen=True, slots=True)
class Stage:
    """One step on the way from a photo or video to an avatar.

    Attributes:
        name: ``[a-z_]+``, unlike that of any other stage.
        title: for people: ``Finding the face``.
        weight: how long it takes, against the others.
        run: does it. Reads and writes files in the desk's folder, and nothing else but the store; a second
            run after one that was killed does the same again.
    """

    name: str
    title: str
    weight: float
    run: Callable[[Desk], None]


class Record(BaseModel):
    """What a finished stage left: kept as ``records/<stage>.json``.

    Attributes:
        report: what was judged and measured.
        notes: sentences for the person who sent the photo or video.
        title: of the stage.
        number: its place among the finished ones.
        details: fields of the avatar's manifest (:class:`avatars.manifest.AvatarDetails`).
        tools: what was used, for the provenance.
    """

    model_config = ConfigDict(extra="forbid")

    title: str = ""
    number: int = 0
    report: dict[str, Any] = {}
    notes: list[str] = []
    details: dict[str, Any] = {}
    tools: list[str] = []


@dataclass(frozen=True, slots=True)
class DeskOptions:
    """Where models lie that are no part of any package.

    Attributes:
        lama: LaMa's file ``big-lama.pt``, or its folder.
        migan: MI-GAN's file ``migan_pipeline_v2.onnx``.
    """

    lama: Path | None = None
    migan: Path | None = None

    @classmethod
    def of_environment(cls) -> DeskOptions:
        """As ``LAMA_MODEL`` and ``MIGAN_MODEL`` say."""
        lama, migan = os.environ.get("LAMA_MODEL"), os.environ.get("MIGAN_MODEL")
        return cls(Path(lama) if lama else None, Path(migan) if migan else None)


class Watcher:
    """Told what happens at a desk. Does nothing by itself: override what is wanted."""

    def progress(self, stage: str, done: float) -> None:
        """How much of a stage is done, 0..1."""

    def preview(self, stage: str, path: Path) -> None:
        """A stage wrote its preview, or a better one."""

    def note(self, stage: str, text: str) -> None:
        """A stage has a sentence for the person."""


@dataclass(eq=False)
class Desk:
    """Where the stages of one order work. Not for two threads, nor for two processes, at once.

    Attributes:
        folder: holds ``source``, the photo or video as it was sent; ``backdrop``, if there is any; and what
            stages leave for later ones. ``parts`` holds the files of the bundle under their names there.
        order: what is wanted.
        store: where the avatar goes.
        builders: build what engines need of the avatar when it is there.
        clock: says when the avatar was made.
        options: where models lie.
        watcher: told what happens.
        path: the source, where it is not to be copied into the folder.
        matter: makes mattes; made from the order when first asked for.
        inpainter: draws missing clothing; chosen by the order when ``None``.
        faces: loaded face networks to reuse.
        own_transparency: whether a photo that came cut out keeps its own matte; as the order says when
            ``None``.
    """

    folder: Path
    order: AvatarOrder
    store: AvatarStore
    builders: Sequence[PartBuilder] = ()
    clock: Clock = field(default_factory=SystemClock)
    options: DeskOptions = field(default_factory=DeskOptions.of_environment)
    watcher: Watcher = field(default_factory=Watcher)
    path: Path | None = None
    matter: Matter | None = None
    inpainter: Inpainter | None = None
    faces: FaceFinder | None = None
    own_transparency: bool | None = None
    _stage: str = field(default="", init=False)
    _record: Record = field(default_factory=Record, init=False)
    _kept: dict[str, object] = field(default_factory=dict, init=False, repr=False)

    @property
    def source(self) -> Path:
        """The photo or video."""
        return self.path or self.folder / SOURCE

    @property
    def backdrop(self) -> Path | None:
        """The picture or film behind the person, if there is one."""
        path = self.folder / BACKDROP
        return path if path.exists() else None

    @cached_property
    def finder(self) -> FaceFinder:
        """The face networks, loaded when first asked for.

        Raises:
            EngineUnavailable: they are not installed.
        """
        return self.faces or FaceFinder()

    @cached_property
    def mark(self) -> str:
        """Tells this order's avatar from all others; the same in every process."""
        path = self.folder / MARK
        if not path.exists():
            self._write(path, secrets.token_hex(16).encode())
        return path.read_text(encoding="ascii")

    # What stages say.

    def progress(self, done: float) -> None:
        """Tell how much of the stage is done, 0..1."""
        self.watcher.progress(self._stage, min(1.0, max(0.0, done)))

    def preview(self, picture: Image) -> None:
        """Show a (H, W, 3) BGR picture of how things are; a second one takes the place of the first."""
        scale = min(1.0, PREVIEW_SIDE / max(picture.shape[:2]))
        if scale < 1:
            size = (round(picture.shape[1] * scale), round(picture.shape[0] * scale))
            picture = np.asarray(cv2.resize(picture, size, interpolation=cv2.INTER_AREA), np.uint8)
        done, data = cv2.imencode(".webp", picture, [cv2.IMWRITE_WEBP_QUALITY, PREVIEW_QUALITY])
        if not done:
            raise OSError(f"The preview of '{self._stage}' could not be encoded as WebP.")
        path = self.preview_path(self._stage)
        self._write(path, data.tobytes())
        self.watcher.preview(self._stage, path)

    def note(self, text: str) -> None:
        """Say a sentence to the person who sent the photo or video."""
        if text not in self._record.notes:
            self._record.notes.append(text)
            self.watcher.note(self._stage, text)

    def report(self, found: dict[str, Any]) -> None:
        """Add to the stage's part of the avatar's ``report.json``; values as JSON has them."""
        self._record.report.update(found)

    def detail(self, **values: Any) -> None:
        """Say what the avatar's manifest shall hold: ``frames=75, loop="forward"``."""
        self._record.details.update(values)

    def used(self, tool: str) -> None:
        """Name a tool for the avatar's provenance."""
        if tool not in self._record.tools:
            self._record.tools.append(tool)

    # What stages leave for each other.

    def part(self, name: PartName) -> Path:
        """Where a stage writes a file of the bundle, whole or not at all; it becomes part of the avatar."""
        folder = self.folder / PARTS
        folder.mkdir(exist_ok=True)
        return folder / name

    def save_arrays(self, name: str, arrays: dict[str, NDArray[Any]]) -> None:
        """Leave arrays as ``<name>.npz``."""
        temporary = self.folder / f".{name}.npz"
        with temporary.open("wb") as file:
            np.savez(file, allow_pickle=False, **arrays)
        os.replace(temporary, self.folder / f"{name}.npz")

    def load_arrays(self, name: str) -> dict[str, NDArray[Any]]:
        """Read what ``save_arrays`` left."""
        with np.load(self.folder / f"{name}.npz", allow_pickle=False) as found:
            return {key: found[key] for key in found.files}

    def save_bytes(self, name: str, data: bytes) -> None:
        """Leave a file."""
        self._write(self.folder / name, data)

    def load_bytes(self, name: str) -> bytes:
        """Read what ``save_bytes`` left."""
        return (self.folder / name).read_bytes()

    def keep(self, name: str, value: T) -> T:
        """Keep in memory what can be had again from files, for stages that run in this process."""
        self._kept[name] = value
        return value

    def kept(self, name: str, kind: type[T]) -> T | None:
        """What was kept in memory; ``None`` in another process."""
        value = self._kept.get(name)
        return value if isinstance(value, kind) else None

    def forget(self, *names: str) -> None:
        """Keep these no longer."""
        for name in names:
            self._kept.pop(name, None)

    # Running stages.

    def run(self, stage: Stage) -> None:
        """Do one stage; when this returns, it counts as finished in every process."""
        self._stage = stage.name
        self._record = Record(title=stage.title, number=len(self.records()))
        self.watcher.progress(stage.name, 0.0)
        stage.run(self)
        self._write(self._record_path(stage.name), self._record.model_dump_json(indent=1).encode())
        self.watcher.progress(stage.name, 1.0)

    def finished(self, stage: str) -> bool:
        """Whether a stage was finished at this desk, in whatever process."""
        return self._record_path(stage).exists()

    def record(self, stage: str) -> Record:
        """What a finished stage said; empty for others."""
        if not self.finished(stage):
            return Record()
        return Record.model_validate_json(self._record_path(stage).read_bytes())

    def records(self) -> dict[str, Record]:
        """What all finished stages said, by their names, in their order."""
        names = [path.stem for path in (self.folder / RECORDS).glob("[a-z]*.json")]
        found = {name: self.record(name) for name in names}
        return dict(sorted(found.items(), key=lambda entry: entry[1].number))

    def preview_path(self, stage: str) -> Path:
        """Where a stage's preview is, once there is one."""
        return self.folder / PREVIEWS / f"{stage}.webp"

    def _record_path(self, stage: str) -> Path:
        return self.folder / RECORDS / f"{stage}.json"

    def _write(self, path: Path, data: bytes) -> None:
        path.parent.mkdir(exist_ok=True)
        temporary = path.with_name(f".{path.name}")
        temporary.write_bytes(data)
        os.replace(temporary, path)
