# pyright: reportMissingImports=false
import pytest

pytest.importorskip("torch", reason="MuseTalk needs PyTorch, the rest of the program does not")
pytest.importorskip("diffusers", reason="diffusers is not installed")

import gc
import weakref
from collections.abc import Callable, Sequence
from contextlib import nullcontext
from typing import Any

import numpy as np
import torch
from torch.utils._python_dispatch import TorchDispatchMode

from streaming.compositor.planes import pack
from streaming.face.musetalk.model import MuseTalkModel
from streaming.face.musetalk.renderer import FaceRenderer
from streaming.gpu.placement import Placement
from tests.support.musetalk import CPU, TINY, random_model

RECT = (40, 110, 176, 144)
RECTS = (RECT, (60, 104, 128, 100), (0, 200, 256, 56), RECT)
SIZES = (1, 2, 4)
FIRST_ROWS = (104,)
Batch = tuple[list[torch.Tensor], list[torch.Tensor]]


@pytest.fixture(scope="module")
def renderer(tiny_model: MuseTalkModel) -> FaceRenderer:
    renderer = FaceRenderer(tiny_model, SIZES)
    renderer.warm_up()
    return renderer


@pytest.fixture(scope="module")
def live_model() -> MuseTalkModel:
    """Without the VAE, as live sessions have it."""
    return random_model(TINY, CPU, with_vae=False)


def batch(count: int) -> Batch:
    made = torch.Generator().manual_seed(count)
    return (
        [torch.randn(8, 32, 32, generator=made) for _ in range(count)],
        [torch.randn(50, 384, generator=made) for _ in range(count)],
    )


def difference(one: bytes | None, other: bytes | None) -> int:
    """Levels, at most."""
    assert one is not None and other is not None
    a, b = (np.frombuffer(planes, np.uint8).astype(int) for planes in (one, other))
    return int(np.abs(a - b).max())


@torch.inference_mode()
def by_hand(
    model: MuseTalkModel, latents: torch.Tensor, features: torch.Tensor, rect: Sequence[int]
) -> bytes:
    """One frame, step by step, as a picture."""
    predicted = model.unet(latents[None], features[None])
    picture = (model.taesd(predicted)[0] / 2 + 0.5).clamp(0, 1)
    pixels = (picture * 255).round().to(torch.uint8).permute(1, 2, 0).flip(2).numpy()
    x, y, width, height = rect
    return pack(np.ascontiguousarray(pixels[y : y + height, x : x + width])).tobytes()


