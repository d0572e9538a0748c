import msgspec
import pytest

from streaming.speech.profiles.check import problems, warnings
from streaming.speech.profiles.manifest import Finding
from tests.support.profiles import CHECK, WORDS


def codes(found: tuple[Finding, ...]) -> list[str]:
    return [finding.code for finding in found]


@pytest.mark.parametrize(
    ("changes", "wanted"),
    [
        ({"sent_seconds": 2.9, "seconds": 2.9}, ["too_short"]),
        ({"sent_seconds": 2.97, "seconds": 2.97, "speech_seconds": 2.5}, []),
        ({"speech_seconds": 2.4}, ["too_little_speech"]),
        ({"sent_seconds": 90.0, "seconds": 61.0}, ["too_long"]),
        ({"sent_seconds": 90.0, "seconds": 60.0}, []),
        ({"clipped_share": 0.011, "level_db": -46.0}, ["too_quiet", "clipped"]),
    ],
)
def test_bounds(changes: dict[str, float], wanted: list[str]):
    assert codes(problems(msgspec.structs.replace(CHECK, **changes))) == wanted


def test_warnings_tell_what_would_be_better():
    short = warnings(CHECK, None)
    assert codes(short) == ["short", "no_transcript"]
    long = msgspec.structs.replace(CHECK, speech_seconds=12.0, sample_rate=8000)
    assert codes(warnings(long, WORDS)) == ["narrow"]
    assert codes(warnings(msgspec.structs.replace(long, sample_rate=48_000), "Hi.")) == ["odd_transcript"]
