# pyright: reportMissingImports=false
"""The streaming step graph that the program runs."""

from __future__ import annotations

import copy
import io
from pathlib import Path

import msgspec
import numpy as np

from training.visemes.torch_guard import torch  # isort: skip

import onnx
from onnx import TensorProto, helper, numpy_helper
from torch import nn

from streaming.face.log_mel import BANDS, ROWS_PER_STEP
from streaming.face.viseme_net import CURVE_NAMES, CURVES, MEL, METADATA_KEY, NEXT, VERSION, VisemeNet
from training.visemes.labels import CHANNELS
from training.visemes.network import FIRST_PAST, SECOND_PAST, Network
from training.visemes.sizes import FILTERS, LOOK_AHEADS

OPSET = 17
STATES = ("past", "lower", "state")
TOLERANCE = 2e-5
"""Largest difference between the graph run in steps and the network run on the whole."""


class _Step(nn.Module):
    """The network with only the curves that are shown, as the graph's seam wants them."""

    def __init__(self, network: Network) -> None:
        super().__init__()
        self.network = network
        chosen = [CHANNELS.index(name) for name in CURVE_NAMES]
        rows = [head * len(CHANNELS) + channel for head in range(len(LOOK_AHEADS)) for channel in chosen]
        self.curves = nn.Linear(network.hidden, len(rows))
        with torch.no_grad():
            self.curves.weight.copy_(network.heads.weight[rows])
            self.curves.bias.copy_(network.heads.bias[rows])

    def forward(
        self, mel: torch.Tensor, past: torch.Tensor, lower: torch.Tensor, state: torch.Tensor
    ) -> tuple[torch.Tensor, ...]:
        hidden, past, lower, state = self.network.step(mel, past, lower, state)
        curves = torch.sigmoid(self.curves(hidden)).reshape(1, -1, len(LOOK_AHEADS), len(CURVE_NAMES))
        return curves, past, lower, state


def as_shipped(network: Network) -> Network:
    """The network with weights of half precision, as the file holds them: half the size, the same curves."""
    shipped = copy.deepcopy(network).eval()
    with torch.no_grad():
        for weight in shipped.parameters():
            weight.copy_(weight.half().float())
    return shipped


def export(network: Network, path: Path) -> None:
    """Write the model file."""
    example = (torch.zeros(1, 2 * ROWS_PER_STEP, BANDS), *_silence(network))
    written = io.BytesIO()
    torch.onnx.export(
        _Step(as_shipped(network)),
        example,
        written,
        input_names=[MEL, *STATES],
        output_names=[CURVES, *(name + NEXT for name in STATES)],
        dynamic_axes={MEL: {1: "rows"}, CURVES: {1: "steps"}},
        opset_version=OPSET,
        dynamo=False,
    )
    model = onnx.load_from_string(written.getvalue())
    described = {"version": VERSION, "look_ahead_ms": list(LOOK_AHEADS), "curves": list(CURVE_NAMES)}
    entry = model.metadata_props.add()
    entry.key, entry.value = METADATA_KEY, msgspec.json.encode(described).decode()
    _halve(model.graph)
    onnx.checker.check_model(model)
    path.parent.mkdir(parents=True, exist_ok=True)
    onnx.save(model, str(path))


def _halve(graph: onnx.GraphProto) -> None:
    """Keep weights in half precision; onnxruntime casts them once, when it loads the file."""
    casts: list[onnx.NodeProto] = []
    for weight in graph.initializer:
        if weight.data_type == TensorProto.FLOAT:
            name = weight.name
            half = numpy_helper.from_array(numpy_helper.to_array(weight).astype(np.float16), f"{name}_half")
            weight.CopyFrom(half)
            casts.append(helper.make_node("Cast", [half.name], [name], to=TensorProto.FLOAT))
    nodes = [*casts, *graph.node]
    del graph.node[:]
    graph.node.extend(nodes)


def streamed_difference(network: Network, path: Path, rows: int = 400) -> float:
    """The largest difference between the file, run in steps of 20 and 40 ms, and the network as it ships."""
    mel = np.random.default_rng(0).normal(-9, 4, (rows, BANDS)).astype(np.float32)
    stream = VisemeNet(path).open()
    parts, at = [], 0
    while at < rows:
        size = ROWS_PER_STEP * (1 + len(parts) % 2)
        parts.append(stream.hear(mel[at : at + size]))
        at += size
    with torch.no_grad():
        whole = _Step(as_shipped(network))(torch.from_numpy(mel[None]), *_silence(network))[0][0].numpy()
    return float(np.abs(np.concatenate(parts) - whole).max())


def _silence(network: Network) -> tuple[torch.Tensor, torch.Tensor, torch.Tensor]:
    """The states at the start of a sound."""
    return (
        torch.zeros(1, FIRST_PAST, BANDS),
        torch.zeros(1, SECOND_PAST, FILTERS),
        torch.zeros(1, 1, network.hidden),
    )
