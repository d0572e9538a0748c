"""MuseTalk as a face engine: the mouth is drawn by a network, from the sound and the avatar's own picture.

All frames of all sessions are drawn together on the thread that everything on the card shares (see
:mod:`streaming.face.musetalk.drawing`). PyTorch is imported when the engine warms up.
"""

from __future__ import annotations

import asyncio
import math
from collections import OrderedDict
from collections.abc import Iterable, Sequence
from functools import partial
from typing import TYPE_CHECKING
from weakref import WeakSet

import structlog

from avatars.errors import AvatarError
from avatars.store import AvatarStore
from streaming.errors import EngineUnavailable, LipstreamError
from streaming.face.base import FaceRequest
from streaming.face.musetalk.drawing import NAME, Drawing
from streaming.face.musetalk.frames import Face, Frame
from streaming.face.musetalk.package import INSTALL, missing
from streaming.face.musetalk.stream import HELD_SECONDS, MuseTalkStream
from streaming.face.musetalk.weights import LIVE, missing_weights
from streaming.gpu.budget import release
from streaming.gpu.loading import load_or_clear
from streaming.resources import Resources
from streaming.speech.base import EngineStatus
from streaming.timing import FPS

if TYPE_CHECKING:
    from streaming.face.musetalk.machine import Machine
    from streaming.gpu.calibration import Calibration, FaceSteps

log = structlog.get_logger(__name__)

DRAWING_SECONDS = 0.080
"""What live sound leaves for a frame to be drawn; see :data:`streaming.face.musetalk.stream.HELD_SECONDS`."""
CACHED_FACES = 16
"""Avatars whose latents stay in memory when nobody shows them."""
RETRY_SECONDS = 30.0
"""After a failure to load the networks again: every try keeps the thread that the voices need, too."""


