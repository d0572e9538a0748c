# pyright: reportMissingImports=false
"""One training run on one core."""

from __future__ import annotations

import time
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from training.visemes.torch_guard import torch  # isort: skip

from torch.nn import functional
from torch.optim.swa_utils import AveragedModel

from training.visemes.augment import Batch, Examples
from training.visemes.labels import APERTURE, BITE, CHANNELS, CLASS_COUNT, PRESS, TONGUE, VOICE
from training.visemes.network import Network
from training.visemes.sizes import LOOK_AHEADS

LAST_RATE, WARM_STEPS = 1e-5, 60
DECAY = 1e-3
CLIP = 1.0
CLASS_WEIGHT = 0.25
"""Telling sounds apart is what teaches m from n and p from k."""
CLASS_LOOK_AHEAD = 80
"""Milliseconds; the class head says what was said this long ago."""
REPORT_STEPS = 100
REMEMBERED = 48
"""Every other step takes one of so many batches again: making one costs a third of a step."""
AVERAGED = 0.998
"""What is kept in the end is the mean of the weights over about the last 500 steps."""
WEIGHTS = dict.fromkeys(range(len(CHANNELS)), 1.0) | {
    APERTURE: 2.0,
    PRESS: 1.6,
    BITE: 1.2,
    TONGUE: 1.0,
    VOICE: 0.6,
}


@dataclass(frozen=True, slots=True)
class Run:
    """How to learn.

    Attributes:
        steps: how long.
        rate: how fast at first; it falls as a cosine.
        batch: examples per step.
        seed: makes first weights and choices.
    """

    steps: int
    rate: float
    batch: int
    seed: int


def losses(network: Network, batch: Batch) -> tuple[torch.Tensor, torch.Tensor]:
    """Cross-entropy of the curves (their mean is what is learnt), and of the sound classes."""
    mel = torch.from_numpy(batch.mel)
    targets, classes = torch.from_numpy(batch.targets), torch.from_numpy(batch.classes)
    # Half the time on processors that have bfloat16 (AVX-512 BF16, AMX).
    with torch.autocast("cpu", dtype=torch.bfloat16):
        mouths, sounds = network(mel)
    mouths, sounds = mouths.float(), sounds.float()
    heard = 2 * (torch.arange(mouths.shape[1]) + 1)
    weights = torch.tensor([WEIGHTS[channel] for channel in range(len(CHANNELS))])
    total = mel.new_zeros(())
    for head, look_ahead in enumerate(LOOK_AHEADS):
        at = heard - look_ahead // 10
        known = (at >= 0).float()[None, :, None]
        loss = functional.binary_cross_entropy_with_logits(
            mouths[:, :, head], targets[:, at.clamp(min=0)], reduction="none"
        )
        total = total + (loss * weights * known).mean() / len(LOOK_AHEADS)
    said = classes[:, (heard - CLASS_LOOK_AHEAD // 10).clamp(min=0)]
    return total, functional.cross_entropy(sounds.reshape(-1, CLASS_COUNT), said.reshape(-1))


def train(
    examples: Examples,
    run: Run,
    result: Path,
    start: Path | None = None,
    tell: Callable[[str], None] = lambda line: None,
) -> Network:
    """Train and save.

    Args:
        examples: where batches come from.
        run: how long and how fast.
        result: the weights are written here in the end, and now and then beside it with ``.part``.
        start: weights to begin with.
        tell: called with a line of progress now and then.
    """
    torch.set_num_threads(1)
    torch.manual_seed(run.seed)
    steps, unfinished = run.steps, result.with_suffix(".part.npz")
    network = load(start) if start else Network()
    network.train()
    average = AveragedModel(network, avg_fn=_averaged)
    optimizer = torch.optim.AdamW(network.parameters(), run.rate, weight_decay=DECAY)
    began, recent = time.perf_counter(), []
    rng = np.random.default_rng(run.seed)
    remembered: deque[Batch] = deque(maxlen=REMEMBERED)
    for step in range(steps):
        if step % 2 == 0:
            batch = examples.batch(run.batch)
            remembered.append(batch)
        else:
            batch = remembered[int(rng.integers(len(remembered)))]
        curve, sound = losses(network, batch)
        (curve + CLASS_WEIGHT * sound).backward()
        torch.nn.utils.clip_grad_norm_(network.parameters(), CLIP)
        warm = min(1.0, (step + 1) / WARM_STEPS)
        for group in optimizer.param_groups:
            group["lr"] = run.rate * warm * (0.5 + 0.5 * np.cos(np.pi * step / steps)) + LAST_RATE
        optimizer.step()
        optimizer.zero_grad()
        average.update_parameters(network)
        recent.append((curve.item(), sound.item()))
        if (step + 1) % REPORT_STEPS == 0:
            curve_mean, sound_mean = np.mean(recent[-REPORT_STEPS:], axis=0)
            tell(f"{step + 1}/{steps} {time.perf_counter() - began:.0f} s {curve_mean:.4f} {sound_mean:.4f}")
            save(average.module, unfinished)
    save(average.module, result)
    unfinished.unlink(missing_ok=True)
    return average.module.eval()


def _averaged(mean: torch.Tensor, value: torch.Tensor, count: torch.Tensor) -> torch.Tensor:
    """The running mean of a weight; the first steps, which learn fastest, are soon forgotten."""
    return torch.lerp(mean, value, 1 - torch.clamp((count + 1) / (count + 10), max=AVERAGED))


def save(network: Network, path: Path) -> None:
    """Write the weights as plain arrays."""
    path.parent.mkdir(parents=True, exist_ok=True)
    np.savez(path, **{name: value.numpy() for name, value in network.state_dict().items()})


def load(path: Path) -> Network:
    """Read weights that :func:`save` wrote; ready to run."""
    with np.load(path, allow_pickle=False) as parts:
        network = Network(parts["heads.weight"].shape[1])
        network.load_state_dict({name: torch.from_numpy(parts[name]) for name in parts.files})
    return network.eval()
