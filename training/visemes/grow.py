# pyright: reportMissingImports=false
"""A wider network that begins by doing exactly what a narrower one has learnt."""

from __future__ import annotations

from training.visemes.network import Network

GATES = 3
"""Of a GRU, stacked in its weights."""


def grown(network: Network, hidden: int) -> Network:
    """Widen the memory.

    What is new listens to everything from the start, but nothing listens to it yet.

    Args:
        network: stays as it is.
        hidden: the new width, not less than the old one.
    """
    old = network.hidden
    wide = Network(hidden)
    weights, known = wide.state_dict(), network.state_dict()
    for name, value in known.items():
        target = weights[name]
        if name.startswith("memory."):
            target = target.view(GATES, hidden, *target.shape[1:])
            value = value.view(GATES, old, *value.shape[1:])
            if name.startswith("memory.weight_hh"):
                target[:, :old, old:] = 0.0
                target[:, :old, :old] = value
            else:
                target[:, :old] = value
        elif name in ("heads.weight", "sounds.weight"):
            target[:, old:] = 0.0
            target[:, :old] = value
        else:
            target.copy_(value)
    wide.load_state_dict(weights)
    return wide
