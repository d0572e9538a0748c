# pyright: reportMissingImports=false
"""The fast decode loop: several sessions in one batch, constant shapes, no look at the device within a frame.

Every session has a slot, and every step runs over the first 1, 2, 4 ... slots, whichever holds those that
take part. A slot that does not take part is computed along and changes nothing that is kept.
"""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import AbstractContextManager, nullcontext

import torch
from torch.nn import functional

from streaming.gpu.attention import unplanned_attention
from streaming.speech.qwen3.endings import Ending
from streaming.speech.qwen3.loop import Slots, Stream
from streaming.speech.qwen3.model import CODEBOOKS, Qwen3Model
from streaming.speech.qwen3.prompt import Prompt
from streaming.speech.qwen3.sampling import ChoiceRows, Noise, Sampling, TalkerRows, stacked
from streaming.speech.qwen3.stack import Stack

CONTEXT = 1024
"""Positions for each session: prompt and frames together. 112 MiB in 16 bits at the published sizes."""
COMPILED_SHAPES = 256
"""Shapes that a function may be compiled for; each batch size has three, and each model its own."""
WARM_PROMPTS = (32, 128)
"""Lengths of prompts that a warm-up runs through."""


class StaticLoop:
    """See :class:`streaming.speech.qwen3.loop.DecodeLoop`.

    Args:
        model: the networks; their weights are rearranged in place, for every loop over them alike.
        capacity: sessions at once, each with its part of the cache.
        context: longest utterance in positions, prompt and frames together.
        nucleus: whether ``top_p`` below 1 may be asked for, which costs some operators more.
        compiled: let torch's compiler fuse what it can: fewer kernels, a longer warm-up, and a C compiler
            has to be there.
    """

    @torch.inference_mode()
    def __init__(
        self,
        model: Qwen3Model,
        capacity: int = 1,
        context: int = CONTEXT,
        nucleus: bool = False,
        compiled: bool = False,
    ) -> None:
        config = model.config.talker_config
        talker, predictor, device = model.talker, model.talker.code_predictor, model.device
        self._model, self._device, self._compiled = model, device, compiled
        self._slots = Slots(capacity)
        self.batches = batches(capacity)
        self._end = config.codec_eos_token_id
        # The last position of each slot takes what an idle slot computes.
        self._idle_position = context - 1
        self._talker = Stack(talker.model, config, capacity, context, compiled)
        self._predictor = Stack(predictor.model, predictor.config, capacity, CODEBOOKS + 1, compiled)
        self._projection = predictor.small_to_mtp_projection
        self._tables = [talker.get_input_embeddings(), *predictor.get_input_embeddings()]
        self._heads = [head.weight for head in predictor.lm_head]
        vocabulary = predictor.config.vocab_size
        self._first = TalkerRows(capacity, config.vocab_size, self._end, device, nucleus)
        self._others = ChoiceRows(capacity, vocabulary, device, nucleus)
        self._noise = Noise(capacity, config.vocab_size, vocabulary, CODEBOOKS - 1, device)
        width = config.hidden_size
        self._hidden = torch.zeros(capacity, width, device=device, dtype=model.dtype)
        self._frame_sum, self._text = self._hidden.clone(), self._hidden.clone()
        # Filled on the CPU and copied over once a step: position, whether it talks, whether it has a frame.
        self._control = torch.zeros(capacity, 3, dtype=torch.long, device=device)
        pinned = device.type == "cuda"
        self._next_control = torch.zeros(capacity, 3, dtype=torch.long, pin_memory=pinned)
        self._next_bias = torch.zeros(capacity, pin_memory=pinned)
        # Codes, and whether they come from numbers.
        self._report = torch.zeros(capacity, CODEBOOKS + 1, dtype=torch.long, device=device)
        self._read = torch.zeros(capacity, CODEBOOKS + 1, dtype=torch.long, pin_memory=pinned)
        # Blocking: waiting must not take the core that others encode pictures on.
        self._copied = torch.cuda.Event(blocking=True) if pinned else None

    @property
    def capacity(self) -> int:
        """Utterances that can be open at once."""
        return self._slots.capacity

    @property
    def free(self) -> int:
        """Utterances that can be opened now."""
        return self._slots.free

    @torch.inference_mode()
    def warm_up(self) -> None:
        """Run everything once; only while no utterance is open."""
        for length in WARM_PROMPTS:
            prompt = torch.zeros(min(length, self._idle_position), self._hidden.shape[1], device=self._device)
            with unplanned_attention():
                self._talker.prefill(prompt.to(self._hidden.dtype), 0)
        with self._compiling(), unplanned_attention():
            for batch in self.batches:
                self._talk(batch)
                self._frame(batch)
        self._read_report((), 1)

    @torch.inference_mode()
    def open(self, prompt: Prompt, sampling: Sampling, seed: int) -> Stream:
        """See :meth:`streaming.speech.qwen3.loop.DecodeLoop.open`."""
        stream = self._slots.begin(prompt, sampling, seed, self._idle_position, self._device)
        slot = stream.slot
        self._first.reset(slot, sampling)
        self._others.set(slot, sampling.predictor)
        self._noise.clear(slot)
        self._noise.draw(slot, sampling, stream.generator)
        self._talker.clear(slot)
        self._frame_sum[slot] = 0
        with unplanned_attention():
            self._hidden[slot] = self._talker.prefill(prompt.embeds[0], slot)
        self._slots.put(stream)
        return stream

    @torch.inference_mode()
    def step(self, streams: Sequence[Stream]) -> list[torch.Tensor | None]:
        """See :meth:`streaming.speech.qwen3.loop.DecodeLoop.step`."""
        live = [stream for stream in streams if stream.check_limits() and stream.ready]
        if not live:
            self._slots.reclaim()
            return [None] * len(streams)
        top = max(stream.slot for stream in live) + 1
        batch = next(batch for batch in self.batches if batch >= top)
        self._prepare(live)
        with unplanned_attention():
            if any(stream.frames for stream in live):
                self._talk(batch)
            self._frame(batch)
        report = self._read_report(live, batch)
        for stream in live:
            codes = report[stream.slot]
            if not codes[-1]:
                stream.ending = Ending.BROKEN
            elif codes[0] == self._end:
                stream.ending = Ending.SPOKEN
            else:
                stream.frames += 1
        given = {id(stream): report[stream.slot, :-1] for stream in live if stream.ending is None}
        self._slots.reclaim()
        return [given.get(id(stream)) for stream in streams]

    def _prepare(self, live: Sequence[Stream]) -> None:
        """Copy over what the next step depends on."""
        self._next_control[:, 0] = self._idle_position
        self._next_control[:, 1:] = 0
        for stream in live:
            slot = stream.slot
            self._next_control[slot, 2] = 1
            self._next_bias[slot] = stream.bias()
            if stream.frames:
                self._next_control[slot, 0] = stream.prompt.embeds.shape[1] + stream.frames - 1
                self._next_control[slot, 1] = 1
                self._text[slot] = stream.prompt.text.row(stream.frames - 1)
        self._control.copy_(self._next_control, non_blocking=True)
        self._first.end_bias.copy_(self._next_bias, non_blocking=True)

    def _compiling(self) -> AbstractContextManager[object]:
        """Room for all shapes that are compiled, if any are."""
        if not self._compiled:
            return nullcontext()
        # The plain name for it, torch.compiler.config, is younger than the oldest PyTorch that will do.
        from torch._dynamo import config

        return config.patch(recompile_limit=COMPILED_SHAPES)

    def _read_report(self, live: Sequence[Stream], batch: int) -> torch.Tensor:
        """What the step gave, (batch, 17) on the CPU; while it computes, the next noise is drawn."""
        self._read.copy_(self._report, non_blocking=True)
        if self._copied is not None:
            self._copied.record(torch.cuda.current_stream(self._device))
        for stream in live:
            self._noise.draw(stream.slot, stream.sampling, stream.generator)
        if self._copied is not None:
            self._copied.synchronize()
        return self._read[:batch].clone()

    def _talk(self, batch: int) -> None:
        """Take the last frame and its text into the talker."""
        positions, talks = self._control[:batch, 0], self._control[:batch, 1:2] > 0
        hidden = self._talker.step(self._frame_sum[:batch] + self._text[:batch], positions)
        self._hidden[:batch] = torch.where(talks, hidden, self._hidden[:batch])

    def _frame(self, batch: int) -> None:
        """Choose the sixteen codes of a frame."""
        counts = self._control[:batch, 2]
        hidden = self._hidden[:batch]
        first_logits = functional.linear(hidden, self._model.talker.codec_head.weight).float()
        token = self._first.choose(first_logits, self._noise.talker[:batch], counts)
        row = self._tables[0](token)
        tokens, rows = [token], [row]
        x, position, logits = torch.stack((hidden, row), 1), 0, first_logits
        for book, head in enumerate(self._heads):
            state = self._predictor.at(self._projection(x), position)
            logits = functional.linear(state, head).float()
            token = self._others.choose(logits, self._noise.predictor[book, :batch])
            row = self._tables[book + 1](token)
            tokens.append(token)
            rows.append(row)
            position += x.shape[1]
            x = row[:, None]
        frame_sum = torch.stack(rows, 1).sum(1)
        self._frame_sum[:batch] = torch.where(counts[:, None] > 0, frame_sum, self._frame_sum[:batch])
        # What went wrong in an early codebook is still seen in the last one, which attends to it.
        healthy = (first_logits.sum(-1) + logits.sum(-1)).isfinite()
        self._report[:batch, :-1] = stacked(tokens)
        self._report[:batch, -1] = healthy


def batches(capacity: int) -> tuple[int, ...]:
    """The sizes that steps come in: powers of two, and all slots."""
    sizes = [1]
    while sizes[-1] < capacity:
        sizes.append(min(sizes[-1] * 2, capacity))
    return tuple(sizes)
