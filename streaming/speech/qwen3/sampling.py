# pyright: reportMissingImports=false
"""How the next code is chosen, for several sessions in one go.

The operators, their order and their precision are those of transformers 4.57 (repetition penalty, least
length, suppressed tokens, temperature, top-k, top-p, softmax, one draw), so that the same seed gives the
same codes as the package. A draw is written out as torch does it for one sample, the largest of
``p / exponential noise``: noise is then an input, drawn per session from a generator of its own, and what
remains are operators of constant shape that a CUDA graph can hold.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

import torch

SUPPRESSED = 1024
"""The last tokens of the talker's vocabulary are controls; only the end may be chosen among them."""


@dataclass(frozen=True, slots=True)
class Choice:
    """How one token is chosen.

    Attributes:
        do_sample: draw; otherwise take the likeliest.
        top_k: draw among that many; 0 for all.
        top_p: draw among the likeliest that make up this share.
        temperature: below 1 prefers the likely.
    """

    do_sample: bool = True
    top_k: int = 50
    top_p: float = 1.0
    temperature: float = 0.9

    def __post_init__(self) -> None:
        if self.top_k < 0 or not 0 < self.top_p <= 1 or self.temperature <= 0:
            raise ValueError("top_k must be 0 or more, top_p in (0, 1], and temperature above 0.")


@dataclass(frozen=True, slots=True)
class Sampling:
    """How an utterance is drawn.

    Attributes:
        talker: choice of the first codebook.
        predictor: choice of the other fifteen.
        repetition_penalty: above 1 avoids first codes that were used before.
        min_frames: the end is not chosen before.
        max_frames: it ends at the latest then. The package's ``max_new_tokens`` is one more.
    """

    talker: Choice = field(default_factory=Choice)
    predictor: Choice = field(default_factory=Choice)
    repetition_penalty: float = 1.05
    min_frames: int = 2
    max_frames: int = 2047

    @classmethod
    def from_generation_config(cls, config: dict[str, Any]) -> Sampling:
        """What a checkpoint's ``generation_config.json`` asks for, else the package's defaults."""
        normal = cls()

        def choice(prefix: str, sample: str, default: Choice) -> Choice:
            return Choice(
                config.get(sample, default.do_sample),
                config.get(f"{prefix}top_k", default.top_k),
                config.get(f"{prefix}top_p", default.top_p),
                config.get(f"{prefix}temperature", default.temperature),
            )

        return cls(
            choice("", "do_sample", normal.talker),
            choice("subtalker_", "subtalker_dosample", normal.predictor),
            config.get("repetition_penalty", normal.repetition_penalty),
            normal.min_frames,
            config.get("max_new_tokens", normal.max_frames + 1) - 1,
        )


class ChoiceRows:
    """The choices of several sessions as tensors, a row each.

    Args:
        rows: sessions.
        vocabulary: tokens to choose from.
        device: where the logits lie.
        nucleus: whether any session may have a top_p below 1, which costs some operators more.
    """

    def __init__(self, rows: int, vocabulary: int, device: torch.device, nucleus: bool = True) -> None:
        self._vocabulary, self._nucleus = vocabulary, nucleus
        self._temperature = torch.ones(rows, 1, device=device)
        self._weakest = torch.zeros(rows, 1, dtype=torch.long, device=device)
        self._tail = torch.zeros(rows, 1, device=device)

    def set(self, row: int, choice: Choice) -> None:
        """Give a row its choice.

        Raises:
            ValueError: top_p is below 1, and this was made without.
        """
        if choice.top_p < 1 and not self._nucleus:
            raise ValueError("This decode loop was made without top_p; make it with nucleus=True.")
        if not choice.do_sample:
            # The likeliest: a draw among one, with noise of 1.
            choice = Choice(top_k=1, temperature=1.0)
        kept = min(choice.top_k or self._vocabulary, self._vocabulary)
        self._temperature[row] = choice.temperature
        self._weakest[row] = self._vocabulary - kept
        self._tail[row] = 1 - choice.top_p

    def choose(self, logits: torch.Tensor, noise: torch.Tensor) -> torch.Tensor:
        """Choose a token for each of the first rows.

        Args:
            logits: (b, vocabulary) float32.
            noise: (b, vocabulary), exponential where it is drawn, 1 otherwise.

        Returns:
            (b,) int64.
        """
        rows = logits.shape[0]
        scores = logits / self._temperature[:rows]
        ordered, order = scores.sort(-1)
        weakest = ordered.gather(1, self._weakest[:rows])
        scores = scores.masked_fill(scores < weakest, -torch.inf)
        if self._nucleus:
            ordered = ordered.masked_fill(ordered < weakest, -torch.inf)
            # Rows without top_p have a tail of 0: only what has no probability anyway is left out.
            left_out = ordered.softmax(-1).cumsum(-1) <= self._tail[:rows]
            left_out[:, -1] = False
            scores = scores.masked_fill(left_out.scatter(1, order, left_out), -torch.inf)
        return (scores.softmax(-1) / noise).argmax(-1)


