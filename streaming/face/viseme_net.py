"""The network that hears what a mouth does: mel rows in, mouth curves out, 50 times per second."""

from __future__ import annotations

from pathlib import Path
from typing import cast

import msgspec
import numpy as np
import onnxruntime
from numpy.typing import NDArray

from streaming.errors import EngineUnavailable

MODEL = Path(__file__).parent / "models" / "visemes.onnx"
VERSION = 1
METADATA_KEY = "lipstream"
MEL, CURVES, NEXT = "mel", "curves", "_next"
"""Names in the graph: its input, its output, and what a state's next value is called after the state."""
CURVE_NAMES = ("aperture", "width", "press", "bite", "tongue", "voice")
"""Columns of the output, each 0..1; ``width`` is (w + 1) / 2, ``voice`` is whether somebody speaks."""
STEP_MS = 20
"""One step of the network; its look-aheads are multiples."""

Rows = NDArray[np.float32]


class _Metadata(msgspec.Struct):
    version: int
    look_ahead_ms: list[int]
    curves: list[str]


class VisemeNet:
    """The loaded model. One serves every stream of a process; it takes no turns and holds no state.

    Args:
        path: the ONNX file. Its metadata hold under ``lipstream`` the version, what each head's look-ahead
            is, and the names of the curves, as JSON.

    Raises:
        EngineUnavailable: the file is missing, is no model, or is one that this program does not know.
    """

    def __init__(self, path: Path = MODEL) -> None:
        if not path.is_file():
            raise EngineUnavailable(
                f"The network of the listening face is missing: there is no {path}. Install lipstream again."
            )
        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads = options.inter_op_num_threads = 1
        options.log_severity_level = 3
        try:
            self._session = onnxruntime.InferenceSession(path, options, providers=["CPUExecutionProvider"])
            described = self._session.get_modelmeta().custom_metadata_map.get(METADATA_KEY, "")
            metadata = msgspec.json.decode(described, type=_Metadata)
        # onnxruntime's own errors have no base but Exception.
        except Exception as error:
            raise EngineUnavailable(
                f"{path} is not the network of the listening face ({error}). Install lipstream again."
            ) from error
        steps = [ms // STEP_MS for ms in metadata.look_ahead_ms]
        if (
            metadata.version != VERSION
            or tuple(metadata.curves) != CURVE_NAMES
            or not steps
            or metadata.look_ahead_ms != [step * STEP_MS for step in sorted(set(steps))]
        ):
            raise EngineUnavailable(
                f"{path} is another version of the listening face's network ({metadata}); this program needs "
                f"version {VERSION}. Install lipstream again."
            )
        self.look_ahead_steps: tuple[int, ...] = tuple(steps)
        """Steps of 20 ms between the mouth that a head shows and the last sound it has heard, rising."""
        self._states = {
            state.name: np.zeros(state.shape, np.float32)
            for state in self._session.get_inputs()
            if state.name != MEL
        }
        self._outputs = [CURVES, *(name + NEXT for name in self._states)]

    def open(self) -> VisemeStream:
        """Start to listen to one sound."""
        return VisemeStream(self, dict(self._states))

    def run(self, rows: Rows, states: dict[str, Rows]) -> Rows:
        """Some steps; ``states`` are replaced by those after them. See :meth:`VisemeStream.hear`."""
        outputs = cast(list[Rows], self._session.run(self._outputs, {MEL: rows, **states}))
        for name, state in zip(states, outputs[1:], strict=True):
            states[name] = state
        return outputs[0]


class VisemeStream:
    """Listens to one sound. The same rows in the same portions give the same bits."""

    def __init__(self, net: VisemeNet, states: dict[str, Rows]) -> None:
        self._net = net
        self._states = states

    def hear(self, rows: Rows) -> Rows:
        """Hear the next ``n`` steps of 20 ms; one call for two steps costs little more than for one.

        Args:
            rows: (2n, 40) float32 natural logarithms of mel power, as :class:`LogMel` makes them.

        Returns:
            (n, heads, 6) in 0..1, columns as :data:`CURVE_NAMES`. Head ``h`` of step ``k``, counted from 1 at
            the start of the sound, tells the mouth at ``20 (k - look_ahead_steps[h])`` ms.
        """
        return self._net.run(rows[None], self._states)[0]
