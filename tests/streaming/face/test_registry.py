import pytest

from streaming.errors import EngineUnavailable
from streaming.face.base import FaceRequest
from streaming.face.musetalk.options import MuseTalkOptions
from streaming.face.registry import build_face, statuses
from streaming.options import EngineOptions
from streaming.resources import Resources


async def test_faces_are_built_from_names():
    face = build_face(" Atlas ")
    await face.warm_up()
    assert face.name == "atlas" and face.open(FaceRequest("anyone")).look_ahead == 4


def test_unknown_names_list_what_exists():
    with pytest.raises(EngineUnavailable, match="Choose from: atlas"):
        build_face("nobody")


def test_statuses_for_doctor():
    atlas, musetalk = statuses()
    assert (atlas.name, atlas.kind, atlas.ready) == ("atlas", "face", True)
    assert (musetalk.name, musetalk.kind) == ("musetalk", "face")


def test_a_drawn_face_needs_its_packages_and_its_weights(monkeypatch, tmp_path):
    monkeypatch.setattr("streaming.face.musetalk.engine.missing", lambda: ("torch", "diffusers"))
    with pytest.raises(EngineUnavailable, match=r"torch, diffusers: pip install"):
        build_face("musetalk")
    assert build_face("musetalk,atlas").name == "atlas"
    _, status = statuses()
    assert not status.ready and status.detail == "not installed: torch, diffusers"
    monkeypatch.setattr("streaming.face.musetalk.engine.missing", lambda: ())
    options = EngineOptions(musetalk=MuseTalkOptions(folder=str(tmp_path)))
    _, status = statuses(Resources(tmp_path, options))
    assert not status.ready and "weights of unet" in status.detail
