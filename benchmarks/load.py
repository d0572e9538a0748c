"""CPU time of one speaking session, all of it, beside the same frames through aiortc's own H.264 encoder."""

from __future__ import annotations

import asyncio
import multiprocessing
import tempfile
import time
from collections.abc import AsyncIterator, Callable
from multiprocessing.connection import Connection
from pathlib import Path

import av
import httpx
from aiortc import RTCPeerConnection, RTCSessionDescription
from aiortc.codecs.h264 import H264Encoder as AiortcH264Encoder

from avatars.store import AvatarStore
from benchmarks.live import live_server
from benchmarks.result import Row
from benchmarks.texts import MINUTE
from streaming.compositor.factory import AvatarCompositorFactory
from streaming.encoders.h264 import H264Encoder
from streaming.performer.base import PerformRequest
from streaming.performer.local import LocalPerformer
from streaming.slots import Slot, UtteranceKey
from streaming.timing import FPS, SLOT_SECONDS, VIDEO_TICKS_PER_SLOT, VIDEO_TIME_BASE

SETTLE_SECONDS = 3.0
MEASURED_SECONDS = 20.0
FRAMES = 300
BITRATE = 1_500_000
SDP = {"content-type": "application/sdp"}


async def _watch(url: str, control: Connection) -> None:
    """Receive over WebRTC as a viewer would, in a process of its own, until told to stop."""
    peer = RTCPeerConnection()
    connected = asyncio.Event()
    peer.on("connectionstatechange", lambda: connected.set() if peer.connectionState == "connected" else None)
    for kind in ("video", "audio"):
        peer.addTransceiver(kind, direction="recvonly")
    await peer.setLocalDescription(await peer.createOffer())
    async with httpx.AsyncClient(base_url=url, trust_env=False) as client:
        session = (await client.post("/v1/sessions", json={"avatar": "mira"})).raise_for_status().json()
        headers = {"authorization": f"Bearer {session['token']}"}
        answer = await client.post(
            session["links"]["whep"], content=peer.localDescription.sdp, headers=headers | SDP
        )
        await peer.setRemoteDescription(RTCSessionDescription(answer.raise_for_status().text, "answer"))
        await connected.wait()
        for _ in range(2):
            say = await client.post(f"{session['links']['self']}/say", json={"text": MINUTE}, headers=headers)
            say.raise_for_status()
        control.send("watching")
        await asyncio.to_thread(control.recv)
        await client.delete(session["links"]["self"], headers=headers)
    await peer.close()


def _viewer(url: str, control: Connection) -> None:
    asyncio.run(_watch(url, control))


async def _session_cpu() -> tuple[float, float]:
    """CPU seconds per second of server and performer together: with one speaking session, and with none."""
    async with live_server() as server:
        began, used = time.monotonic(), server.cpu_seconds()
        await asyncio.sleep(SETTLE_SECONDS)
        resting = (server.cpu_seconds() - used) / (time.monotonic() - began)
        context = multiprocessing.get_context("spawn")
        ours, theirs = context.Pipe()
        viewer = context.Process(target=_viewer, args=(server.url, theirs))
        viewer.start()
        try:
            await asyncio.to_thread(ours.recv)
            await asyncio.sleep(SETTLE_SECONDS)
            began, used = time.monotonic(), server.cpu_seconds()
            await asyncio.sleep(MEASURED_SECONDS)
            speaking = (server.cpu_seconds() - used) / (time.monotonic() - began)
            ours.send("stop")
            await asyncio.to_thread(viewer.join, 10)
        finally:
            viewer.terminate()
    return speaking, resting


async def _one(text: str) -> AsyncIterator[str]:
    yield text


async def _frames() -> list[av.VideoFrame]:
    """Frames of the same text as the live session draws them."""
    performer = LocalPerformer()
    await performer.start()
    frames = []
    try:
        with tempfile.TemporaryDirectory() as folder:
            compositor = AvatarCompositorFactory(AvatarStore(Path(folder))).open("mira")
            request = PerformRequest(UtteranceKey("bench", 0, 1), "mira", seed=1, window=FRAMES)
            async for item in performer.perform(request, _one(MINUTE)):
                if isinstance(item, Slot):
                    frames.append(compositor.compose(item.index, item.patch))
                if len(frames) == FRAMES:
                    break
    finally:
        await performer.close()
    return frames


def _cpu(encode: Callable[[av.VideoFrame, int], object], frames: list[av.VideoFrame], paced: bool) -> float:
    """CPU seconds per frame.

    Paced at 25 frames per second, caches are as cold as in a live session; back to back they are warm, and
    any encoder costs less than it ever does live.
    """
    began, used = time.monotonic(), 0.0
    for index, frame in enumerate(frames):
        if paced:
            time.sleep(max(0.0, began + index * SLOT_SECONDS - time.monotonic()))
        start = time.process_time()
        encode(frame, index)
        used += time.process_time() - start
    return used / len(frames)


def _aiortc_cpu(frames: list[av.VideoFrame], paced: bool) -> float:
    encoder = AiortcH264Encoder()
    encoder.target_bitrate = BITRATE

    def encode(frame: av.VideoFrame, index: int) -> object:
        frame.pts, frame.time_base = index * VIDEO_TICKS_PER_SLOT, VIDEO_TIME_BASE
        return encoder.encode(frame, index == 0)

    return _cpu(encode, frames, paced)


def _own_cpu(frames: list[av.VideoFrame]) -> float:
    encoder = H264Encoder(frames[0].width, frames[0].height, BITRATE)
    return _cpu(lambda frame, index: encoder.encode(frame, index, index == 0), frames, paced=True)


async def measure() -> list[Row]:
    speaking, resting = await _session_cpu()
    frames = await _frames()
    theirs, ours = _aiortc_cpu(frames, paced=True), _own_cpu(frames)
    warm = _aiortc_cpu(frames, paced=False)
    return [
        Row("CPU of one speaking 512x512 session, all processes", speaking * 100, "% of a core", 15),
        Row("the same, as a share of aiortc's H.264 encoder at 25 fps", speaking / (theirs * FPS), "x", 0.5),
        Row("the same, as a share of it back to back", speaking / (warm * FPS), "x", 0.5),
        Row("CPU of the server without a session", resting * 100, "% of a core"),
        Row("aiortc's H.264 encoder at 25 fps", theirs * 1000, "ms/frame"),
        Row("aiortc's H.264 encoder back to back", warm * 1000, "ms/frame"),
        Row("our H.264 encoder at 25 fps", ours * 1000, "ms/frame"),
    ]
