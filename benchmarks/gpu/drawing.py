# pyright: reportMissingImports=false
"""Frames per second and the cost of each stage: the recipe's, and ours."""

from __future__ import annotations

import importlib.util
from dataclasses import dataclass, field
from functools import partial

import numpy as np
import torch

from benchmarks.gpu.memory import forget, peak_bytes
from benchmarks.gpu.recipe import FRAME, Pasting, Recipe
from benchmarks.gpu.sizes import Scale
from benchmarks.gpu.subject import RECT, babble, latents, make_part
from benchmarks.gpu.timing import Timer
from streaming.face.musetalk.audio_encoder import AudioEncoder
from streaming.face.musetalk.model import load_model
from streaming.face.musetalk.renderer import FaceRenderer
from streaming.face.musetalk.resampling import HEARING_RATE
from streaming.face.musetalk.sizes import FEATURE_SIZE, FEATURE_TOKENS
from streaming.face.musetalk.weights import MuseTalkWeights
from streaming.face.musetalk.windows import Windows
from streaming.gpu.placement import Placement
from streaming.timing import FPS

BLEND_REPEATS = 50


@dataclass(slots=True)
class RecipeCosts:
    """Seconds of the recipe; stages by batch size.

    Attributes:
        whole: from sound to pictures in their frames, for each frame.
        drawn: the same without pasting them in.
        unet: of a batch.
        decode: likewise.
        bring: likewise.
        hear: a sound, whatever its length up to 30 s.
        paste: a frame.
        peak: bytes of the card.
    """

    whole: dict[int, float] = field(default_factory=dict)
    drawn: dict[int, float] = field(default_factory=dict)
    unet: dict[int, float] = field(default_factory=dict)
    decode: dict[int, float] = field(default_factory=dict)
    bring: dict[int, float] = field(default_factory=dict)
    hear: float = 0.0
    paste: float = 0.0
    peak: int = 0


@dataclass(slots=True)
class OurCosts:
    """Seconds of ours.

    Attributes:
        whole: a batch, from latents and features to bytes, by decoder and size.
        unet: of it the UNet, by size.
        decode: of it the decoder and conversion to bytes, by decoder and size.
        hear: by number of windows.
        blend: a frame, in the process of the media; ``None`` where it cannot be done.
        peak: bytes of the card.
        load: reading the weights, and capturing everything.
    """

    whole: dict[str, dict[int, float]] = field(default_factory=dict)
    unet: dict[int, float] = field(default_factory=dict)
    decode: dict[str, dict[int, float]] = field(default_factory=dict)
    hear: dict[int, float] = field(default_factory=dict)
    blend: float | None = None
    peak: int = 0
    load: tuple[float, float] = (0.0, 0.0)


def measure_recipe(weights: MuseTalkWeights, placement: Placement, scale: Scale) -> RecipeCosts:
    """Load, measure and forget."""
    forget(placement.device)
    found = RecipeCosts()
    recipe, pasting = Recipe(weights, placement), Pasting()
    timer = Timer(placement.device, scale.repeats)
    where = {"device": placement.device, "dtype": placement.torch_dtype}
    # Noise has no pitch that a rate could change.
    sound = babble(scale.recipe_frames / FPS)[: scale.recipe_frames * HEARING_RATE // FPS]
    found.hear = timer.seconds(partial(recipe.hear, sound))
    for batch in scale.recipe_batches:
        faces = torch.from_numpy(latents(batch)).to(**where)
        features = torch.randn(batch, FEATURE_TOKENS, FEATURE_SIZE).to(**where)
        predicted = recipe.predict(faces, features)
        pictures = recipe.decode(predicted)
        found.unet[batch] = timer.seconds(partial(recipe.predict, faces, features))
        found.decode[batch] = timer.seconds(partial(recipe.decode, predicted))
        found.bring[batch] = timer.seconds(partial(recipe.bring, pictures))

        def perform(*, paste: bool, faces: torch.Tensor = faces, batch: int = batch) -> None:
            for heard in recipe.hear(sound).split(batch):
                drawn = recipe.bring(recipe.decode(recipe.predict(faces[: len(heard)], heard)))
                if paste:
                    for picture in drawn:
                        pasting.paste(picture)

        # The second run counts: the first meets a batch that is not full.
        for name, paste in (("drawn", False), ("whole", True)):
            runs = [timer.once(partial(perform, paste=paste)) for _ in range(2)]
            getattr(found, name)[batch] = runs[-1] / scale.recipe_frames
    picture = np.random.default_rng(1).integers(0, 256, (256, 256, 3), np.uint8)
    found.paste = Timer("cpu", BLEND_REPEATS).seconds(partial(pasting.paste, picture))
    found.peak = peak_bytes(placement.device)
    return found


def measure_ours(weights: MuseTalkWeights, placement: Placement, scale: Scale) -> OurCosts:
    """Load, measure and forget."""
    forget(placement.device)
    found = OurCosts()
    timer = Timer(placement.device, scale.repeats)
    loaded = []
    reading = timer.once(lambda: loaded.append(load_model(weights, placement, True)))
    model = loaded.pop()
    renderer = FaceRenderer(model, scale.batches)
    encoder = AudioEncoder(model.whisper, placement, batches=scale.windows)
    found.load = reading, timer.once(renderer.warm_up) + timer.once(encoder.warm_up)
    face = renderer.upload(latents(1))[0]
    features = torch.randn(FEATURE_TOKENS, FEATURE_SIZE).to(placement.device, placement.torch_dtype)
    first_row = max(row for row in renderer.first_rows if row <= RECT[1])
    for decoder in renderer.decoders:
        whole, decode = found.whole.setdefault(decoder, {}), found.decode.setdefault(decoder, {})
        for size in renderer.sizes:
            batch = ([face] * size, [features] * size, [RECT] * size)
            whole[size] = timer.seconds(partial(renderer.render, *batch, decoder))
            decode[size] = timer.seconds(partial(renderer.decode, size, first_row, decoder))
            found.unet.setdefault(size, timer.seconds(partial(renderer.draw, size)))
    window = Windows().push(babble(3.0))[-1]
    for count in encoder.batches:
        found.hear[count] = timer.seconds(partial(encoder.encode, [window] * count))
    found.peak = peak_bytes(placement.device)
    found.blend = blend_seconds()
    return found


def blend_seconds() -> float | None:
    """Of a drawn mouth into the still of an avatar; ``None`` without OpenCV and PyAV."""
    if importlib.util.find_spec("cv2") is None or importlib.util.find_spec("av") is None:
        return None
    from streaming.compositor.blend import PatchBlender, underlay
    from streaming.compositor.face import FaceAssets
    from streaming.compositor.planes import packed_size, unpack

    place = FaceAssets(make_part(1, *FRAME), *FRAME).place(0)
    assert place is not None

    def planes(width: int, height: int):
        return unpack(
            np.random.default_rng(0).integers(0, 256, packed_size(width, height), np.uint8), width, height
        )

    target = planes(*FRAME).window(*place.rect)
    under, patch, blender = underlay(place, planes(*FRAME)), planes(*RECT[2:]), PatchBlender()
    return Timer("cpu", BLEND_REPEATS).seconds(partial(blender.draw_still, under, patch, target))
