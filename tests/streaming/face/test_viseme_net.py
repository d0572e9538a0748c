import json

import numpy as np
import pytest

from streaming.errors import EngineUnavailable
from streaming.face.log_mel import log_mel
from streaming.face.viseme_net import CURVE_NAMES, METADATA_KEY, MODEL, VERSION, VisemeNet
from streaming.speech.onnx_outputs import _message

MODEL_METADATA = 14
"""Field of onnx.proto3's ModelProto."""
HEADS = [0, 40, 80, 120]


@pytest.fixture(scope="module")
def net():
    return VisemeNet()


def rows(seconds=2.0, seed=0):
    rng = np.random.default_rng(seed)
    t = np.arange(int(seconds * 24_000)) / 24_000
    voice = sum(np.sin(2 * np.pi * 140 * k * t) / k for k in range(1, 20)) * (np.sin(2 * np.pi * 3 * t) > 0)
    return log_mel((0.1 * voice + 0.001 * rng.standard_normal(len(t))).astype(np.float32))


def described_as(**metadata):
    """The model's file with other metadata: of two entries of one key the last one counts."""

    entry = _message(1, METADATA_KEY.encode()) + _message(2, json.dumps(metadata).encode())
    return MODEL.read_bytes() + _message(MODEL_METADATA, entry)


def test_the_model_is_small_and_says_what_it_is(net):
    assert MODEL.stat().st_size < 1_000_000
    assert net.look_ahead_steps == (0, 2, 4, 6)
    curves = net.open().hear(rows())
    assert curves.shape == (100, 4, len(CURVE_NAMES)) and curves.dtype == np.float32
    assert 0.0 <= curves.min() and curves.max() <= 1.0


def test_portions_give_the_same_curves(net):
    sound = rows()
    whole = net.open().hear(sound)
    for steps in (1, 2, 7):
        stream = net.open()
        parts = [stream.hear(sound[i : i + 2 * steps]) for i in range(0, len(sound), 2 * steps)]
        np.testing.assert_allclose(np.concatenate(parts), whole, atol=1e-4)


def test_streams_do_not_hear_each_other(net):
    one, two = rows(seed=1), rows(seed=2)[::-1].copy()
    alone = [net.open().hear(each) for each in (one, two)]
    first, second = net.open(), net.open()
    for i in range(0, len(one), 4):
        np.testing.assert_allclose(first.hear(one[i : i + 4]), alone[0][i // 2 : i // 2 + 2], atol=1e-4)
        np.testing.assert_allclose(second.hear(two[i : i + 4]), alone[1][i // 2 : i // 2 + 2], atol=1e-4)


def test_a_missing_model_says_what_to_do(tmp_path):
    with pytest.raises(EngineUnavailable, match=r"visemes\.onnx. Install"):
        VisemeNet(tmp_path / "visemes.onnx")


def test_what_is_no_model_is_refused(tmp_path):
    path = tmp_path / "visemes.onnx"
    path.write_bytes(b"not a network")
    with pytest.raises(EngineUnavailable, match="is not the network"):
        VisemeNet(path)


@pytest.mark.parametrize(
    "metadata",
    [
        {"version": VERSION + 1, "look_ahead_ms": HEADS, "curves": CURVE_NAMES},
        {"version": VERSION, "look_ahead_ms": [80, 0], "curves": CURVE_NAMES},
        {"version": VERSION, "look_ahead_ms": [0, 50], "curves": CURVE_NAMES},
        {"version": VERSION, "look_ahead_ms": [], "curves": CURVE_NAMES},
        {"version": VERSION, "look_ahead_ms": HEADS, "curves": CURVE_NAMES[::-1]},
    ],
)
def test_another_version_is_refused(metadata, tmp_path):
    path = tmp_path / "visemes.onnx"
    path.write_bytes(described_as(**metadata))
    with pytest.raises(EngineUnavailable, match="another version"):
        VisemeNet(path)


def test_a_model_that_says_nothing_of_itself_is_refused(tmp_path):
    path = tmp_path / "visemes.onnx"
    path.write_bytes(described_as(version="one"))
    with pytest.raises(EngineUnavailable, match="is not the network"):
        VisemeNet(path)
