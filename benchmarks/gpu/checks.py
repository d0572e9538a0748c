# pyright: reportMissingImports=false
"""Whether what is fast is also right, on the card at hand: pictures held against pictures."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np
import torch

from benchmarks.gpu.memory import forget
from benchmarks.gpu.sizes import Scale
from benchmarks.gpu.subject import RECT, latents
from benchmarks.gpu_tts.subject import endless, prompt_of
from benchmarks.result import Row
from streaming.face.musetalk.model import MuseTalkModel, load_model
from streaming.face.musetalk.renderer import FaceRenderer
from streaming.face.musetalk.sizes import FEATURE_SIZE, FEATURE_TOKENS
from streaming.face.musetalk.weights import MuseTalkWeights
from streaming.gpu.budget import limit_share, release
from streaming.gpu.placement import Placement
from streaming.speech.qwen3.graphs import GraphLoop
from streaming.speech.qwen3.model import Qwen3Model

LEVELS = 2.0
"""Of 255: rounding in 16 bits, and kernels that add in another order."""
FRAMES = 12
"""Of speech."""
SHARES = (0.4, 0.15, 0.05)
"""Of the memory that drawing takes beside its weights: what a tight budget leaves of it."""

Pictures = Sequence[bytes | None]


class Faces:
    """The same faces for every check.

    Args:
        count: of frames.
    """

    def __init__(self, count: int) -> None:
        random = torch.Generator().manual_seed(0)
        self._latents = latents(count)
        self._features = torch.randn(count, FEATURE_TOKENS, FEATURE_SIZE, generator=random)

    def drawn(self, renderer: FaceRenderer, count: int, decoder: str = "taesd", first: int = 0) -> Pictures:
        """So many of them, in one batch."""
        chosen = slice(first, first + count)
        faces, features = renderer.upload(self._latents[chosen]), self._features[chosen]
        return renderer.render(list(faces), list(features.to(faces)), [RECT] * count, decoder)


def difference(left: Pictures, right: Pictures) -> tuple[float, float]:
    """Largest and mean difference in levels; 255 where one is none."""
    most, sums = 0.0, []
    for one, other in zip(left, right, strict=True):
        if one is None or other is None:
            return 255.0, 255.0
        a, b = (np.frombuffer(each, np.uint8).astype(int) for each in (one, other))
        most = max(most, float(np.abs(a - b).max()))
        sums.append(float(np.abs(a - b).mean()))
    return most, float(np.mean(sums)) if sums else 0.0


def run_checks(
    weights: MuseTalkWeights, talker: Callable[[], Qwen3Model], placement: Placement, scale: Scale
) -> list[Row]:
    """All checks; one that breaks is a row that says so.

    Args:
        weights: of MuseTalk.
        talker: makes one.
        placement: of the faces.
        scale: how much.
    """
    forget(placement.device)
    rows = _run_all(weights, talker, placement, scale)
    forget(placement.device)
    return rows


def _run_all(
    weights: MuseTalkWeights, talker: Callable[[], Qwen3Model], placement: Placement, scale: Scale
) -> list[Row]:
    model = load_model(weights, placement, True)
    renderer = FaceRenderer(model, scale.batches)
    renderer.warm_up()
    faces = Faces(max(scale.batches))
    checks: list[tuple[str, Callable[[], list[Row]]]] = [
        ("graphs", lambda: _graphs(model, renderer, faces)),
        ("pictures", lambda: _pictures(renderer, faces)),
        ("precision", lambda: _precision(weights, renderer, faces)),
        ("rows", lambda: _rows(model, renderer, faces)),
        ("padding", lambda: _padding(renderer, faces)),
        ("capture beside speech", lambda: _beside(talker(), renderer, faces)),
        # Last: what goes wrong here may take the card's context with it.
        ("scarce memory", lambda: _scarce(model, scale, faces)),
    ]
    rows: list[Row] = []
    for name, check in checks:
        try:
            rows += check()
        except Exception as error:
            rows.append(_row(f"{name} broke", 1, 0, "", f"{type(error).__name__}: {error}"[:300]))
        release()
    return rows


def _row(name: str, value: float, target: float | None = LEVELS, unit: str = "levels", note: str = "") -> Row:
    return Row(f"checks: {name}", value, unit, target, note=note)


def _compared(name: str, left: Pictures, right: Pictures, target: float | None = LEVELS) -> Row:
    most, mean = difference(left, right)
    return _row(name, most, target, note=f"the largest of all pixels; the mean is {mean:.4f}")


def _graphs(model: MuseTalkModel, renderer: FaceRenderer, faces: Faces) -> list[Row]:
    plain = FaceRenderer(model, renderer.sizes)
    return [
        _compared(
            f"captured against eager, batch {size}", faces.drawn(renderer, size), faces.drawn(plain, size)
        )
        for size in renderer.sizes
    ]


def _pictures(renderer: FaceRenderer, faces: Faces) -> list[Row]:
    rows: list[Row] = []
    for decoder in renderer.decoders:
        made = faces.drawn(renderer, renderer.sizes[-1], decoder)
        luma = [np.frombuffer(picture, np.uint8)[: RECT[2] * RECT[3]] for picture in made if picture]
        spread = float(np.mean([plane.std() for plane in luma])) if luma else 0.0
        note = f"of {len(made)}; those that came spread by {spread:.1f} levels"
        rows.append(_row(f"frames without a picture, {decoder}", len(made) - len(luma), 0, "frames", note))
    return rows


def _precision(weights: MuseTalkWeights, renderer: FaceRenderer, faces: Faces) -> list[Row]:
    device = renderer.upload(latents(1)).device
    exact = FaceRenderer(load_model(weights, Placement(str(device), "float32"), True), renderer.sizes[:2])
    count = exact.sizes[-1]
    return [
        _compared(
            f"against float32, {decoder}",
            faces.drawn(renderer, count, decoder),
            faces.drawn(exact, count, decoder),
            None,
        )
        for decoder in renderer.decoders
    ]


def _rows(model: MuseTalkModel, renderer: FaceRenderer, faces: Faces) -> list[Row]:
    whole = FaceRenderer(model, renderer.sizes, first_rows=(0,))
    size = renderer.sizes[-1]
    return [
        _compared(
            "lower rows against the whole picture", faces.drawn(renderer, size), faces.drawn(whole, size)
        )
    ]


def _padding(renderer: FaceRenderer, faces: Faces) -> list[Row]:
    count = 3 if renderer.sizes[-1] > 3 else renderer.sizes[-1]
    alone = [faces.drawn(renderer, 1, first=number)[0] for number in range(count)]
    return [_compared(f"{count} in a batch against each alone", faces.drawn(renderer, count), alone)]


def _beside(talker: Qwen3Model, renderer: FaceRenderer, faces: Faces) -> list[Row]:
    """One model is captured while the other's graphs are there: neither may notice."""
    before = faces.drawn(renderer, 1)
    loop = GraphLoop(talker, 1)
    loop.warm_up()
    rows = [_compared("faces after speech was captured", before, faces.drawn(renderer, 1))]
    said = _speak(talker, loop)
    renderer.limit(renderer.sizes[-2])
    again = _speak(talker, loop)
    rows.append(_compared("faces captured anew beside speech", before, faces.drawn(renderer, 1)))
    changed = int((said != again).any(1).sum()) if said.shape == again.shape else FRAMES
    rows.append(_row("frames of speech that changed after faces were captured", changed, 0, "frames"))
    return rows


