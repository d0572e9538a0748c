import pytest

from precompute.musetalk.builder import MuseTalkBuilder
from precompute.musetalk.parsing import MeshParser
from server.avatar_parts import musetalk_builder, part_builders
from server.settings import load_settings
from streaming.errors import EngineUnavailable


@pytest.mark.parametrize(
    ("face", "names"),
    [
        ("atlas", []),
        ("musetalk", ["musetalk"]),
        ("musetalk,atlas", ["musetalk"]),
        ("atlas, MuseTalk", ["musetalk"]),
    ],
)
def test_avatars_get_what_the_face_engines_need(face, names):
    assert [builder.name for builder in part_builders(load_settings(face=face))] == names


def test_the_mask_is_left_to_the_avatar_unless_it_is_chosen():
    settings = load_settings()
    builder = musetalk_builder(settings)
    assert isinstance(builder, MuseTalkBuilder) and isinstance(builder.parser, MeshParser)
    assert builder.options.mode is None
    assert musetalk_builder(settings, "raw").options.mode == "raw"


def test_a_parser_that_is_not_there_is_named(tmp_path):
    with pytest.raises(EngineUnavailable, match=r"config\.json"):
        musetalk_builder(load_settings(), parser=str(tmp_path))
