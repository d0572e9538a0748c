# pyright: reportMissingImports=false
"""Checkpoints of any size with random weights, made from the package's own classes."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import contextmanager, nullcontext
from pathlib import Path
from typing import Any

import torch

from benchmarks.gpu_tts.sizes import Size
from streaming.gpu.placement import Placement
from streaming.speech.qwen3.package import import_qwen_tts

GENERATION = {
    "do_sample": True,
    "repetition_penalty": 1.05,
    "temperature": 0.9,
    "top_p": 1.0,
    "top_k": 50,
    "subtalker_dosample": True,
    "subtalker_temperature": 0.9,
    "subtalker_top_p": 1.0,
    "subtalker_top_k": 50,
    "max_new_tokens": 8192,
}
"""As published."""
_WORDS = ("assistant", "user")
"""Of the prompt's template; each has to be one token, as in the published vocabulary."""


@contextmanager
def made_on(placement: Placement, seed: int | None = None) -> Iterator[None]:
    """Within, networks are made on that device in that precision.

    Args:
        placement: where, and how precisely.
        seed: of their weights; ``None``: as it comes.
    """
    before = torch.get_default_dtype()
    if seed is not None:
        torch.manual_seed(seed)
    torch.set_default_dtype(placement.torch_dtype)
    try:
        with torch.device(placement.device):
            yield
    finally:
        torch.set_default_dtype(before)


def random_network(size: Size, kind: str, seed: int = 0) -> Any:
    """``Qwen3TTSForConditionalGeneration`` whose codes keep changing, on the default device."""
    import_qwen_tts()
    from qwen_tts.core.models import Qwen3TTSConfig, Qwen3TTSForConditionalGeneration

    torch.manual_seed(seed)
    network: Any = Qwen3TTSForConditionalGeneration(Qwen3TTSConfig(**size.config(kind)))
    with torch.no_grad():
        for name, weight in network.talker.named_parameters():
            if weight.dim() > 1:
                weight.normal_(std=1.0 if "embedding" in name else 1.2 * weight.shape[-1] ** -0.5)
    network.generation_config.pad_token_id = None
    return network.eval()


def random_codec(size: Size, seed: int = 0) -> Any:
    """``Qwen3TTSTokenizerV2Model`` whose sound is neither silent nor clipped, float32 on the CPU."""
    import_qwen_tts()
    from qwen_tts.core.tokenizer_12hz.configuration_qwen3_tts_tokenizer_v2 import Qwen3TTSTokenizerV2Config
    from qwen_tts.core.tokenizer_12hz.modeling_qwen3_tts_tokenizer_v2 import Qwen3TTSTokenizerV2Model

    torch.manual_seed(seed)
    codec: Any = Qwen3TTSTokenizerV2Model(
        Qwen3TTSTokenizerV2Config(encoder_config=size.encoder, decoder_config=size.decoder)
    ).eval()
    with torch.no_grad():
        quantizer = codec.encoder.quantizer
        for half in (
            quantizer.semantic_residual_vector_quantizer,
            quantizer.acoustic_residual_vector_quantizer,
        ):
            for layer in half.layers:
                layer.codebook.embed_sum.normal_(std=0.1)
        _randomise_decoder(codec.decoder)
    return codec


def _randomise_decoder(decoder: Any) -> None:
    for name, weight in decoder.named_parameters():
        if "embedding_sum" in name:
            weight.normal_(std=0.5)
        elif "cluster_usage" in name:
            weight.fill_(1.0)
        elif weight.dim() > 1:
            weight.normal_(std=_fan_in(name, weight) ** -0.5)
        elif name.endswith("bias"):
            weight.normal_(std=0.05)
        elif "gamma" in name:
            weight.fill_(0.3)
        elif "alpha" in name or "beta" in name:
            weight.normal_(std=0.2)
    last = decoder.decoder[-1]
    heard: list[torch.Tensor] = []
    hook = last.register_forward_hook(lambda _module, _inputs, output: heard.append(output))
    decoder(torch.randint(0, 2048, (1, decoder.config.num_quantizers, 60)))
    hook.remove()
    loudness = 0.2 / heard[0].std()
    offset = heard[0].mean() - last.conv.bias.mean()
    last.conv.weight.mul_(loudness)
    last.conv.bias.fill_(float(-offset * loudness))


def _fan_in(name: str, weight: torch.Tensor) -> int:
    if weight.dim() == 3 and "block.1.conv" in name:
        return weight.shape[0] * 2
    if weight.dim() == 2 or ("upsample" not in name and ".conv.weight" in name):
        return weight[0].numel()
    return max(weight.shape[0] * weight.shape[2] // 2, 1)


def write_processor(folder: Path) -> Any:
    """A ``Qwen3TTSProcessor`` of bytes and the words of the template, saved in a folder."""
    import_qwen_tts()
    from qwen_tts.core.models import Qwen3TTSProcessor
    from transformers import Qwen2TokenizerFast
    from transformers.models.gpt2.tokenization_gpt2 import bytes_to_unicode

    vocabulary = {letter: number for number, letter in enumerate(bytes_to_unicode().values())}
    merges: list[str] = []
    for word in _WORDS:
        for stop in range(1, len(word)):
            merges.append(f"{word[:stop]} {word[stop]}")
            vocabulary.setdefault(word[: stop + 1], len(vocabulary))
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "vocab.json").write_text(json.dumps(vocabulary), "utf-8")
    (folder / "merges.txt").write_text("\n".join(("#version: 0.2", *merges, "")), "utf-8")
    processor = Qwen3TTSProcessor(
        tokenizer=Qwen2TokenizerFast(
            vocab_file=str(folder / "vocab.json"),
            merges_file=str(folder / "merges.txt"),
            additional_special_tokens=["<|im_start|>", "<|im_end|>"],
        )
    )
    processor.save_pretrained(str(folder))
    return processor


def feature_extractor() -> Any:
    """What prepares a recording for the codec's encoder."""
    from transformers import EncodecFeatureExtractor

    return EncodecFeatureExtractor(feature_size=1, sampling_rate=24_000)


def write_checkpoint(
    folder: Path, size: Size, kind: str, seed: int = 0, placement: Placement | None = None
) -> Path:
    """Save a whole checkpoint, laid out as a published one.

    Args:
        folder: takes it.
        size: of the networks.
        kind: ``tts_model_type``.
        seed: of the weights.
        placement: where the talker is made, and the precision that it is saved in; the CPU's otherwise.
    """
    with made_on(placement) if placement is not None else nullcontext():
        network = random_network(size, kind, seed)
    network.save_pretrained(str(folder))
    # Large ones need not lie on a card any longer.
    del network
    codec = random_codec(size, seed)
    codec.save_pretrained(str(folder / "speech_tokenizer"))
    feature_extractor().save_pretrained(str(folder / "speech_tokenizer"))
    (folder / "generation_config.json").write_text(json.dumps(GENERATION), "utf-8")
    write_processor(folder)
    # What the package writes there it refuses to read.
    path = folder / "config.json"
    config = json.loads(path.read_text("utf-8"))
    config["speaker_encoder_config"] = {
        name: value
        for name, value in config["speaker_encoder_config"].items()
        if name.startswith("enc_") or name in ("mel_dim", "sample_rate")
    }
    path.write_text(json.dumps(config), "utf-8")
    return folder
