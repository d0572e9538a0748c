"""The shapes of Qwen3-TTS 12 Hz as published, and of a tiny one for the CPU."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

LANGUAGES = {
    "chinese": 2055,
    "english": 2050,
    "german": 2053,
    "italian": 2070,
    "portuguese": 2071,
    "spanish": 2054,
    "japanese": 2058,
    "korean": 2064,
    "french": 2061,
    "russian": 2069,
}
DIALECT = "sichuan_dialect"
SPEAKERS = {"aiden": 2861, "eric": 2875}
"""Eric speaks :data:`DIALECT`."""


@dataclass(frozen=True, slots=True)
class Size:
    """Shapes of one checkpoint; the rest is the same for all.

    Attributes:
        name: as it is called.
        label: ``tts_model_size`` of the configuration.
        talker: hidden size, layers, feed-forward, heads, key-value heads and size of a head.
        predictor: likewise.
        text: size of the text vocabulary and of its embedding.
        rope_sections: of the talker's position embedding.
        special: text tokens for begin, end and pad.
        decoder: of the codec.
        encoder: of the codec (``MimiConfig``).
        speaker_encoder: its shapes but for the output.
    """

    name: str
    label: str
    talker: dict[str, int]
    predictor: dict[str, int]
    text: tuple[int, int]
    rope_sections: tuple[int, int, int]
    special: tuple[int, int, int]
    decoder: dict[str, Any]
    encoder: dict[str, Any]
    speaker_encoder: dict[str, Any]

    def config(self, kind: str) -> dict[str, Any]:
        """The arguments of ``Qwen3TTSConfig``."""
        pad, begin, end = self.special
        predictor = {
            **self.predictor,
            "vocab_size": 2048,
            "num_code_groups": 16,
            "rope_theta": 1e6,
            "max_position_embeddings": 65536,
        }
        talker = {
            **self.talker,
            "vocab_size": 3072,
            "text_vocab_size": self.text[0],
            "text_hidden_size": self.text[1],
            "num_code_groups": 16,
            "rope_theta": 1e6,
            "max_position_embeddings": 32768,
            "rope_scaling": {
                "interleaved": True,
                "mrope_section": list(self.rope_sections),
                "rope_type": "default",
                "type": "default",
            },
            "codec_eos_token_id": 2150,
            "codec_bos_id": 2149,
            "codec_pad_id": 2148,
            "codec_think_id": 2154,
            "codec_nothink_id": 2155,
            "codec_think_bos_id": 2156,
            "codec_think_eos_id": 2157,
            "codec_language_id": {**LANGUAGES, DIALECT: 2062},
            "spk_id": SPEAKERS if kind == "custom_voice" else {},
            "spk_is_dialect": {"aiden": False, "eric": DIALECT} if kind == "custom_voice" else {},
            "pad_token_id": None,
            "code_predictor_config": predictor,
        }
        return {
            "tts_model_type": kind,
            "tts_model_size": self.label,
            "tokenizer_type": "qwen3_tts_tokenizer_12hz",
            "tts_pad_token_id": pad,
            "tts_bos_token_id": begin,
            "tts_eos_token_id": end,
            "talker_config": talker,
            "speaker_encoder_config": {**self.speaker_encoder, "enc_dim": self.talker["hidden_size"]},
        }


def _stack(hidden: int, layers: int, inner: int, heads: int, kv_heads: int, head: int) -> dict[str, int]:
    return {
        "hidden_size": hidden,
        "num_hidden_layers": layers,
        "intermediate_size": inner,
        "num_attention_heads": heads,
        "num_key_value_heads": kv_heads,
        "head_dim": head,
    }


_DECODER = {
    "codebook_dim": 512,
    "codebook_size": 2048,
    "latent_dim": 1024,
    "decoder_dim": 1536,
    "hidden_size": 512,
    "intermediate_size": 1024,
    "head_dim": 64,
    "num_attention_heads": 16,
    "num_key_value_heads": 16,
    "num_hidden_layers": 8,
    "sliding_window": 72,
    "layer_scale_initial_scale": 0.01,
    "num_quantizers": 16,
}


def _published(name: str, label: str, hidden: int, inner: int) -> Size:
    return Size(
        name,
        label,
        _stack(hidden, 28, inner, 16, 8, 128),
        _stack(1024, 5, 3072, 16, 8, 128),
        (151936, 2048),
        (24, 20, 20),
        (151671, 151672, 151673),
        _DECODER,
        {},
        {},
    )


SIZES = {
    "1.7b": _published("1.7B", "1b7", 2048, 6144),
    "0.6b": _published("0.6B", "0b6", 1024, 3072),
    "tiny": Size(
        "tiny",
        "1b7",
        _stack(64, 3, 128, 4, 2, 16),
        _stack(32, 2, 64, 4, 2, 8),
        (1000, 48),
        (4, 2, 2),
        (971, 972, 973),
        {
            **_DECODER,
            "codebook_dim": 32,
            "latent_dim": 32,
            "decoder_dim": 64,
            "hidden_size": 32,
            "intermediate_size": 64,
            "head_dim": 8,
            "num_attention_heads": 4,
            "num_key_value_heads": 4,
            "num_hidden_layers": 3,
            "layer_scale_initial_scale": 0.3,
        },
        {
            "hidden_size": 32,
            "num_filters": 4,
            "codebook_size": 2048,
            "codebook_dim": 16,
            "vector_quantization_hidden_dimension": 16,
            "num_hidden_layers": 1,
            "intermediate_size": 64,
            "num_attention_heads": 4,
            "num_key_value_heads": 4,
            "head_dim": 8,
            "num_quantizers": 32,
            "upsample_groups": 32,
            "sliding_window": 250,
        },
        {
            "enc_channels": [32, 32, 32, 32, 96],
            "enc_attention_channels": 16,
            "enc_se_channels": 16,
            "enc_res2net_scale": 4,
        },
    ),
}
