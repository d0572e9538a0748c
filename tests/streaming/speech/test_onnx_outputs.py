from pathlib import Path

import numpy as np
import onnxruntime
import pytest
from hibari.voices import voice_path

from streaming.speech.hibari_model import DURATIONS
from streaming.speech.onnx_outputs import with_float_output

MODEL = Path(voice_path("heart", download_missing=False)).read_bytes()


def open_model(model):
    options = onnxruntime.SessionOptions()
    options.log_severity_level = 4
    return onnxruntime.InferenceSession(model, options, providers=["CPUExecutionProvider"])


def test_the_tensor_becomes_the_last_output_and_the_others_stay():
    plain, patched = open_model(MODEL), open_model(with_float_output(MODEL, DURATIONS))
    assert [o.name for o in patched.get_outputs()] == [*(o.name for o in plain.get_outputs()), DURATIONS]
    inputs = {"ids": np.array([[0, 50, 83, 54, 31, 0]], np.int64), "speed": np.ones(1, np.float32)}
    before, after = plain.run(None, inputs), patched.run(None, inputs)
    for left, right in zip(before, after[:-1], strict=True):
        np.testing.assert_array_equal(np.asarray(left), np.asarray(right))
    # Two frames of 12.5 ms per step of 25 ms.
    assert np.asarray(after[-1]).sum() * 2 == np.asarray(after[0]).shape[-1]


def test_an_unknown_tensor_is_refused_by_the_runtime():
    with pytest.raises(Exception, match="nowhere"):
        open_model(with_float_output(MODEL, "/nowhere"))


def test_long_names_are_encoded():
    added = with_float_output(b"", "x" * 300)
    assert b"x" * 300 in added and len(added) > 300
