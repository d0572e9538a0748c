# pyright: reportMissingImports=false, reportUntypedBaseClass=false
"""The network: two convolutions, a GRU, a head per look-ahead. Causal, so it streams as it was trained."""

from __future__ import annotations

from training.visemes.torch_guard import torch  # isort: skip

from torch import nn

from streaming.face.log_mel import BANDS
from training.visemes.labels import CHANNELS, CLASS_COUNT
from training.visemes.sizes import FILTERS, HIDDEN, LOOK_AHEADS

MEL_MEAN, MEL_SCALE = -9.0, 4.0
FIRST_KERNEL, SECOND_KERNEL, STRIDE = 4, 3, 2
FIRST_PAST, SECOND_PAST = 2, 2
"""Rows of the past that each convolution needs before its first input."""


class Network(nn.Module):
    """Rows of sound at 100 Hz to mouths at 50 Hz.

    Args:
        hidden: width of the memory.
    """

    def __init__(self, hidden: int = HIDDEN) -> None:
        super().__init__()
        self.hidden = hidden
        self.first = nn.Conv1d(BANDS, FILTERS, FIRST_KERNEL, stride=STRIDE)
        self.second = nn.Conv1d(FILTERS, FILTERS, SECOND_KERNEL)
        self.memory = nn.GRU(FILTERS, hidden, batch_first=True)
        self.heads = nn.Linear(hidden, len(LOOK_AHEADS) * len(CHANNELS))
        self.sounds = nn.Linear(hidden, CLASS_COUNT)

    def forward(self, mel: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
        """Whole sounds from a silent start.

        Args:
            mel: (batch, 2n, 40) natural logarithms of power.

        Returns:
            Logits (batch, n, heads, channels) of the mouth, and (batch, n, classes) of what is being said
            80 ms ago.
        """
        past = mel.new_zeros(len(mel), FIRST_PAST, BANDS)
        lower = mel.new_zeros(len(mel), SECOND_PAST, FILTERS)
        state = mel.new_zeros(1, len(mel), self.hidden)
        hidden, *_ = self.step(mel, past, lower, state)
        mouths = self.heads(hidden).view(*hidden.shape[:2], len(LOOK_AHEADS), len(CHANNELS))
        return mouths, self.sounds(hidden)

    def step(
        self, mel: torch.Tensor, past: torch.Tensor, lower: torch.Tensor, state: torch.Tensor
    ) -> tuple[torch.Tensor, torch.Tensor, torch.Tensor, torch.Tensor]:
        """Go on from where the last call ended.

        Args:
            mel: (batch, 2n, 40).
            past: (batch, 2, 40) scaled rows before.
            lower: (batch, 2, filters) outputs of the first convolution before.
            state: (1, batch, hidden) of the GRU.

        Returns:
            Hidden rows (batch, n, hidden), and the next ``past``, ``lower`` and ``state``.
        """
        rows = torch.cat((past, (mel - MEL_MEAN) / MEL_SCALE), 1)
        middle = torch.cat((lower, torch.relu(self.first(rows.transpose(1, 2))).transpose(1, 2)), 1)
        upper = torch.relu(self.second(middle.transpose(1, 2))).transpose(1, 2)
        hidden, state = self.memory(upper, state)
        return hidden, rows[:, -FIRST_PAST:], middle[:, -SECOND_PAST:], state
