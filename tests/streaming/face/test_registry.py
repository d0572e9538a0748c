import pytest

from streaming.errors import EngineUnavailable
from streaming.face.base import FaceRequest
from streaming.face.registry import build_face, statuses


async def test_faces_are_built_from_names():
    face = build_face(" Atlas ")
    await face.warm_up()
    assert face.name == "atlas" and face.open(FaceRequest("anyone")).look_ahead == 4


def test_unknown_names_list_what_exists():
    with pytest.raises(EngineUnavailable, match="Choose from: atlas"):
        build_face("nobody")


def test_statuses_for_doctor():
    assert [(s.name, s.kind, s.ready) for s in statuses()] == [("atlas", "face", True)]
