# pyright: reportMissingImports=false
"""The networks of one checkpoint, loaded the way they have to be."""

from __future__ import annotations

import json
from collections.abc import Sequence
from enum import StrEnum
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray

from streaming.errors import EngineUnavailable
from streaming.gpu.placement import Placement
from streaming.speech.qwen3.feed_forward import guard_predictor
from streaming.speech.qwen3.package import import_qwen_tts
from streaming.speech.qwen3.sampling import Sampling
from streaming.timing import SPEECH_RATE

FRAME_SAMPLES = 1920
"""Samples at 24 kHz that one frame of codes stands for: 80 ms."""
CODEBOOKS = 16
_ROLE_TOKENS = 3
"""``<|im_start|>``, ``assistant`` and a newline go before what is said."""
_TEXT_TAIL, _REFERENCE_TAIL = 5, 2
"""Tokens of the template behind a text, and behind the transcript of a reference."""


class Kind(StrEnum):
    """What a checkpoint was trained to take its voice from."""

    BASE = "base"
    CUSTOM_VOICE = "custom_voice"
    VOICE_DESIGN = "voice_design"


class Qwen3Model:
    """Talker, code predictor, codec, speaker encoder and text tokenizer.

    Talker and predictor lie on the placement's device in its precision, the codec's decoder there in
    float32: in bfloat16 it goes silent. What only hears references (its encoder, the speaker encoder) stays
    on the CPU in float32: it is used once per voice.

    Args:
        network: ``Qwen3TTSForConditionalGeneration``, in the placement's precision.
        speech_tokenizer: ``Qwen3TTSTokenizer`` (12 Hz), float32, on the CPU.
        processor: ``Qwen3TTSProcessor``.
        placement: where talker, predictor and decoder go.
        generation: the checkpoint's ``generation_config.json``.
    """

    def __init__(
        self,
        network: Any,
        speech_tokenizer: Any,
        processor: Any,
        placement: Placement,
        generation: dict[str, Any],
    ) -> None:
        self.network = network.eval()
        self.config = network.config
        self.placement = placement
        self.processor = processor
        self.sampling = Sampling.from_generation_config(generation)
        self.generation = generation
        """The checkpoint's own settings, as the package reads them."""
        self._feature_extractor = speech_tokenizer.feature_extractor
        self._codec = speech_tokenizer.model.eval()
        self._place()

    @classmethod
    def load(cls, folder: Path, placement: Placement) -> Qwen3Model:
        """Read a checkpoint from a folder.

        Raises:
            EngineUnavailable: packages are missing, or the files are not those of a 12 Hz model.
        """
        package = import_qwen_tts()
        from qwen_tts.core.models import (
            Qwen3TTSConfig,
            Qwen3TTSForConditionalGeneration,
            Qwen3TTSProcessor,
        )
        from safetensors import SafetensorError
        from transformers import AutoConfig, AutoProcessor, PreTrainedModel

        AutoConfig.register("qwen3_tts", Qwen3TTSConfig, exist_ok=True)
        AutoProcessor.register(Qwen3TTSConfig, Qwen3TTSProcessor, exist_ok=True)
        try:
            # The package's own from_pretrained loads the codec along with it, in the talker's precision.
            network, loaded = PreTrainedModel.from_pretrained.__func__(  # pyright: ignore[reportFunctionMemberAccess]
                Qwen3TTSForConditionalGeneration,
                str(folder),
                dtype=placement.torch_dtype,
                attn_implementation="sdpa",
                use_safetensors=True,
                local_files_only=True,
                output_loading_info=True,
            )
            codec = package.Qwen3TTSTokenizer.from_pretrained(
                str(folder / "speech_tokenizer"), dtype=torch.float32, local_files_only=True
            )
            # The "fix", which the package asks for, is Mistral's: in a folder (though not from the hub) it
            # would take the place of how this tokenizer cuts words.
            processor = AutoProcessor.from_pretrained(
                str(folder), fix_mistral_regex=False, local_files_only=True
            )
            generation = _read_json(folder / "generation_config.json")
        except (OSError, ValueError, KeyError, TypeError, RuntimeError, SafetensorError) as error:
            raise EngineUnavailable(
                f"The Qwen3-TTS model in '{folder}' cannot be read ({error}). Fetch it anew."
            ) from error
        # What is not in the files would be random numbers.
        if missing := sorted(loaded["missing_keys"]):
            raise EngineUnavailable(
                f"The Qwen3-TTS model in '{folder}' is not whole ({missing[0]} and {len(missing) - 1} more "
                "are missing). Fetch it anew."
            )
        return cls(network, codec, processor, placement, generation)

    @property
    def kind(self) -> Kind:
        """Where its voices come from."""
        return Kind(self.config.tts_model_type)

    @property
    def languages(self) -> tuple[str, ...]:
        """English names of the languages, such as ``german``; ``auto`` goes without saying."""
        return tuple(name for name in self.network.get_supported_languages() if name != "auto")

    @property
    def speakers(self) -> tuple[str, ...]:
        """Names of the built-in speakers, in lower case; only a custom-voice model has any."""
        return tuple(self.config.talker_config.spk_id or ())

    @property
    def takes_instructions(self) -> bool:
        """Whether a way of speaking can be asked for; the 0.6B models were not trained to."""
        return self.kind is not Kind.BASE and self.config.tts_model_size != "0b6"

    @property
    def talker(self) -> Any:
        """``Qwen3TTSTalkerForConditionalGeneration``, the code predictor within."""
        return self.network.talker

    @property
    def device(self) -> torch.device:
        """Where the talker runs."""
        return torch.device(self.placement.device)

    @property
    def dtype(self) -> torch.dtype:
        """The talker's precision."""
        return self.placement.torch_dtype

    @property
    def decoder(self) -> Any:
        """The codec's decoder, ``Qwen3TTSTokenizerV2Decoder``, float32."""
        return self._codec.decoder

    # What is said.

    def tokenize(self, text: str) -> torch.Tensor:
        """Tokens of a text as it stands, (1, n) int64 on the CPU."""
        ids = self.processor(text=text, return_tensors="pt", padding=True)["input_ids"]
        return ids.unsqueeze(0) if ids.dim() == 1 else ids

    def role_ids(self) -> torch.Tensor:
        """Tokens of the template before a text, (1, 3)."""
        return self.tokenize("<|im_start|>assistant\n")[:, :_ROLE_TOKENS]

    def text_ids(self, text: str) -> torch.Tensor:
        """Tokens of a text to be said, (1, n)."""
        whole = self.tokenize(f"<|im_start|>assistant\n{text}<|im_end|>\n<|im_start|>assistant\n")
        return whole[:, _ROLE_TOKENS:-_TEXT_TAIL]

    def reference_ids(self, text: str) -> torch.Tensor:
        """Tokens of a reference's transcript, (1, n)."""
        return self.tokenize(f"<|im_start|>assistant\n{text}<|im_end|>\n")[:, _ROLE_TOKENS:-_REFERENCE_TAIL]

    def instruction_ids(self, text: str) -> torch.Tensor:
        """Tokens of a way of speaking with their template, (1, n)."""
        return self.tokenize(f"<|im_start|>user\n{text}<|im_end|>\n")

    def embed_text(self, ids: torch.Tensor | Sequence[int]) -> torch.Tensor:
        """Text tokens as the talker takes them, (1, n, D) on its device."""
        table = self.talker.get_text_embeddings()
        rows = table(_as_batch(ids).to(table.weight.device)).to(self.device)
        return self.talker.text_projection(rows)

    def embed_codes(self, ids: torch.Tensor | Sequence[int]) -> torch.Tensor:
        """Tokens of the first codebook (control tokens and speakers among them), (1, n, D)."""
        return self.talker.get_input_embeddings()(_as_batch(ids).to(self.device))

    def embed_frames(self, codes: torch.Tensor) -> torch.Tensor:
        """Frames of all codebooks: (n, 16) int64 becomes (1, n, D)."""
        codes = codes.to(self.device)
        tables = [self.talker.get_input_embeddings(), *self.talker.code_predictor.get_input_embeddings()]
        rows = [table(codes[:, book : book + 1]) for book, table in enumerate(tables)]
        return torch.cat(rows, 1).sum(1).unsqueeze(0)

    # Who says it.

    @torch.inference_mode()
    def encode(self, pcm: NDArray[np.float32]) -> torch.Tensor:
        """Codes of a recording.

        Args:
            pcm: mono at 24 kHz.

        Returns:
            (frames, 16) int64 on the CPU.
        """
        inputs = self._feature_extractor(
            raw_audio=[pcm.astype(np.float32)], sampling_rate=SPEECH_RATE, return_tensors="pt"
        )
        values, padding = inputs["input_values"].squeeze(1), inputs["padding_mask"].squeeze(1)
        return self._codec.encode(values, padding, return_dict=True).audio_codes[0]

    @torch.inference_mode()
    def speaker_embedding(self, pcm: NDArray[np.float32]) -> torch.Tensor:
        """What makes a speaker's voice, without the recording's words ("x-vector").

        Args:
            pcm: mono at 24 kHz.

        Returns:
            (D,) float32 on the CPU.

        Raises:
            EngineUnavailable: the checkpoint has no speaker encoder.
        """
        if self.network.speaker_encoder is None:
            raise EngineUnavailable(
                f"A {self.kind.value} model of Qwen3-TTS clones no voices; load a Base model for that."
            )
        from qwen_tts.core.models.modeling_qwen3_tts import mel_spectrogram

        mels = mel_spectrogram(
            torch.from_numpy(pcm.astype(np.float32)).unsqueeze(0),
            n_fft=1024,
            num_mels=128,
            sampling_rate=SPEECH_RATE,
            hop_size=256,
            win_size=1024,
            fmin=0,
            fmax=12_000,
        )
        return self.network.speaker_encoder(mels.transpose(1, 2))[0]

    def _place(self) -> None:
        talker = self.talker
        text_embedding = talker.model.text_embedding
        if self.placement.text_embedding_on_cpu:
            talker.model.text_embedding = torch.nn.Identity()
        # Not to a precision: that would round the position embedding's frequencies as well.
        talker.to(self.device)
        talker.model.text_embedding = text_embedding
        if self.network.speaker_encoder is not None:
            self.network.speaker_encoder.to("cpu", torch.float32)
        self._codec.to("cpu", torch.float32)
        self._codec.decoder.to(self.device)
        if self.dtype is torch.float16:
            guard_predictor(talker.code_predictor)
        self.network.requires_grad_(False)
        self._codec.requires_grad_(False)


def _as_batch(ids: torch.Tensor | Sequence[int]) -> torch.Tensor:
    return torch.tensor([list(ids)], dtype=torch.long) if isinstance(ids, Sequence) else ids


def _read_json(path: Path) -> dict[str, Any]:
    return json.loads(path.read_text("utf-8"))
