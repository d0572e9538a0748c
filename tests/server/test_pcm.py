import numpy as np
import pytest
from starlette.requests import Request

from server.pcm import STEP_BYTES, check_type, samples
from server.problems import HTTPProblem
from streaming.audio.pcm import PcmReader


def request_of(*parts: bytes, kind: str | None = None) -> Request:
    left = list(parts)

    async def receive() -> dict[str, object]:
        return {"type": "http.request", "body": left.pop(0), "more_body": bool(left)}

    headers = [] if kind is None else [(b"content-type", kind.encode())]
    return Request({"type": "http", "method": "POST", "headers": headers}, receive)


async def test_a_body_comes_as_samples_in_steps_however_it_is_cut():
    values = np.random.default_rng(1).integers(-9000, 9000, 3 * STEP_BYTES, np.int16)
    data = values.tobytes()
    request = request_of(data[:3], b"", data[3 : 4 * STEP_BYTES], data[4 * STEP_BYTES :])
    pieces = [piece async for piece in samples(request, PcmReader("pcm_s16le", 24_000))]
    assert np.array_equal(np.concatenate(pieces), values.astype(np.float32) / 32_768)
    assert max(piece.size for piece in pieces) <= STEP_BYTES // 2 + 1


@pytest.mark.parametrize("kind", [None, "application/octet-stream", "audio/L16; rate=16000"])
def test_sound_and_bytes_may_be_pcm(kind: str | None):
    check_type(request_of(kind=kind))


@pytest.mark.parametrize("kind", ["application/json", "text/plain", "multipart/form-data"])
def test_what_cannot_be_pcm_is_told_what_to_do(kind: str):
    with pytest.raises(HTTPProblem) as caught:
        check_type(request_of(kind=kind))
    assert (caught.value.status, caught.value.code) == (415, "unsupported_media_type")
    assert "octet-stream" in caught.value.detail
