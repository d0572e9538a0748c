"""Many frames in little memory: the first as they are, the others squeezed and taken out again when shown.

Sessions come by all frames in turn, so none is worth more than another; what is squeezed costs whoever shows
it about 1 ms.
"""

from __future__ import annotations

import zlib
from collections.abc import Callable

import cv2
import numpy as np

from streaming.compositor.planes import Plane

PLAIN_BYTES = 150_000_000
"""Of one loop that are kept as they are: some 15 seconds of 512 x 512."""
QUALITY = 96
"""Of JPEG: by half a level on the average, a quarter of what the loop's own coding took away."""
LEVEL = 1
"""Of zlib's deflate: the quickest."""
SQUEEZED = 6
"""How many times smaller squeezed frames are taken to be when memory is shared out."""


class FrameStore:
    """Frames of one size. One thread puts them in order; several may get those that are there.

    Args:
        count: how many there will be.
        size: bytes of each.
        width: of its rows; divides the size.
        exact: no level may change; for mattes, most of which is empty or full.
        plain_bytes: kept as they are.
    """

    def __init__(
        self, count: int, size: int, width: int, *, exact: bool = False, plain_bytes: int = PLAIN_BYTES
    ) -> None:
        self._count = count
        self._size = size
        self._width = width
        self._exact = exact
        plain = min(count, max(1, plain_bytes // size))
        # Memory is taken as it is written.
        self._plain = np.empty((plain, size), np.uint8)
        self._shared = self._plain.view()
        self._shared.flags.writeable = False
        self._squeezed: list[bytes] = []
        self._scratch: Plane | None = None
        self._put = 0

    def __len__(self) -> int:
        """How many there will be."""
        return self._count

    def __getitem__(self, frame: int) -> Plane:
        """A frame that was put, (size,) and read-only."""
        if frame < len(self._shared):
            return self._shared[frame]
        data = self._squeezed[frame - len(self._shared)]
        if self._exact:
            return np.frombuffer(zlib.decompress(data, bufsize=self._size), np.uint8)
        opened = cv2.imdecode(np.frombuffer(data, np.uint8), cv2.IMREAD_GRAYSCALE)
        if opened is None:
            raise RuntimeError("a frame in memory cannot be opened any more")
        found = np.asarray(opened, np.uint8).reshape(-1)
        found.flags.writeable = False
        return found

    @property
    def nbytes(self) -> int:
        """Size in memory, about, once all are there."""
        return self._shared.nbytes + (self._count - len(self._shared)) * self._size // SQUEEZED

    def put(self, write: Callable[[Plane], None]) -> None:
        """Take the next frame.

        Args:
            write: fills (size,) with it.
        """
        if self._put < len(self._plain):
            write(self._plain[self._put])
        else:
            if self._scratch is None:
                self._scratch = np.empty(self._size, np.uint8)
            write(self._scratch)
            self._squeezed.append(self._squeeze(self._scratch))
        self._put += 1

    def _squeeze(self, frame: Plane) -> bytes:
        if self._exact:
            return zlib.compress(frame.data, LEVEL)
        done, data = cv2.imencode(".jpg", frame.reshape(-1, self._width), [cv2.IMWRITE_JPEG_QUALITY, QUALITY])
        if not done:
            raise RuntimeError("a frame cannot be squeezed")
        return data.tobytes()