class MuseTalkEngine:
    """Draws faces of avatars that carry ``musetalk.safetensors``.

    Args:
        resources: of the performer.

    Raises:
        EngineUnavailable: packages are missing.
    """

    name = NAME
    live_seconds = HELD_SECONDS + DRAWING_SECONDS

    def __init__(self, resources: Resources) -> None:
        if wrong := missing():
            raise EngineUnavailable(f"The face engine '{NAME}' needs {', '.join(wrong)}: {INSTALL}")
        self._options = resources.options.musetalk
        self._compute = resources.compute
        self._clock = resources.clock
        self._store = AvatarStore(resources.avatars_dir)
        self._faces: OrderedDict[str, Face] = OrderedDict()
        # Those that are open; one that nobody holds any more needs nothing.
        self._streams: WeakSet[MuseTalkStream] = WeakSet()
        self._loading = asyncio.Lock()
        self._warming: asyncio.Task[None] | None = None
        self._machine: Machine | None = None
        self._drawings: dict[str, Drawing] = {}
        self._waiting: list[Sequence[Frame]] = []
        self._reloading: asyncio.Task[None] | None = None
        self._retry_at = -math.inf
        self._failure = ""
        self._device = self._options.device
        self._live, self._offline = "taesd", "taesd"
        self._calibration: Calibration | None = None

    @property
    def device(self) -> str:
        """Where the networks run; what the settings ask for until they are loaded."""
        return self._device

    async def warm_up(self) -> None:
        """Fetch the weights if need be, load them, and run everything once.

        Raises:
            EngineUnavailable: they cannot be fetched or read, or the device is missing.
        """
        # Nothing stops a load that has begun: who is cancelled meanwhile must not have it begun once more.
        if self._warming is None or self._warming.done():
            self._warming = asyncio.ensure_future(self._warm_up())
        await asyncio.shield(self._warming)

    async def _warm_up(self) -> None:
        async with self._loading:
            if self._machine is not None:
                return
            loading = self._compute.call(partial(load_or_clear, "MuseTalk", self._load))
            self._machine = await asyncio.wrap_future(loading)
            self._begin(self._machine)

    def _begin(self, machine: Machine) -> None:
        self._drawings = {name: Drawing(machine, name, self._clock) for name in machine.renderer.decoders}
        if self._calibration is not None:
            self.use(self._calibration)
        for drawing in self._drawings.values():
            self._compute.add(drawing)
        waiting, self._waiting = self._waiting, []
        for frames in waiting:
            self._draw(frames)

    async def unload(self) -> bool:
        """Free the memory of the networks, unless somebody speaks; who is shown next has them loaded again.

        Returns:
            Whether there was something to free, and nobody spoke.
        """
        async with self._loading:
            if self._machine is None or any(not stream.closed for stream in self._streams):
                return False
            self._forget()
            await asyncio.wrap_future(self._compute.call(release))
            log.info("musetalk unloaded")
            return True

    def _forget(self) -> None:
        # Not in the coroutine: what it names there would still be alive when its memory is given back.
        for drawing in self._drawings.values():
            self._compute.remove(drawing)
        self._machine = None
        self._drawings = {}
        self._faces.clear()

    def open(self, request: FaceRequest) -> MuseTalkStream:
        """A stream for one utterance.

        Raises:
            EngineUnavailable: the avatar has no part for MuseTalk.
        """
        try:
            face = self._face(request.avatar)
        except AvatarError as error:
            raise EngineUnavailable(error.message) from error
        offline = request.playhead is not None and request.playhead.pace == "offline"
        calibration = self._calibration
        slow = calibration is not None and 0 < calibration.plan.frame_rate < FPS
        stream = MuseTalkStream(
            request,
            face,
            self._offline if offline else self._live,
            self._draw,
            every_other=slow and not offline,
            clock=self._clock,
        )
        self._streams.add(stream)
        return stream

    def steps(self) -> FaceSteps | None:
        """What is done over and over, to be measured on the compute thread; ``None`` before it is loaded."""
        return self._machine.steps() if self._machine is not None else None

    def use(self, calibration: Calibration) -> None:
        """Draw as was found best for this card."""
        self._calibration = calibration
        plan, costs = calibration.plan, calibration.costs
        if plan.sessions:
            self._live = plan.decoder
        for drawing in self._drawings.values():
            self._compute.call(partial(drawing.use, costs))

    def _draw(self, frames: Sequence[Frame]) -> None:
        """On the event loop."""
        if not self._drawings:
            if self._clock.now() < self._retry_at:
                _refuse(frames, self._failure)
                return
            self._waiting.append(frames)
            if self._reloading is None or self._reloading.done():
                self._reloading = asyncio.ensure_future(self._reload())
            return
        self._drawings[frames[0].orders.decoder].submit(frames)
        self._compute.look()

    async def _reload(self) -> None:
        why = "MuseTalk was not loaded again."
        try:
            await self.warm_up()
        except LipstreamError as error:
            why = error.message
        finally:
            if self._machine is None:
                self._retry_at, self._failure = self._clock.now() + RETRY_SECONDS, why
                waiting, self._waiting = self._waiting, []
                _refuse((frame for frames in waiting for frame in frames), why)

    def _face(self, avatar: str) -> Face:
        # Keyed by contents: a part that is built again is loaded again.
        fingerprint = self._store.musetalk_fingerprint(avatar)
        key = f"{avatar}/{fingerprint}"
        if fingerprint is None or key not in self._faces:
            self._faces[key] = Face(self._store.musetalk(avatar), self._store.manifest(avatar).loop)
        self._faces.move_to_end(key)
        while len(self._faces) > CACHED_FACES:
            self._faces.popitem(last=False)
        return self._faces[key]

    def _load(self) -> Machine:
        """On the compute thread."""
        from streaming.face.musetalk.machine import decoders, load_machine

        machine = load_machine(self._options)
        self._device = machine.model.placement.device
        self._live, self._offline = decoders(self._options, self._device)
        return machine


def _refuse(frames: Iterable[Frame], why: str) -> None:
    for frame in frames:
        frame.orders.tell("face_failed", NAME, f"The voice goes on without the face: {why}")
        frame.orders.deliver(frame.promise, frame.patch(None))


def status(resources: Resources) -> EngineStatus:
    """What ``doctor`` says about this engine; loads nothing and fetches nothing."""
    if wrong := missing():
        return EngineStatus(NAME, "face", False, f"not installed: {', '.join(wrong)}", INSTALL)
    options = resources.options.musetalk
    if absent := missing_weights(options.folder, LIVE):
        help_ = "See docs/musetalk.md." if options.folder else "lipstream serve fetches them."
        return EngineStatus(NAME, "face", False, f"the weights of {', '.join(absent)} are not here", help_)
    store = AvatarStore(resources.avatars_dir)
    ready = [e.id for e in store.list() if e.manifest and store.musetalk_fingerprint(e.id) is not None]
    detail = f"avatars with a part for it: {', '.join(ready) or 'none yet (lipstream avatar rebuild --all)'}"
    return EngineStatus(NAME, "face", True, detail)
