"""Small avatars whose people have no background of their own."""

from pathlib import Path

import av
import cv2
import numpy as np
from numpy.typing import NDArray

from avatars.atlas_file import save_atlas
from avatars.bundle import Bundle, BundleWriter
from streaming.compositor.planes import frame_planes, pack, unpack
from streaming.encoders.bt601 import tag_bt601
from tests.support import atlas, loops
from tests.support.bundles import details


def disc(width: int = atlas.WIDTH, height: int = atlas.HEIGHT, x: float = 64, radius: float = 40) -> NDArray:
    """(height, width) uint8: a disc with a soft rim that reaches the lower edge."""
    across, along = np.meshgrid(np.arange(width) - x, np.arange(height) - height * 0.7)
    return np.clip((radius - np.hypot(across, along)) * 40 + 128, 0, 255).round().astype(np.uint8)


def photo_bundle(root: Path, avatar: str = "tess", background: str = "transparent") -> Bundle:
    """An avatar of a photo without a background, or before a film of 5 frames."""
    with BundleWriter(root) as writer:
        save_atlas(writer.path("atlas.npz"), atlas.small_atlas())
        writer.path("poster.webp").write_bytes(b"poster")
        cv2.imwrite(str(writer.path("alpha.png")), disc())
        if background == "video":
            write_film(writer.path("backdrop.mp4"), [flat(40 + 40 * n) for n in range(5)])
        return writer.commit(details(avatar, background=background))


def video_bundle(
    root: Path, avatar: str = "vito", background: str = "transparent", count: int = 12
) -> Bundle:
    """An avatar of a video: the gradient, of which a disc shows that moves by 2 pixels per frame."""
    with BundleWriter(root) as writer:
        loops.write_loop(writer.path("idle.mp4"), count)
        write_film(writer.path("alpha.mp4"), [grey(moved(n)) for n in range(count)], full=True)
        if background == "video":
            write_film(writer.path("backdrop.mp4"), [flat(40 + 40 * n) for n in range(5)])
        fields = {"frames": count, "engines": (), "width": loops.WIDTH, "height": loops.HEIGHT}
        return writer.commit(details(avatar, background=background, **fields))


def moved(frame: int) -> NDArray:
    """The matte of a frame of :func:`video_bundle`."""
    return disc(loops.WIDTH, loops.HEIGHT, x=50 + 2 * frame)


def grey(plane: NDArray) -> NDArray:
    return np.repeat(plane[..., None], 3, axis=2)


def flat(level: int) -> NDArray:
    return np.full((atlas.HEIGHT, atlas.WIDTH, 3), level, np.uint8)


def write_film(path: Path, pictures: list[NDArray], full: bool = False) -> None:
    """H.264, nearly without loss; ``full`` writes a grey picture's levels as luma, as mattes have it."""
    height, width = pictures[0].shape[:2]
    with av.open(str(path), "w", format="mp4") as container:
        stream = container.add_stream("libx264", rate=25, options={"crf": "2", "preset": "ultrafast"})
        stream.width, stream.height, stream.pix_fmt = width, height, "yuv420p"
        tag_bt601(stream.codec_context)
        for number, picture in enumerate(pictures):
            frame = av.VideoFrame(width, height, "yuv420p")
            planes = frame_planes(frame)
            planes.put(unpack(pack(picture), width, height))
            if full:
                planes.y[:] = picture[..., 0]
            frame.pts = number
            container.mux(stream.encode(frame))
        container.mux(stream.encode(None))
