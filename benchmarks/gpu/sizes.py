"""How large a run is: the published networks and what is asked of them, or tiny ones for the CPU."""

from __future__ import annotations

from dataclasses import dataclass

from streaming.face.musetalk.sizes import PUBLISHED, TAESD, UNET, VAE, WHISPER, Sizes

TINY = Sizes(
    unet={**UNET, "block_out_channels": [16, 16, 32, 32], "norm_num_groups": 8, "attention_head_dim": 2},
    vae={**VAE, "block_out_channels": [8, 8, 16, 16], "norm_num_groups": 4, "layers_per_block": 1},
    taesd={
        **TAESD,
        "encoder_block_out_channels": [8] * 4,
        "decoder_block_out_channels": [8] * 4,
    },
    # The features keep their real shape: 384 numbers from five layers.
    whisper={
        **WHISPER,
        "encoder_ffn_dim": 64,
        "decoder_layers": 1,
        "decoder_ffn_dim": 16,
        "max_target_positions": 8,
        "vocab_size": 51,
        "pad_token_id": 0,
        "bos_token_id": 1,
        "eos_token_id": 2,
        "decoder_start_token_id": 1,
    },
)

MINI = Sizes(
    unet={
        **TINY.unet,
        "block_out_channels": [8, 16],
        "norm_num_groups": 4,
        "layers_per_block": 1,
        "down_block_types": ["DownBlock2D", "CrossAttnDownBlock2D"],
        "up_block_types": ["CrossAttnUpBlock2D", "UpBlock2D"],
    },
    vae=TINY.vae,
    taesd={**TINY.taesd, "encoder_block_out_channels": [4] * 4, "decoder_block_out_channels": [4] * 4},
    whisper=TINY.whisper,
)
"""Of the same classes, and small enough to be drawn live on one core beside a tiny talker."""


@dataclass(frozen=True, slots=True)
class Scale:
    """How much is measured.

    Attributes:
        networks: of MuseTalk.
        talkers: sizes of Qwen3-TTS, names as in ``benchmarks.gpu_tts.sizes``.
        batches: of faces.
        windows: of the audio encoder.
        recipe_batches: of the recipe that ours is held against.
        recipe_frames: that it draws for a measurement.
        repeats: of each step.
        places: for how many sessions the talker is loaded, and with how many of them it is measured.
        seconds: that each session speaks.
        answers: utterances in that time, one after another.
        memory_gb: that all models may take together.
    """

    networks: Sizes
    talkers: tuple[str, ...]
    batches: tuple[int, ...]
    windows: tuple[int, ...]
    recipe_batches: tuple[int, ...]
    recipe_frames: int
    repeats: int
    places: dict[int, tuple[int, ...]]
    seconds: float
    answers: int
    memory_gb: float = 14.0


REAL = Scale(
    networks=PUBLISHED,
    talkers=("0.6b", "1.7b"),
    batches=(1, 2, 4, 8, 16),
    windows=(1, 2, 4, 8),
    recipe_batches=(8, 20),
    recipe_frames=160,
    repeats=30,
    # Loaded for 4 too, as their memory is what is asked about.
    places={4: (1, 2, 4), 16: (8, 16)},
    seconds=20.0,
    answers=2,
)
SMALL = Scale(
    networks=MINI,
    talkers=("tiny",),
    batches=(1, 2),
    windows=(1, 2),
    recipe_batches=(2,),
    recipe_frames=4,
    repeats=2,
    places={2: (1, 2)},
    seconds=4.0,
    answers=2,
)
