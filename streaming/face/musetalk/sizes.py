"""The published configurations of MuseTalk 1.5's networks, and the shapes that follow from them.

``UNET`` and ``VAE`` are, as JSON, byte for byte the published files (a test compares their checksums).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

Config = dict[str, Any]

UNET: Config = {
    "_class_name": "UNet2DConditionModel",
    "_diffusers_version": "0.6.0.dev0",
    "act_fn": "silu",
    # The number of heads, whatever its name says: diffusers kept a mistake for the sake of old files.
    "attention_head_dim": 8,
    "block_out_channels": [320, 640, 1280, 1280],
    "center_input_sample": False,
    "cross_attention_dim": 384,
    "down_block_types": [
        "CrossAttnDownBlock2D",
        "CrossAttnDownBlock2D",
        "CrossAttnDownBlock2D",
        "DownBlock2D",
    ],
    "downsample_padding": 1,
    "flip_sin_to_cos": True,
    "freq_shift": 0,
    "in_channels": 8,
    "layers_per_block": 2,
    "mid_block_scale_factor": 1,
    "norm_eps": 1e-05,
    "norm_num_groups": 32,
    "out_channels": 4,
    "sample_size": 64,
    "up_block_types": ["UpBlock2D", "CrossAttnUpBlock2D", "CrossAttnUpBlock2D", "CrossAttnUpBlock2D"],
}
"""``musetalkV15/musetalk.json`` of TMElyralab/MuseTalk."""
VAE: Config = {
    "_class_name": "AutoencoderKL",
    "_diffusers_version": "0.4.2",
    "act_fn": "silu",
    "block_out_channels": [128, 256, 512, 512],
    "down_block_types": ["DownEncoderBlock2D"] * 4,
    "in_channels": 3,
    "latent_channels": 4,
    "layers_per_block": 2,
    "norm_num_groups": 32,
    "out_channels": 3,
    "sample_size": 256,
    "up_block_types": ["UpDecoderBlock2D"] * 4,
}
"""``config.json`` of stabilityai/sd-vae-ft-mse."""
TAESD: Config = {"_class_name": "AutoencoderTiny"}
"""What of madebyollin/taesd's ``config.json`` is not the default of its class: nothing."""
WHISPER: Config = {
    "d_model": 384,
    "encoder_layers": 4,
    "encoder_attention_heads": 6,
    "encoder_ffn_dim": 1536,
    "decoder_layers": 4,
    "decoder_attention_heads": 6,
    "decoder_ffn_dim": 1536,
    "num_mel_bins": 80,
    "max_source_positions": 1500,
    "vocab_size": 51865,
}
"""What of openai/whisper-tiny's ``config.json`` shapes the network."""


@dataclass(frozen=True, slots=True, eq=False)
class Sizes:
    """Configurations of one set of networks, as their classes take them."""

    unet: Config
    vae: Config
    taesd: Config
    whisper: Config


PUBLISHED = Sizes(UNET, VAE, TAESD, WHISPER)
PUBLISHED_UNET_PARAMETERS = 849_947_844

LATENT_SCALE = 0.18215
"""What the VAE's latents are multiplied by: for the UNet and TAESD; the VAE itself wants them without."""
LATENT_STRIDE = 8
"""Pixels per latent, both ways."""
PREDICTED_CHANNELS = 4
"""Of the latents that the UNet makes."""
FEATURE_TOKENS, FEATURE_SIZE = 50, 384
"""What a frame hears: ten steps of 20 ms in five layers of the audio encoder, 384 numbers each."""
