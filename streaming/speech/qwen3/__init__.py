"""Qwen3-TTS 12 Hz as a speech engine that streams: our own decode loops around the package's networks.

What is here, from the outside in: the engine (``engine``, ``options``, ``languages``), its voices
(``voices``, ``casting``, ``checkpoint``), its text (``reading``, ``sentences``, ``numbers``, ``captions``),
the sentences of all sessions, stepped together (``conductor``, ``sentence``, ``machine``, ``rehearsal``); the
optional package and the checkpoints (``package``, ``weights``), the networks (``model``), what they are asked
(``prompt``), one 80 ms frame after the other (``loop`` and its three makes ``eager``, ``static``, ``graphs``;
``attention``, ``sampling``), frames to sound (``codec``), and what ends a run that went wrong (``guards``).
"""
