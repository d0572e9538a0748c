"""Small parts of avatars for MuseTalk, made of numbers instead of pictures."""

from pathlib import Path

import av
import numpy as np
from av.video.stream import VideoStream
from numpy.typing import NDArray

from avatars.bundle import Bundle, BundleWriter
from avatars.musetalk import CROP, MASK_SIDE, MuseTalkPart, fingerprint, frames_of
from streaming.encoders.bt601 import tag_bt601
from streaming.timing import FPS, FRAME_TIME_BASE
from tests.support.bundles import details

RECT = (48, 96, 160, 144)


def small_part(
    frames: int = 1, width: int = 128, height: int = 96, mark: str | None = None, seed: int = 3, **changes
):
    """A part whose face takes the middle of the frame; the mask is a soft ellipse within ``RECT``."""
    rng = np.random.default_rng(seed)
    x, y, w, h = (n * MASK_SIDE / CROP for n in RECT)
    rows, columns = np.mgrid[:MASK_SIDE, :MASK_SIDE] + 0.5
    away = np.hypot((columns - x - w / 2) / (w / 2), (rows - y - h / 2) / (h / 2))
    mask = (np.clip(2 * (1 - away), 0, 1) * 255).astype(np.uint8)
    box = np.array([width * 0.25, height * 0.1, width * 0.75, height * 0.9], np.float32)
    fields = {
        "latents": rng.normal(0, 0.9, (frames, 8, 32, 32)).astype(np.float16),
        "boxes": box + rng.uniform(-2, 2, (frames, 4)).astype(np.float32),
        "masks": np.repeat(mask[None], frames, 0),
        "patch_rect": np.array(RECT, np.int32),
        "fingerprint": mark or "-".join(("0" * 64, "f" * 64)),
    }
    return MuseTalkPart(**(fields | changes))


def part_of(bundle: Bundle, method: str = "test", **changes) -> MuseTalkPart:
    """A part that fits an avatar and is up to date."""
    manifest = bundle.manifest
    mark = fingerprint(manifest, method)
    return small_part(frames_of(manifest), manifest.width, manifest.height, mark, **changes)


class PoolingEncoder:
    """Stands for the VAE where no network is at hand: each latent is the mean of a piece of the crop.

    Attributes:
        batches: how many crops came at once.
    """

    def __init__(self) -> None:
        self.batches: list[int] = []

    def encode(self, faces: NDArray[np.uint8]) -> NDArray[np.float16]:
        assert faces.dtype == np.uint8 and faces.shape[1:] == (CROP, CROP, 3)
        self.batches.append(len(faces))
        whole = faces.reshape(-1, 32, 8, 32, 8, 3).mean(axis=(2, 4)) / 127.5 - 1
        whole = np.concatenate([whole, whole.mean(axis=3, keepdims=True)], axis=3).transpose(0, 3, 1, 2)
        masked = whole.copy()
        masked[:, :, 16:] = -1
        return np.concatenate([masked, whole], axis=1).astype(np.float16)


class PoolingSource:
    """Says where it comes from, and counts how often it is loaded."""

    def __init__(self, identity: str = "pooling") -> None:
        self.name, self.opened, self.encoder = identity, 0, PoolingEncoder()

    def identity(self) -> str:
        return self.name

    def open(self) -> PoolingEncoder:
        self.opened += 1
        return self.encoder


def write_loop(path: Path, frames: list[NDArray[np.uint8]]) -> None:
    """Write BGR frames as the idle loop of an avatar."""
    height, width = frames[0].shape[:2]
    with av.open(str(path), "w", format="mp4") as container:
        stream = container.add_stream("libx264", rate=FPS, options={"crf": "10", "preset": "ultrafast"})
        assert isinstance(stream, VideoStream)
        stream.width, stream.height, stream.pix_fmt = width, height, "yuv420p"
        tag_bt601(stream.codec_context)
        for index, picture in enumerate(frames):
            frame = av.VideoFrame.from_ndarray(picture, format="bgr24")
            frame.pts, frame.time_base = index, FRAME_TIME_BASE
            container.mux(stream.encode(frame))
        container.mux(stream.encode(None))


def loop_bundle(
    root: Path, frames: list[NDArray[np.uint8]], avatar: str = "vera", claimed: int | None = None, **changes
) -> Bundle:
    """An avatar without an atlas: its idle loop is all there is, of as many frames as is claimed."""
    height, width = frames[0].shape[:2]
    with BundleWriter(root) as writer:
        write_loop(writer.path("idle.mp4"), frames)
        about = {"width": width, "height": height, "frames": claimed or len(frames), "engines": ()} | changes
        return writer.commit(details(avatar, **about))