def _speak(talker: Qwen3Model, loop: GraphLoop) -> torch.Tensor:
    stream = loop.open(prompt_of(talker), endless(FRAMES), 0)
    frames = [codes for _ in range(FRAMES) if (codes := loop.step([stream])[0]) is not None]
    stream.close()
    loop.step([stream])
    return torch.stack([codes.cpu() for codes in frames])


def _scarce(model: MuseTalkModel, scale: Scale, faces: Faces) -> list[Row]:
    """Less and less memory until not all batch sizes fit; then fewer still are asked for."""
    renderer = FaceRenderer(model, scale.batches)
    expected = faces.drawn(renderer, 1)
    device = torch.device(model.placement.device)
    note = "no limit can be set on this device"
    if device.type == "cuda":
        del renderer
        release()
        total, before = torch.cuda.get_device_properties(device).total_memory, _reserved(device)
        renderer = FaceRenderer(model, scale.batches)
        renderer.warm_up()
        needed = _reserved(device) - before
        note = f"all sizes fit, even in {SHARES[-1]:.0%} of the memory"
        for share in SHARES:
            del renderer
            release()
            limit_share(model.placement.device, (before + share * needed) / total)
            renderer = FaceRenderer(model, scale.batches)
            renderer.warm_up()
            if renderer.sizes[-1] < max(scale.batches):
                note = f"of {max(scale.batches)}, with {share:.0%} of {needed / 1e9:.2f} GB"
                break
    rows = [_row("largest batch under a tight budget", renderer.sizes[-1], None, "frames", note)]
    rows.append(_compared("faces under a tight budget", expected, faces.drawn(renderer, 1)))
    renderer.limit(renderer.sizes[0])
    rows.append(_compared("faces limited to the smallest batch", expected, faces.drawn(renderer, 1)))
    return rows


def _reserved(device: torch.device) -> int:
    return torch.cuda.memory_reserved(device)
