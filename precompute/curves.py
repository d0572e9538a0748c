"""Small curves that the face drawing shares."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray


def smoothstep(low: float, high: float, x: Any) -> NDArray[Any]:
    """0 up to ``low``, 1 from ``high`` on, a smooth cubic in between; keeps float32."""
    t = np.clip((x - low) / (high - low), 0, 1)
    return t * t * (3 - 2 * t)
