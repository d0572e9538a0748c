"""Lets an ONNX model return one of its inner tensors, without the ``onnx`` package (18 MB for four lines of
use).

An ONNX file is one protobuf message ``ModelProto``. Protobuf defines that when a singular message field
occurs twice, the two are merged and repeated fields inside are joined
(https://protobuf.dev/programming-guides/encoding/#last-one-wins). So the bytes of a second ``graph`` field
that holds nothing but one more ``output`` are all it takes. Field numbers are those of onnx.proto3.
"""

from __future__ import annotations

_MODEL_GRAPH = 7
_GRAPH_OUTPUT = 12
_VALUE_NAME = 1
_VALUE_TYPE = 2
_TYPE_TENSOR = 1
_TENSOR_ELEMENT = 1
_ELEMENT_FLOAT = 1

_WIRE_VARINT = 0
_WIRE_BYTES = 2


def _varint(number: int) -> bytes:
    out = bytearray()
    while number > 0x7F:
        out.append(number & 0x7F | 0x80)
        number >>= 7
    out.append(number)
    return bytes(out)


def _message(field: int, content: bytes) -> bytes:
    return _varint(field << 3 | _WIRE_BYTES) + _varint(len(content)) + content


def float_output(tensor: str) -> bytes:
    """What makes a serialized ONNX model return one more, last output when it is appended to the model.

    Args:
        tensor: the name of a float tensor inside its graph; onnxruntime refuses to load the result when there
            is none.
    """
    element = _varint(_TENSOR_ELEMENT << 3 | _WIRE_VARINT) + _varint(_ELEMENT_FLOAT)
    value = _message(_VALUE_NAME, tensor.encode()) + _message(_VALUE_TYPE, _message(_TYPE_TENSOR, element))
    return _message(_MODEL_GRAPH, _message(_GRAPH_OUTPUT, value))


def with_float_output(model: bytes, tensor: str) -> bytes:
    """A serialized ONNX model with the float tensor of this name as one more, last output."""
    return model + float_output(tensor)
