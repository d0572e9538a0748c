# pyright: reportMissingImports=false
"""The reference decode loop: the package's own layers with a growing cache, one session after the other.

It runs everywhere, needs nothing captured, and is what the fast loops are held against.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import torch

from streaming.gpu.attention import unplanned_attention
from streaming.speech.qwen3.endings import Ending
from streaming.speech.qwen3.loop import Slots, Stream
from streaming.speech.qwen3.model import Qwen3Model
from streaming.speech.qwen3.prompt import Prompt
from streaming.speech.qwen3.sampling import ChoiceRows, Noise, Sampling, TalkerRows, stacked

CONTEXT = 2048
"""Longest utterance, prompt and frames together."""


@dataclass(slots=True)
class _State:
    """What an utterance carries from frame to frame."""

    cache: object
    hidden: torch.Tensor
    frame_sum: torch.Tensor
    position: int


class EagerLoop:
    """See :class:`streaming.speech.qwen3.loop.DecodeLoop`.

    Args:
        model: the networks.
        capacity: utterances that can be open at once.
        context: longest utterance in positions, prompt and frames together.
    """

    def __init__(self, model: Qwen3Model, capacity: int = 1, context: int = CONTEXT) -> None:
        self._model, self._context = model, context
        self._slots = Slots(capacity)
        self._states: dict[int, _State] = {}
        config, device = model.config.talker_config, model.device
        codebooks = config.num_code_groups - 1
        self._end = config.codec_eos_token_id
        vocabulary = config.code_predictor_config.vocab_size
        self._noise = Noise(1, config.vocab_size, vocabulary, codebooks, device)
        self._first = [TalkerRows(1, config.vocab_size, self._end, device) for _ in range(capacity)]
        self._others = [ChoiceRows(1, vocabulary, device) for _ in range(capacity)]
        self._counts = torch.ones(1, dtype=torch.long, device=device)

    @property
    def capacity(self) -> int:
        """Utterances that can be open at once."""
        return self._slots.capacity

    @property
    def free(self) -> int:
        """Utterances that can be opened now."""
        return self._slots.free

    def warm_up(self) -> None:
        """Nothing to capture."""

    @torch.inference_mode()
    def open(self, prompt: Prompt, sampling: Sampling, seed: int) -> Stream:
        """See :meth:`streaming.speech.qwen3.loop.DecodeLoop.open`."""
        from transformers.cache_utils import DynamicCache

        stream = self._slots.begin(prompt, sampling, seed, self._context, self._model.device)
        slot = stream.slot
        self._first[slot].reset(0, sampling)
        self._others[slot].set(0, sampling.predictor)
        state = _State(DynamicCache(), prompt.embeds, prompt.embeds, 0)
        with unplanned_attention():
            state.hidden = self._talk(state, prompt.embeds)
        self._states[slot] = state
        self._slots.put(stream)
        return stream

    @torch.inference_mode()
    def step(self, streams: Sequence[Stream]) -> list[torch.Tensor | None]:
        """See :meth:`streaming.speech.qwen3.loop.DecodeLoop.step`."""
        with unplanned_attention():
            frames = [
                self._frame(stream) if stream.check_limits() and stream.ready else None for stream in streams
            ]
        self._slots.reclaim()
        return frames

    def _frame(self, stream: Stream) -> torch.Tensor | None:
        state, first = self._states[stream.slot], self._first[stream.slot]
        if stream.frames:
            text = stream.prompt.text.row(stream.frames - 1)
            state.hidden = self._talk(state, state.frame_sum + text)
        self._noise.clear(0)
        self._noise.draw(0, stream.sampling, stream.generator)
        logits = self._model.talker.codec_head(state.hidden)[:, -1].float()
        first.end_bias[0] = stream.bias()
        token = first.choose(logits, self._noise.talker, self._counts)
        if not bool(logits.isfinite().all()):
            stream.ending = Ending.BROKEN
        elif int(token) == self._end:
            stream.ending = Ending.SPOKEN
        if stream.ending is not None:
            return None
        codes, healthy = self._predict(stream.slot, state, token)
        if not healthy:
            stream.ending = Ending.BROKEN
            return None
        stream.frames += 1
        return codes.cpu()

    def _talk(self, state: _State, embeds: torch.Tensor) -> torch.Tensor:
        """Run (1, n, D) through the talker; the last hidden state, (1, 1, D)."""
        steps = embeds.shape[1]
        positions = torch.arange(state.position, state.position + steps, device=embeds.device)
        state.position += steps
        output = self._model.talker.model(
            inputs_embeds=embeds,
            past_key_values=state.cache,
            use_cache=True,
            cache_position=positions,
            position_ids=positions.view(1, 1, -1).expand(3, 1, -1),
        )
        return output.last_hidden_state[:, -1:]

    def _predict(self, slot: int, state: _State, token: torch.Tensor) -> tuple[torch.Tensor, bool]:
        """The other fifteen codes: (16,) int64, and whether they come from numbers."""
        from transformers.cache_utils import DynamicCache

        predictor = self._model.talker.code_predictor
        embedding = self._model.talker.get_input_embeddings()(token[:, None])
        tokens, rows, cache = [token], [embedding], DynamicCache()
        x = torch.cat((state.hidden, embedding), 1)
        logits = x
        for book, head in enumerate(predictor.lm_head):
            hidden = predictor.model(
                inputs_embeds=predictor.small_to_mtp_projection(x), past_key_values=cache, use_cache=True
            ).last_hidden_state
            logits = head(hidden[:, -1]).float()
            token = self._others[slot].choose(logits, self._noise.predictor[book])
            tokens.append(token)
            x = predictor.get_input_embeddings()[book](token[:, None])
            rows.append(x)
        state.frame_sum = torch.cat(rows, 1).sum(1, keepdim=True)
        return stacked(tokens)[0], bool(logits.isfinite().all())
