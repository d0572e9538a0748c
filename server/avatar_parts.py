"""What the settings ask avatars to be ready for."""

from __future__ import annotations

from avatars.musetalk import MaskMode
from precompute.musetalk.build import BuildOptions
from precompute.musetalk.builder import MuseTalkBuilder
from precompute.musetalk.parsing import FaceParser, MeshParser
from precompute.musetalk.segformer import SegformerParser
from precompute.musetalk.vae_source import VaeSource
from precompute.parts import PartBuilder
from server.settings import Settings

MUSETALK = "musetalk"


def part_builders(settings: Settings) -> tuple[PartBuilder, ...]:
    """Builders of what the face engines of the settings need besides the mouth atlas; nothing is loaded."""
    wanted = {name.strip().lower() for name in settings.face.split(",")}
    return (musetalk_builder(settings),) if MUSETALK in wanted else ()


def musetalk_builder(settings: Settings, mode: MaskMode | None = None, parser: str = "") -> MuseTalkBuilder:
    """The builder of the part for MuseTalk.

    Args:
        settings: where its weights are, and the device.
        mode: which part of the drawn face shows; ``None``: as the avatar has it already.
        parser: a SegFormer that finds the regions of a face: a folder, or a repository of the hub; empty:
            they come from the face mesh.

    Raises:
        EngineUnavailable: the parser cannot be loaded here.
    """
    options = settings.engine_options.musetalk
    regions: FaceParser = SegformerParser(parser, options.device) if parser else MeshParser()
    return MuseTalkBuilder(VaeSource(options), BuildOptions(mode=mode), regions)
