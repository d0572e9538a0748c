"""Sizes of the network, known without PyTorch."""

FILTERS = 64
HIDDEN = 192
"""Width of the memory of the network that ships."""
LOOK_AHEADS = (0, 40, 80, 120)
"""Milliseconds by which each head may listen beyond the moment that it draws."""
