# pyright: reportMissingImports=false
"""From a voice's name to what the networks are told about it; recordings are encoded once and kept."""

from __future__ import annotations

from collections import OrderedDict

import numpy as np
import structlog
import torch
from numpy.typing import NDArray

from streaming.errors import EngineUnavailable
from streaming.speech.profiles.prompt import VoicePrompt
from streaming.speech.profiles.store import ProfileStore
from streaming.speech.qwen3.checkpoint import BASE, CUSTOM_VOICE, Checkpoint
from streaming.speech.qwen3.machine import Cast
from streaming.speech.qwen3.model import Qwen3Model
from streaming.speech.qwen3.options import DEFAULT_INSTRUCTION
from streaming.speech.qwen3.prompt import Reference, Speaker
from streaming.timing import SPEECH_RATE

log = structlog.get_logger(__name__)

KEPT_VOICES = 16
"""Cloned voices whose state (5 MB each at the published size) stays in memory."""
TAIL_SECONDS = 0.5
"""Silence after a reference, or its last sound would leak into the beginning of what is said."""

LONGEST_REFERENCE = 400
"""Frames (32 s). A longer recording would leave too little room for what is said; only its sound is used."""


class Casting:
    """Gives each voice its :class:`Cast`. Not for several threads at once.

    Args:
        model: encodes recordings, on the CPU.
        checkpoint: what it is.
        profiles: voices of people.
        instruction: a way of speaking, or the voice to design; empty for none.
    """

    def __init__(
        self, model: Qwen3Model, checkpoint: Checkpoint, profiles: ProfileStore, instruction: str
    ) -> None:
        self._model, self._checkpoint, self._profiles = model, checkpoint, profiles
        self._instruction = (instruction or None) if model.takes_instructions else None
        self._kept: OrderedDict[tuple[str, str], Cast] = OrderedDict()

    def cast(self, voice: str) -> Cast:
        """Who speaks with this voice. For a new cloned voice this takes seconds.

        Raises:
            VoiceNotFound: the profile is gone.
            LipstreamError: it is damaged.
        """
        if self._checkpoint.kind != BASE:
            name = voice if self._checkpoint.kind == CUSTOM_VOICE else None
            key = (voice, "")
            if key not in self._kept:
                instruction = self._instruction if name else self._instruction or DEFAULT_INSTRUCTION
                self._kept[key] = Cast(Speaker(name=name, instruction=instruction))
            return self._kept[key]
        profile = self._profiles.get(voice)
        key = (voice, f"{profile.reference.sha256} {profile.transcript or ''}")
        if key not in self._kept:
            self._kept[key] = Cast(self._clone(voice, profile.transcript))
        self._kept.move_to_end(key)
        while len(self._kept) > KEPT_VOICES:
            self._kept.popitem(last=False)
        return self._kept[key]

    def _clone(self, voice: str, transcript: str | None) -> Speaker:
        checkpoint = self._checkpoint

        def make() -> VoicePrompt:
            pcm = self._profiles.reference_pcm(voice)
            return make_prompt(self._model, checkpoint, pcm, with_codes=transcript is not None)

        prompt = self._profiles.prompt(voice, checkpoint.name, checkpoint.revision, make)
        if prompt is None:
            raise EngineUnavailable(f"Nothing could be made of the voice '{voice}'. Create it again.")
        reference = None
        if prompt.ref_code is not None and len(prompt.ref_code) > LONGEST_REFERENCE:
            log.warning("qwen3 reference too long to go on from", voice=voice, frames=len(prompt.ref_code))
        elif transcript is not None and prompt.ref_code is not None:
            reference = Reference(torch.from_numpy(prompt.ref_code), transcript)
        return Speaker(embedding=torch.from_numpy(prompt.speaker_embedding), reference=reference)


def make_prompt(
    model: Qwen3Model, checkpoint: Checkpoint, pcm: NDArray[np.float32], *, with_codes: bool
) -> VoicePrompt:
    """What a Base model makes of a reference.

    Args:
        model: the networks.
        checkpoint: what they are.
        pcm: (n,) at 24 kHz.
        with_codes: also the codes of the recording, which are of use only with its transcript.

    Raises:
        EngineUnavailable: it is no Base model.
    """
    embedding = model.speaker_embedding(pcm).float().numpy()
    codes = None
    if with_codes:
        tail = np.zeros(round(TAIL_SECONDS * SPEECH_RATE), np.float32)
        codes = model.encode(np.concatenate((pcm, tail))).long().numpy()
    return VoicePrompt(checkpoint.name, checkpoint.revision, embedding, codes)
