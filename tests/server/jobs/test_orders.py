from pathlib import Path

import msgspec

from server.jobs.orders import order_of, request_of
from streaming.render import RenderRequest
from streaming.speech.delivery import Delivery


def test_a_request_is_the_same_after_it_was_kept(tmp_path: Path):
    request = RenderRequest(
        "Hey", "theo", "heart", "en", 1.5, 7, Delivery(2.0, 0.5, 1.0), background="#102030"
    )
    kept = msgspec.json.decode(msgspec.json.encode(order_of(request, recorded=False)))
    assert request_of(kept, tmp_path) == request


def test_a_recording_is_found_beside_the_order(tmp_path: Path):
    request = request_of(order_of(RenderRequest("", "mira"), recorded=True), tmp_path)
    assert (request.audio, request.kind) == (tmp_path / "source", "audio")


def test_what_an_earlier_version_did_not_know_has_its_default(tmp_path: Path):
    assert request_of({"text": "Hello", "avatar": "mira"}, tmp_path) == RenderRequest("Hello", "mira")