@pytest.mark.parametrize("decoder", ["taesd", "vae"])
def test_a_batch_is_its_frames_drawn_alone(renderer: FaceRenderer, decoder: str) -> None:
    """Whatever size it is padded to, and whoever it is drawn with."""
    latents, features = batch(4)
    for count in (1, 2, 3, 4):
        together = renderer.render(latents[:count], features[:count], RECTS[:count], decoder)
        alone = [
            renderer.render([z], [heard], [rect], decoder)[0]
            for z, heard, rect in zip(latents[:count], features[:count], RECTS, strict=False)
        ]
        assert max(difference(*both) for both in zip(together, alone, strict=True)) <= 1
        assert [len(planes or b"") for planes in together] == [w * h * 3 // 2 for _, _, w, h in RECTS[:count]]


def test_a_patch_is_that_part_of_the_picture(renderer: FaceRenderer, tiny_model: MuseTalkModel) -> None:
    latents, features = batch(4)
    drawn = renderer.render(latents, features, RECTS)
    for frame, z, heard, rect in zip(drawn, latents, features, RECTS, strict=True):
        assert difference(frame, by_hand(tiny_model, z, heard, rect)) <= 1
    # Frames of one avatar share a rectangle, and take another way out of the device.
    for frame, z, heard in zip(
        renderer.render(latents, features, [RECT] * 4), latents, features, strict=True
    ):
        assert difference(frame, by_hand(tiny_model, z, heard, RECT)) <= 1


def test_rows_above_every_patch_are_not_decoded(
    renderer: FaceRenderer, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked: list[int] = []
    decode = renderer.decode
    monkeypatch.setattr(
        renderer, "decode", lambda size, row, name: (asked.append(row), decode(size, row, name))
    )
    latents, features = batch(2)
    for first, second in ((110, 112), (200, 104), (96, 150), (90, 120), (2, 200)):
        renderer.render(latents, features, [(0, first, 8, 8), (0, second, 8, 8)])
    assert asked == [104, 104, 96, 0, 0]


def test_a_frame_that_is_no_picture_spoils_no_other(renderer: FaceRenderer) -> None:
    latents, features = batch(4)
    whole = renderer.render(latents, features, [RECT] * 4)
    features[1] = torch.full_like(features[1], torch.nan)
    drawn = renderer.render(latents, features, [RECT] * 4)
    assert [frame is None for frame in drawn] == [False, True, False, False]
    assert max(difference(drawn[place], whole[place]) for place in (0, 2, 3)) <= 1
    # What it left in the buffers does not reach the next batch.
    features[1] = features[0]
    assert None not in renderer.render(latents, features, [RECT] * 4)


def test_a_network_that_draws_one_colour_draws_nothing() -> None:
    model = random_model(TINY, CPU, with_vae=False)
    model.unet.network.conv_out.weight.zero_()
    model.unet.network.conv_out.bias.zero_()
    latents, features = batch(2)
    assert FaceRenderer(model, (2,)).render(latents, features, [RECT] * 2) == [None, None]


@pytest.fixture
def card(live_model: MuseTalkModel, monkeypatch: pytest.MonkeyPatch) -> FaceRenderer:
    """A renderer that takes its device for a card with graphs, as far as that can be done without one."""
    renderer = FaceRenderer(live_model, SIZES, FIRST_ROWS)
    monkeypatch.setattr(renderer, "_device", torch.device("cuda"))

    def capture(work: Callable[[], None], _device: torch.device, _pool: None) -> Callable[[], None]:
        work()
        return work

    monkeypatch.setattr("streaming.face.musetalk.renderer.capture", capture)
    monkeypatch.setattr("streaming.face.musetalk.renderer.graph_pool", lambda _: None)
    monkeypatch.setattr(renderer, "_on_device", nullcontext)
    return renderer


def on_cpu(renderer: FaceRenderer, monkeypatch: pytest.MonkeyPatch) -> FaceRenderer:
    """What was captured, on the device where it really is."""
    monkeypatch.setattr(renderer, "_device", torch.device("cpu"))
    return renderer


def test_without_a_card_only_the_smallest_is_tried(live_model: MuseTalkModel) -> None:
    renderer = FaceRenderer(live_model, SIZES, FIRST_ROWS)
    renderer.warm_up()
    assert renderer.captured == (1,) and renderer.sizes == SIZES


def test_every_size_is_captured_before_serving(card: FaceRenderer, monkeypatch: pytest.MonkeyPatch) -> None:
    assert card.captured == ()
    card.warm_up()
    assert card.captured == SIZES == card.sizes
    latents, features = batch(3)
    captured = on_cpu(card, monkeypatch).render(latents, features, RECTS[:3])
    card._forget()
    assert card.render(latents, features, RECTS[:3]) == captured


def test_after_memory_ran_out_batches_are_smaller(
    card: FaceRenderer, monkeypatch: pytest.MonkeyPatch
) -> None:
    card.warm_up()
    card.limit(3)
    assert card.sizes == card.captured == (1, 2)
    card.limit(0)
    assert card.sizes == card.captured == (1,)
    latents, features = batch(2)
    assert len(on_cpu(card, monkeypatch).render(latents[:1], features[:1], RECTS[:1])) == 1
    with pytest.raises(ValueError, match="1 to 1 frames"):
        card.render(latents, features, RECTS[:2])


def test_sizes_that_do_not_fit_into_memory_are_left_out(
    card: FaceRenderer, monkeypatch: pytest.MonkeyPatch
) -> None:
    draw, most = card._draw, 2

    def small(size: int) -> None:
        if size > most:
            raise torch.OutOfMemoryError("CUDA out of memory")
        draw(size)

    monkeypatch.setattr(card, "_draw", small)
    card.warm_up()
    assert card.sizes == card.captured == (1, 2)
    most = 0
    # Not a single one: it goes on without graphs.
    card.limit(2)
    assert card.sizes == (1,) and card.captured == ()
    with pytest.raises(torch.OutOfMemoryError):
        card.warm_up()


def test_what_does_not_fit_is_refused(renderer: FaceRenderer) -> None:
    latents, features = batch(2)
    assert renderer.render([], [], []) == []
    with pytest.raises(ValueError, match="each with latents and features"):
        renderer.render(latents, features[:1], [RECT] * 2)
    with pytest.raises(ValueError, match="no decoder 'best'; there is taesd, vae"):
        renderer.render(latents, features, [RECT] * 2, "best")
    with pytest.raises(ValueError, match="no even rectangle"):
        renderer.render(latents, features, [RECT, (0, 3, 4, 4)])


def test_an_avatars_latents_are_brought_over_once(renderer: FaceRenderer) -> None:
    latents, features = batch(2)
    stored = np.stack([z.numpy() for z in latents]).astype(np.float16)
    stored.flags.writeable = False
    there = renderer.upload(stored)
    assert there.shape == (2, 8, 32, 32) and there.dtype is torch.float32
    drawn = renderer.render(list(there), features, [RECT] * 2)
    assert (
        max(
            difference(*both)
            for both in zip(drawn, renderer.render(latents, features, [RECT] * 2), strict=True)
        )
        <= 1
    )


class _NoLooking(TorchDispatchMode):
    """Refuses what makes the CPU wait for a number, or brings one over, which no graph can hold."""

    def __torch_dispatch__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        name = func.overloadpacket.__name__
        assert name not in ("_local_scalar_dense", "nonzero", "masked_select", "equal", "lift_fresh"), name
        return func(*args, **(kwargs or {}))


def test_a_captured_step_looks_at_no_number_and_keeps_its_buffers(renderer: FaceRenderer) -> None:
    def buffers() -> list[int]:
        return [value.data_ptr() for value in vars(renderer).values() if isinstance(value, torch.Tensor)]

    before = buffers()
    renderer.render(*batch(3), RECTS[:3])
    with torch.inference_mode(), _NoLooking():
        for size in renderer.sizes:
            renderer.draw(size)
            renderer.decode(size, 104, "taesd")
    assert buffers() == before and len(before) == 6


def test_convolutions_stay_channels_last(renderer: FaceRenderer) -> None:
    """One that is not would be turned over and back in each of them."""
    seen: list[bool] = []

    class Layouts(TorchDispatchMode):
        def __torch_dispatch__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
            if func.overloadpacket.__name__ in ("convolution", "conv2d"):
                # Rows that were left out above stay in memory between the pictures of a batch.
                row = args[0].shape[1] * args[0].shape[3]
                seen.append(args[0].stride(1) == 1 and args[0].stride(2) == row)
            return func(*args, **(kwargs or {}))

    with torch.inference_mode(), Layouts():
        renderer.draw(2)
        renderer.decode(2, 104, "taesd")
    assert len(seen) > 60 and all(seen)


def test_dropping_it_frees_the_networks() -> None:
    model = random_model(TINY, CPU, with_vae=False)
    renderer = FaceRenderer(model, (1,))
    renderer.warm_up()
    gone = weakref.ref(model.unet)
    del model, renderer
    gc.collect()
    assert gone() is None


def test_half_precision_draws_nearly_the_same() -> None:
    """On the CPU, for what can be told of it there: no number is lost, none is beside the picture."""
    latents, features = batch(1)
    whole = FaceRenderer(random_model(TINY, CPU, seed=5, with_vae=False), (1,))
    expected = whole.render(latents, features, [RECT])[0]
    model = random_model(TINY, CPU, seed=5, with_vae=False)
    half = Placement("cpu", "float16")
    rounded = MuseTalkModel(model.unet.half(), model.taesd.half(), None, model.whisper.half(), half)
    assert difference(FaceRenderer(rounded, (1,)).render(latents, features, [RECT])[0], expected) <= 3


@pytest.mark.skipif(not torch.cuda.is_available(), reason="there is no CUDA device here")
def test_replayed_graphs_draw_what_the_steps_draw() -> None:
    """Where there is a card: captured and uncaptured steps are the same steps."""
    latents, features = batch(3)
    renderer = FaceRenderer(random_model(TINY, Placement("cuda", "float16")), SIZES)
    before = renderer.render(latents, features, RECTS[:3])
    renderer.warm_up()
    after = renderer.render(latents, features, RECTS[:3])
    assert max(difference(*both) for both in zip(before, after, strict=True)) <= 2
