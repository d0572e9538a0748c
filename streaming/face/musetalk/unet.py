# pyright: reportMissingImports=false, reportUntypedBaseClass=false
"""The UNet as MuseTalk uses it: one step at timestep 0, so the embedding of time is a constant.

Each of its blocks adds a projection of that constant to the output of its first convolution, for which the
convolution's bias will do as well. That is exact, and saves 28 of its 850 million weights and some 70
operations for each run.
"""

from __future__ import annotations

from typing import Any

import torch
from torch.nn import functional

from streaming.face.musetalk.unet_parts import FaceResnet, FaceTransformer, activated

TIMESTEP = 0


class FaceUNet(torch.nn.Module):
    """``UNet2DConditionModel`` for one constant timestep.

    Args:
        network: with its weights. It is taken over, and loses what embeds time.
    """

    def __init__(self, network: Any) -> None:
        super().__init__()
        fold_time(network)
        for block in (*network.down_blocks, network.mid_block, *network.up_blocks):
            block.resnets = torch.nn.ModuleList(map(FaceResnet, block.resnets))
            if _listens(block):
                block.attentions = torch.nn.ModuleList(map(FaceTransformer, block.attentions))
        self.network = network

    def forward(self, latents: torch.Tensor, features: torch.Tensor) -> torch.Tensor:
        """Predict the latents of faces.

        Args:
            latents: (B, 8, 32, 32): the picture without its lower half, then the whole one; scaled.
            features: (B, 50, 384) what is heard, with its positions.

        Returns:
            (B, 4, 32, 32), scaled.
        """
        network = self.network
        sample = network.conv_in(latents)
        skips = [sample]
        for block in network.down_blocks:
            sample, passed = block(hidden_states=sample, temb=None, **_heard(block, features))
            skips += passed
        sample = network.mid_block(sample, None, encoder_hidden_states=features)
        for block in network.up_blocks:
            count = len(block.resnets)
            passed, skips = tuple(skips[-count:]), skips[:-count]
            sample = block(
                hidden_states=sample, res_hidden_states_tuple=passed, temb=None, **_heard(block, features)
            )
        return network.conv_out(activated(network.conv_norm_out(sample)))


@torch.no_grad()
def fold_time(network: Any) -> int:
    """Put the embedding of timestep 0 into the biases, and drop what computes it.

    Computed in float32, whatever the weights are in, before they are rounded to less.

    Returns:
        How many blocks it was put into.
    """
    time = network.time_proj(torch.full((1,), TIMESTEP))
    embedding = functional.silu(network.time_embedding.float()(time.float()))
    blocks = [module for module in network.modules() if getattr(module, "time_emb_proj", None) is not None]
    for block in blocks:
        projection, bias = block.time_emb_proj, block.conv1.bias
        constant = functional.linear(embedding, projection.weight.float(), projection.bias.float())[0]
        block.conv1.bias = torch.nn.Parameter(bias.float() + constant, requires_grad=False)
        block.time_emb_proj = None
    network.time_embedding = torch.nn.Identity()
    return len(blocks)


def _heard(block: Any, features: torch.Tensor) -> dict[str, torch.Tensor]:
    return {"encoder_hidden_states": features} if _listens(block) else {}


def _listens(block: Any) -> bool:
    return getattr(block, "has_cross_attention", False)
