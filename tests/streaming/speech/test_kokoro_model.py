from pathlib import Path

import numpy as np
import pytest

from streaming.speech.kokoro_files import find_voice, missing_packages

pytestmark = pytest.mark.skipif(bool(missing_packages()), reason="Kokoro's weights are not installed")

RATE = 24_000
GREETING = "koɲɲiʨiβa."


@pytest.fixture(scope="module")
def model():
    from streaming.speech.kokoro_model import KokoroModel

    return KokoroModel()


@pytest.fixture(scope="module")
def style():
    return find_voice(Path("/nonexistent"), "jf_alpha").load()


def test_durations_sum_to_the_sound(model, style):
    rendering = model.run(GREETING, style)
    assert rendering.steps.shape == (len(GREETING) + 2,)
    assert rendering.pcm.dtype == np.float32 and rendering.pcm.ndim == 1
    assert len(rendering.pcm) == round(float(rendering.steps.sum()) * 0.025 * RATE)
    assert 0.05 < np.abs(rendering.pcm).max() <= 1.0


def test_the_same_input_sounds_the_same(model, style):
    one, two = (model.run(GREETING, style, 1.3) for _ in range(2))
    np.testing.assert_array_equal(one.pcm, two.pcm)


def test_speed_changes_the_length(model, style):
    slow, fast = (len(model.run(GREETING, style, speed).pcm) for speed in (0.5, 2.0))
    assert slow > 2 * fast


def test_unknown_symbols_are_dropped(model):
    assert model.known("ka☃n€i.") == "kani."
