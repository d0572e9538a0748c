"""Kokoro's network: symbols in, sound and how long each symbol lasts out. No asyncio, no text."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
import onnxruntime
from numpy.typing import NDArray

from streaming.speech.kokoro_files import read_model, vocabulary
from streaming.speech.onnx_outputs import float_output

DURATIONS = "/encoder/Clip_output_0"
"""The tensor of symbol durations inside the graph."""
STEP_SECONDS = 0.025
"""The unit of durations; they sum exactly to the length of the sound."""
PADDING = 0
"""The symbol before and after every input."""
MAX_SYMBOLS = 510
THREADS = 2


@dataclass(frozen=True, slots=True)
class Rendering:
    """What the network makes of an input.

    Attributes:
        pcm: (n,) float32, 24 kHz, mono.
        steps: (symbols + 2,) float32, how long each symbol lasts in steps of 25 ms, with the padding.
    """

    pcm: NDArray[np.float32]
    steps: NDArray[np.float32]


class Running:
    """Lets another thread end a run of the network, which then raises an error."""

    def __init__(self) -> None:
        self.options = onnxruntime.RunOptions()

    def stop(self) -> None:
        """End it within some milliseconds."""
        self.options.terminate = True


class KokoroModel:
    """The network, loaded once; voices are arguments. It makes no random choices: same input, same sound.

    Args:
        threads: how many cores one run uses.

    Raises:
        EngineUnavailable: the weights are not installed, or damaged.
    """

    def __init__(self, threads: int = THREADS) -> None:
        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads = threads
        options.inter_op_num_threads = 1
        options.log_severity_level = 3
        # Threads that spin while they wait would take the cores from the encoder.
        options.add_session_config_entry("session.intra_op.allow_spinning", "0")
        self._vocabulary = vocabulary()
        self._session = onnxruntime.InferenceSession(
            read_model(float_output(DURATIONS)), options, providers=["CPUExecutionProvider"]
        )

    @property
    def alphabet(self) -> Mapping[str, int]:
        """The symbols that the network reads."""
        return self._vocabulary

    def known(self, symbols: str) -> str:
        """The symbols without those that the network does not read."""
        return "".join(symbol for symbol in symbols if symbol in self._vocabulary)

    def run(
        self,
        symbols: str,
        style: NDArray[np.float32],
        speed: float = 1.0,
        running: Running | None = None,
    ) -> Rendering:
        """Speak.

        Args:
            symbols: 1 to 510 symbols that :meth:`known` keeps.
            style: a voice, (510, 256), see :meth:`streaming.speech.kokoro_files.VoiceFile.load`.
            speed: 0.5 (slow) .. 2.0 (fast).
            running: what can end the run early.
        """
        tokens = [PADDING, *(self._vocabulary[symbol] for symbol in symbols), PADDING]
        inputs = {
            "tokens": np.asarray([tokens], np.int64),
            # A voice holds one style for each length of the input.
            "style": style[len(symbols) - 1][np.newaxis],
            "speed": np.asarray([speed], np.float32),
        }
        outputs = self._session.run(None, inputs, running.options if running else None)
        pcm, steps = (np.asarray(output, np.float32).ravel() for output in outputs)
        return Rendering(pcm, steps)
