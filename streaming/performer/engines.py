"""The engines of a performer, and the card that some of them share."""

from __future__ import annotations

import asyncio
from contextlib import nullcontext, suppress
from functools import partial

import structlog
from msgspec.structs import replace

from streaming.errors import EngineFailed, EngineUnavailable
from streaming.face.musetalk.engine import MuseTalkEngine
from streaming.face.registry import build_face
from streaming.gpu.admission import HALF_RATE, MOST_SESSIONS, Plan, Wish
from streaming.gpu.budget import MemoryBudget, is_out_of_memory
from streaming.gpu.calibration import Calibration, FaceSteps, SpeechSteps, Stopwatch, calibrate
from streaming.gpu.placement import device_name, find_placement, synchronize
from streaming.performer.base import CardDescription
from streaming.resources import Resources
from streaming.speech.qwen3.engine import Qwen3Engine
from streaming.speech.registry import build_chain

log = structlog.get_logger(__name__)


class Engines:
    """Made, loaded and measured together.

    Args:
        speech: names of speech engines, by comma.
        face: names of face engines, by comma.
        resources: what they share.

    Raises:
        EngineUnavailable: a name is unknown, or none of the engines can run here.
    """

    def __init__(self, speech: str, face: str, resources: Resources) -> None:
        self.speech = build_chain(speech, resources)
        self.face = build_face(face, resources)
        self._resources = resources
        self._budget: MemoryBudget | None = None
        self._calibration: Calibration | None = None

    async def warm_up(self) -> None:
        """Load everything, and find out what the card can carry, where networks run on one.

        Raises:
            LipstreamError: no engine of a kind can be loaded; the message says what to do.
        """
        if self._talker is not None or self._drawer is not None:
            self._budget = self._limit_memory()
        await self.speech.warm_up()
        await self.face.warm_up()
        if self._budget is None or (self._talker is None and self._drawer is None):
            return
        measuring = self._resources.compute.call(partial(self._calibrate, self._budget))
        try:
            measured = self._calibration = await asyncio.wrap_future(measuring)
        except Exception as error:
            if not is_out_of_memory(error):
                raise
            raise EngineFailed(
                f"The models are loaded and leave no memory to run in ({self._budget.report().text}). Raise "
                "LIPSTREAM_GPU_MEMORY_GB, or lower LIPSTREAM_QWEN3_SESSIONS."
            ) from error
        if self._drawer is not None:
            self._drawer.use(measured)
        log.info("card measured", plan=measured.text, seconds=round(measured.seconds, 1))

    async def unload(self) -> None:
        """Take the networks off the card; each comes back when it is needed next."""
        if self._talker is not None:
            await self._talker.unload()
        if self._drawer is not None:
            await self._drawer.unload()

    @property
    def device(self) -> str:
        """Where the networks run, such as ``cpu``."""
        return self._drawer.device if self._drawer is not None else self.speech.device

    @property
    def sessions(self) -> int | None:
        """Live sessions that the card carries; ``None`` where there is no such limit."""
        return self.speech.capacity if self._calibration is None else self._calibration.plan.sessions

    def describe_card(self) -> CardDescription | None:
        """What is known of the card; ``None`` where no networks run on one."""
        if self._calibration is None or self._budget is None:
            return None
        plan, memory = self._calibration.plan, self._budget.report()
        return CardDescription(
            plan=self._calibration.text,
            sessions=plan.sessions,
            frame_rate=plan.frame_rate,
            decoder=plan.decoder,
            memory_bytes=memory.allocated,
            memory_peak_bytes=memory.peak,
            memory_budget_bytes=memory.budget,
        )

    @property
    def _talker(self) -> Qwen3Engine | None:
        # Further engines of a chain are loaded later, in the background.
        first = self.speech.engines[0]
        return first if isinstance(first, Qwen3Engine) else None

    @property
    def _drawer(self) -> MuseTalkEngine | None:
        return next((each for each in self.face.engines if isinstance(each, MuseTalkEngine)), None)

    def _limit_memory(self) -> MemoryBudget:
        options = self._resources.options
        wanted = [(self._talker, options.qwen3.device), (self._drawer, options.musetalk.device)]
        devices: list[str] = []
        for engine, device in wanted:
            # An engine whose device is not there is left out when it warms up.
            with suppress(EngineUnavailable):
                devices += [find_placement(device).device] if engine is not None else []
        # Only a card has a limit.
        card = next((device for device in devices if device.startswith("cuda")), (*devices, "cpu")[0])
        budget = MemoryBudget(card, options.gpu.memory_gb)
        budget.enforce()
        return budget

    def _calibrate(self, budget: MemoryBudget) -> Calibration:
        """On the compute thread."""
        budget.settle()
        talker, drawer = self._talker, self._drawer
        speaking = talker.measured_steps() if talker is not None else nullcontext(SpeechSteps())
        faces = (drawer.steps() if drawer is not None else None) or FaceSteps()
        wish = Wish(
            sessions=talker.capacity if talker is not None else MOST_SESSIONS,
            decoder=self._resources.options.musetalk.decoder,
        )
        stopwatch = Stopwatch(self._resources.clock.now, partial(synchronize, budget.device))
        with speaking as speech:
            found = calibrate(speech, faces, stopwatch, device_name(budget.device), budget.report, wish)
        return found if found.plan.sessions or budget.enforced else replace(found, plan=_all_the_same(found))


def _all_the_same(found: Calibration) -> Plan:
    """On a CPU, whose speed depends on what else it does, one may try."""
    reason = f"too slow: {found.plan.reason}; on this device one is let in all the same"
    sizes = tuple(sorted(found.costs.face.get(found.plan.decoder, {})))
    return replace(found.plan, sessions=1, frame_rate=HALF_RATE, face_sizes=sizes, reason=reason)