class Noise:
    """The noise of one frame, a row for each session, drawn in the order in which the package draws.

    Args:
        rows: sessions.
        talker_vocabulary: tokens of the talker.
        predictor_vocabulary: codes of one of the other codebooks.
        codebooks: how many there are besides the first.
        device: where it is used, and drawn.
    """

    def __init__(
        self,
        rows: int,
        talker_vocabulary: int,
        predictor_vocabulary: int,
        codebooks: int,
        device: torch.device,
    ) -> None:
        self.talker = torch.ones(rows, talker_vocabulary, device=device)
        self.predictor = torch.ones(codebooks, rows, predictor_vocabulary, device=device)

    def clear(self, row: int) -> None:
        """Make a row fit for choices that are not drawn."""
        self.talker[row] = 1
        self.predictor[:, row] = 1

    def draw(self, row: int, sampling: Sampling, generator: torch.Generator) -> None:
        """Draw the noise of a session's next frame."""
        if sampling.talker.do_sample:
            self.talker[row].exponential_(generator=generator)
        if sampling.predictor.do_sample:
            for book in self.predictor:
                book[row].exponential_(generator=generator)


class TalkerRows:
    """What stands between the talker's logits and the choice of a first code, for several sessions.

    Args:
        rows: sessions.
        vocabulary: tokens of the talker.
        end: the token that ends an utterance.
        device: where the logits lie.
        nucleus: see :class:`ChoiceRows`.
    """

    def __init__(
        self, rows: int, vocabulary: int, end: int, device: torch.device, nucleus: bool = True
    ) -> None:
        self.choices = ChoiceRows(rows, vocabulary, device, nucleus)
        self.end_bias = torch.zeros(rows, device=device)
        """Added to the end's score: minus infinity forbids it, a positive number asks for it."""
        self._end = end
        self._seen = torch.zeros(rows, vocabulary, dtype=torch.long, device=device)
        self._penalty = torch.ones(rows, 1, device=device)
        self._suppressed = torch.zeros(1, vocabulary, dtype=torch.bool, device=device)
        self._suppressed[:, vocabulary - SUPPRESSED :] = True
        self._suppressed[:, end] = False

    def reset(self, row: int, sampling: Sampling) -> None:
        """Begin an utterance."""
        self.choices.set(row, sampling.talker)
        self._seen[row] = 0
        self._penalty[row] = sampling.repetition_penalty
        self.end_bias[row] = 0

    def choose(self, logits: torch.Tensor, noise: torch.Tensor, counts: torch.Tensor) -> torch.Tensor:
        """Choose first codes and remember them.

        Args:
            logits: (b, vocabulary) float32.
            noise: see :meth:`ChoiceRows.choose`.
            counts: (b,) int64, 1 where the choice counts, 0 where the row is idle.

        Returns:
            (b,) int64.
        """
        rows = logits.shape[0]
        penalty = self._penalty[:rows]
        penalised = torch.where(logits < 0, logits * penalty, logits / penalty)
        scores = torch.where(self._seen[:rows] > 0, penalised, logits)
        scores[:, self._end] += self.end_bias[:rows]
        scores = scores.masked_fill(self._suppressed, -torch.inf)
        tokens = self.choices.choose(scores, noise)
        self._seen[:rows].scatter_add_(1, tokens[:, None], counts[:, None])
        return tokens


def stacked(tokens: Sequence[torch.Tensor]) -> torch.Tensor:
    """One token per codebook and session, [(b,)] * 16, as frames (b, 16)."""
    return torch.stack(list(tokens), 1)
