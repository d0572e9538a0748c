"""Every Prometheus metric, with its buckets. The line reports through ``streaming.observer.Observer``."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import get_args

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram, generate_latest
from prometheus_client.gc_collector import GCCollector
from prometheus_client.platform_collector import PlatformCollector
from prometheus_client.process_collector import ProcessCollector

from server.jobs.job import ENDED, JobKind, JobStatus
from streaming.observer import DropReason, EndReason, Trouble

LATENCY_BUCKETS = (0.05, 0.1, 0.15, 0.2, 0.3, 0.4, 0.6, 0.8, 1.0, 1.5, 2.0, 3.0, 5.0, 10.0)
"""Seconds from a text's acceptance to its first slot: from the embedded voice to a cold GPU engine."""

LATENESS_BUCKETS = (0.001, 0.002, 0.005, 0.01, 0.02, 0.04, 0.08, 0.16, 0.32, 1.0)
"""Seconds after a slot's deadline: 40 ms is one slot, from where slots are skipped."""

RENDER_BUCKETS = (0.5, 1, 2, 5, 10, 20, 30, 60, 120, 300, 600, 1800)
"""Seconds that one render takes."""

CONTENT_TYPE = "text/plain; version=1.0.0; charset=utf-8"


class Metrics:
    """An observer that counts. Each instance has a registry of its own.

    Args:
        process: whether to add what Prometheus knows of the process (memory, CPU, garbage collection).
    """

    def __init__(self, process: bool = True) -> None:
        self.registry = registry = CollectorRegistry()
        if process:
            ProcessCollector(registry=registry)
            PlatformCollector(registry=registry)
            GCCollector(registry=registry)
        self._sessions = Gauge("lipstream_sessions", "Sessions that are open.", registry=registry)
        self._viewers = Gauge("lipstream_viewers", "Viewers attached to sessions.", registry=registry)
        self._opened = Counter("lipstream_sessions_opened", "Sessions ever opened.", registry=registry)
        self._latency = Histogram(
            "lipstream_utterance_latency_seconds",
            "From a text's acceptance to its first slot.",
            ["engine"],
            buckets=LATENCY_BUCKETS,
            registry=registry,
        )
        self._ended = Counter("lipstream_utterances", "Utterances that ended.", ["reason"], registry=registry)
        lateness = Histogram(
            "lipstream_slot_late_seconds",
            "How late slots were sent.",
            buckets=LATENESS_BUCKETS,
            registry=registry,
        )
        self._observe_late = lateness.observe
        self._skipped = Counter(
            "lipstream_slots_skipped", "Slots dropped because the line was late.", registry=registry
        )
        self._interrupts = Counter("lipstream_interrupts", "Interrupts.", registry=registry)
        self._fallbacks = Counter(
            "lipstream_engine_fallbacks",
            "Times that another engine took over from this one.",
            ["engine"],
            registry=registry,
        )
        self._troubles = Counter(
            "lipstream_engine_troubles",
            "Utterances in which an engine ran low on memory, or could not draw faces.",
            ["code", "engine"],
            registry=registry,
        )
        self._faces_late = Counter(
            "lipstream_faces_late",
            "Slots whose face was not drawn in time: they showed the one before.",
            registry=registry,
        )
        self._restarts = Counter(
            "lipstream_performer_restarts", "Times the performer was restarted.", registry=registry
        )
        self._dropped_sound = Counter(
            "lipstream_sound_dropped_seconds",
            "Live sound left out: quiet, to be less late, or the oldest of too much.",
            ["reason"],
            registry=registry,
        )
        self._late_sound = Counter(
            "lipstream_sound_late", "Gaps in live sound that came too late.", registry=registry
        )
        self._renders = Counter("lipstream_renders", "Renders that ended.", ["status"], registry=registry)
        self._render_seconds = Histogram(
            "lipstream_render_seconds", "Time one render took.", buckets=RENDER_BUCKETS, registry=registry
        )
        self._jobs = Gauge(
            "lipstream_jobs",
            "Jobs that are known, of avatars and of films of texts and recordings.",
            ["kind", "status"],
            registry=registry,
        )
        self._jobs_ended = Counter(
            "lipstream_jobs_ended", "Jobs that ended.", ["kind", "status"], registry=registry
        )
        self._waiting = Gauge("lipstream_renders_waiting", "Renders that wait.", registry=registry)
        for reason in ("completed", "interrupted", "failed"):
            self._ended.labels(reason)
        for status in ("done", "failed", "cancelled"):
            self._renders.labels(status)
        for why in get_args(DropReason):
            self._dropped_sound.labels(why)

    def session_opened(self) -> None:
        """A session was created."""
        self._opened.inc()
        self._sessions.inc()

    def session_closed(self) -> None:
        """A session ended."""
        self._sessions.dec()

    def utterance_started(self, latency_seconds: float, engine: str) -> None:
        """The first slot of an utterance is sent."""
        self._latency.labels(engine).observe(latency_seconds)

    def utterance_ended(self, reason: EndReason) -> None:
        """Nothing of an utterance follows."""
        self._ended.labels(reason).inc()

    def slot_sent(self, late_seconds: float) -> None:
        """A slot went out."""
        self._observe_late(late_seconds)

    def slots_skipped(self, count: int) -> None:
        """Slots were dropped."""
        self._skipped.inc(count)

    def interrupted(self) -> None:
        """A session was interrupted."""
        self._interrupts.inc()

    def engine_fallback(self, engine: str) -> None:
        """``engine`` failed or was not able to, and another one took over."""
        self._fallbacks.labels(engine).inc()

    def engine_trouble(self, code: Trouble, engine: str) -> None:
        """``engine`` ran low on memory or could not draw a face."""
        self._troubles.labels(code, engine).inc()

    def face_late(self) -> None:
        """A slot showed the face of the one before."""
        self._faces_late.inc()

    def performer_restarted(self) -> None:
        """The performer was restarted."""
        self._restarts.inc()

    def sound_dropped(self, seconds: float, reason: DropReason) -> None:
        """Live sound was left out."""
        self._dropped_sound.labels(reason).inc(seconds)

    def sound_late(self) -> None:
        """There was a gap in live sound."""
        self._late_sound.inc()

    def render_ended(self, status: str, seconds: float) -> None:
        """A render ended as ``done``, ``failed`` or ``cancelled`` after ``seconds`` of work."""
        self._renders.labels(status).inc()
        if status == "done":
            self._render_seconds.observe(seconds)

    def job_ended(self, kind: str, status: str) -> None:
        """A job ended as ``done``, ``failed`` or ``cancelled``."""
        self._jobs_ended.labels(kind, status).inc()

    def watch(
        self,
        viewers: Callable[[], int],
        renders_waiting: Callable[[], int],
        jobs: Callable[[JobKind, JobStatus], int],
    ) -> None:
        """Read these at every scrape; ``jobs`` counts those of a kind that are so far."""
        self._viewers.set_function(viewers)
        self._waiting.set_function(renders_waiting)
        for kind in get_args(JobKind):
            for status in get_args(JobStatus):
                self._jobs.labels(kind, status).set_function(partial(jobs, kind, status))
                if status in ENDED:
                    self._jobs_ended.labels(kind, status)

    def text(self) -> bytes:
        """What Prometheus scrapes."""
        return generate_latest(self.registry)
