import msgspec
import pytest

from streaming.speech.profiles.manifest import (
    ProfileDetails,
    Reference,
    VoiceProfile,
    dump,
    engines_for,
    parse,
)
from tests.support.profiles import details


def profile(**changes: object) -> VoiceProfile:
    known = details(**changes)  # pyright: ignore[reportArgumentType]
    facts = {name: getattr(known, name) for name in ProfileDetails.__struct_fields__}
    return VoiceProfile(id="alan", reference=Reference("a" * 64, 100, 3.6), **facts)


def test_what_is_written_is_read():
    made = profile()
    assert parse(dump(made)) == made


@pytest.mark.parametrize(
    "changes",
    [
        {"consent": ""},
        {"consent": "yes"},
        {"consent": "I agree\nto everything"},
        {"name": ""},
        {"name": "a\x1b[31mred"},
        {"language": "English, please"},
        {"transcript": ""},
        {"transcript": "x" * 2001},
        {"owner": "not a hash"},
    ],
)
def test_what_must_not_be_is_refused(changes: dict[str, object]):
    with pytest.raises(msgspec.ValidationError):
        parse(dump(profile(**changes)))


@pytest.mark.parametrize(("key", "value"), [("format", 2), ("id", "../../etc"), ("surprise", 1)])
def test_other_versions_ids_and_fields_are_refused(key: str, value: object):
    written = msgspec.json.decode(dump(profile()))
    written[key] = value
    with pytest.raises(msgspec.ValidationError):
        parse(msgspec.json.encode(written))


def test_the_distance_from_the_noise_is_told():
    assert profile().check.signal_to_noise_db == pytest.approx(29.2)


@pytest.mark.parametrize(
    ("speech", "voices", "wanted"),
    [
        (["hibari"], [("hibari", "heart")], ()),
        (["hibari", "qwen3"], [("hibari", "heart")], ("qwen3",)),
        (["qwen3"], [("qwen3", "alan")], ("qwen3",)),
        (["qwen3"], [("qwen3", "alan"), ("qwen3", "ryan")], ()),
        ([], [], ()),
    ],
)
def test_only_models_that_clone_speak_with_profiles(
    speech: list[str], voices: list[tuple[str, str]], wanted: tuple[str, ...]
):
    assert engines_for(speech, voices, {"alan"}) == wanted
