"""A process that prepares one reference: ``python -m streaming.speech.profiles.prepare_child``.

The process that serves media never runs a model, not even a small one. Takes an :class:`Order` from standard
input and gives :class:`Prepared`, both as msgpack.
"""

from __future__ import annotations

import os
import sys

import msgspec
import numpy as np

from streaming.face.viseme_net import VisemeNet
from streaming.speech.profiles.order import Order
from streaming.speech.profiles.prepare import prepare

NICENESS = 10


def main() -> None:
    """Do what was ordered."""
    os.nice(NICENESS)
    order = msgspec.msgpack.decode(sys.stdin.buffer.read(), type=Order)
    prepared = prepare(
        VisemeNet(),
        np.frombuffer(order.pcm, "<f4").astype(np.float32, copy=False),
        order.info,
        transcript=order.transcript,
        language=order.language,
    )
    sys.stdout.buffer.write(msgspec.msgpack.encode(prepared))
    sys.stdout.buffer.flush()


if __name__ == "__main__":
    main()
