"""Sizes of the network, known without PyTorch."""

FILTERS = 96
HIDDEN = 256
"""Width of the memory."""
LOOK_AHEADS = (0, 40, 80, 120)
"""Milliseconds by which each head may listen beyond the moment that it draws."""
