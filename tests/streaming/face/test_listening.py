import itertools
import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from streaming.face.atlas_face import AtlasFaceStream
from streaming.face.finishing import CLOSE_LIMIT, OPEN_LIMIT
from streaming.face.listening import ListeningMouth, head_for
from streaming.face.sharpening import VOICED
from streaming.slots import MouthShape
from streaming.speech.base import Phoneme, SpeechChunk
from tests.support.hearing import HEADS, SILENT, mouth, scripted

SLOT = 960
STEP = 480


def stream_of(script, look_ahead_ms=80):
    net = scripted(lambda ms, rows: script(ms))
    return AtlasFaceStream(lambda: net, look_ahead_ms)


def sound(samples, seed=0):
    rng = np.random.default_rng(seed)
    return (rng.standard_normal(samples) * 0.1).astype(np.float32)


def follow(stream, pcm, sizes=()):
    patches, at = [], 0
    for size in (*sizes, len(pcm)):
        patches += stream.push(SpeechChunk(pcm[at : at + size]))
        at = min(at + size, len(pcm))
    return patches + stream.flush()


def table(patches):
    return np.array([[getattr(p, name) for name in MouthShape.__struct_fields__] for p in patches])


def at_moments(script, look_ahead_ms=80, frames=25):
    """What is shown when the mouth follows ``script``, a function of ms."""
    return table(follow(stream_of(script, look_ahead_ms), np.zeros(frames * SLOT, np.float32)))


def bump(ms, centre, half):
    return max(0.0, 1.0 - abs(ms - centre) / half)


@pytest.mark.parametrize(
    ("asked", "taken"), [(0, 0), (39, 0), (40, 2), (80, 4), (100, 4), (120, 6), (500, 6), (-5, 0)]
)
def test_the_nearest_look_ahead_that_is_not_longer_is_taken(asked, taken):
    assert HEADS[head_for(HEADS, asked)] == taken


@pytest.mark.parametrize("look_ahead_ms", [0, 40, 80, 120])
def test_a_frame_is_out_one_step_after_its_look_ahead(look_ahead_ms):
    stream = stream_of(lambda ms: SILENT, look_ahead_ms)
    needed = look_ahead_ms * 24 + STEP
    assert stream.push(SpeechChunk(np.zeros(SLOT + needed - 1, np.float32))) == []
    assert len(stream.push(SpeechChunk(np.zeros(1, np.float32)))) == 1
    for _ in range(30):
        assert len(stream.push(SpeechChunk(np.zeros(SLOT, np.float32)))) == 1


@pytest.mark.parametrize("look_ahead_ms", [0, 40, 80, 120])
def test_frames_show_the_moment_that_the_text_driven_face_shows(look_ahead_ms):
    shown = at_moments(lambda ms: mouth(aperture=min(ms / 2000, 1.0)), look_ahead_ms, frames=30)
    # 20 ms beyond the frame's middle, so 40 ms after its start.
    expected = at_moments(lambda ms: mouth(aperture=0.5))[12, 0] * 2 * np.arange(1, 31) * 40 / 2000
    assert shown[:28, 0] == pytest.approx(expected[:28], abs=0.02)


@pytest.mark.parametrize("samples", [1, 479, 480, 959, 960, 961, 5000, 96_000])
def test_every_sound_has_all_its_frames(samples):
    assert len(follow(stream_of(lambda ms: mouth(0.3)), sound(samples))) == math.ceil(samples / SLOT)


SIZES = st.lists(st.integers(1, 4000), max_size=14)


@given(SIZES, st.integers(1, 20_000), st.sampled_from([0, 40, 80, 120]))
@settings(max_examples=40, deadline=None)
def test_any_cut_gives_the_same_patches(sizes, samples, look_ahead_ms):
    def heard(ms, rows):
        loud = float(rows[1].mean())
        return mouth(
            math.sin(loud) ** 2, math.sin(3 * loud), math.cos(5 * loud) ** 2, math.cos(7 * loud) ** 2
        )

    def stream():
        return AtlasFaceStream(lambda: scripted(heard), look_ahead_ms)

    pcm = sound(samples, seed=samples)
    whole, pieces = follow(stream(), pcm), follow(stream(), pcm, sizes)
    assert len(whole) == math.ceil(samples / SLOT)
    np.testing.assert_allclose(table(pieces), table(whole), atol=1e-6)


@pytest.mark.parametrize("centre", [400, 410, 420, 430])
def test_a_short_soft_closure_is_shown_shut(centre):
    def script(ms):
        return mouth(0.5, press=0.45 * bump(ms, centre, 40))

    shown = at_moments(script)
    shut = np.flatnonzero((shown[:, 0] < 0.01) & (shown[:, 2] == 1.0))
    assert 1 <= len(shut) <= 2
    assert min(abs(40 * (frame + 1) - centre) for frame in shut) <= 20
    assert shown[5, 0] > 0.3 and shown[15, 0] > 0.3


def test_bites_are_shown_and_press_wins():
    shown = at_moments(lambda ms: mouth(0.4, bite=0.9 * bump(ms, 400, 60)))
    assert shown[9, 3] >= 0.9 and shown[9, 0] < 0.01
    both = at_moments(lambda ms: mouth(0.4, press=bump(ms, 400, 60), bite=bump(ms, 400, 60)))
    assert both[9, 2] == 1.0 and both[9, 3] == 0.0


def test_a_hint_of_press_shuts_nothing():
    shown = at_moments(lambda ms: mouth(0.5, press=0.06, bite=0.06))
    assert shown[2:-3, 0].min() > 0.3


@pytest.mark.parametrize(("look_ahead_ms", "aperture"), [(40, 0.75), (80, 0.95), (120, 0.95)])
def test_jaws_that_must_shut_begin_in_time(look_ahead_ms, aperture):
    shown = at_moments(lambda ms: mouth(aperture, press=bump(ms, 400, 30)), look_ahead_ms)
    assert shown[9, 2] == 1.0 and shown[9, 0] < 0.01
    steps = np.diff(np.concatenate(([0.0], shown[:, 0], [0.0])))
    assert steps.max() <= OPEN_LIMIT + 1e-6 and steps.min() >= -CLOSE_LIMIT - 1e-6


def test_without_look_ahead_a_sudden_closure_comes_a_frame_late_rather_than_too_fast():
    shown = at_moments(lambda ms: mouth(0.7, press=1.0 if ms >= 400 else 0.0), look_ahead_ms=0)
    assert min(b - a for a, b in itertools.pairwise(shown[:, 0])) >= -CLOSE_LIMIT - 1e-6
    assert shown[11, 0] < 0.01 and shown[11, 2] == 1.0


def test_where_nobody_speaks_the_mouth_rests():
    shown = at_moments(lambda ms: mouth(0.4, width=0.8, tongue=0.5, voice=VOICED[0]))
    assert shown[:, [0, 2, 3, 4]].max() == 0.0 and np.abs(shown[:, 1]).max() < 0.05


def test_the_end_is_near_rest():
    shown = at_moments(lambda ms: mouth(0.9, width=-0.9, tongue=0.9), frames=30)
    assert shown[-1, 0] <= CLOSE_LIMIT and abs(shown[-1, 1]) < 0.4 and shown[-2, 0] <= 2 * CLOSE_LIMIT


def test_flicker_of_single_steps_is_smoothed_without_lag():
    steady = at_moments(lambda ms: mouth(0.4))
    shaky = at_moments(lambda ms: mouth(0.4 + (0.1 if ms // 20 % 2 else -0.1)))
    assert shaky[5:20, 0] == pytest.approx(steady[5:20, 0], abs=0.03)


def test_a_stretch_that_begins_inside_a_frame_leaves_that_frame_to_the_one_before():
    first = ListeningMouth(scripted(lambda ms, rows: mouth(0.3)), 0, start=1000)
    assert len(first.push(SpeechChunk(np.zeros(3000, np.float32)))) + len(first.finish()) == 3
    # 1000 + 3000 samples hold five slots; two of them began before.


def phonemes(samples):
    seconds = samples / 24_000
    return [Phoneme("ɑ", 0.0, seconds / 2, 1.0), Phoneme("m", seconds / 2, seconds)]


@given(st.lists(st.tuples(st.booleans(), st.integers(1, 9000)), min_size=1, max_size=8))
@settings(max_examples=60, deadline=None)
def test_speech_may_change_between_known_and_unknown_sounds(parts):
    stream = stream_of(lambda ms: mouth(0.6, 0.4))
    patches, samples = [], 0
    for known, size in parts:
        before = len(patches)
        patches += stream.push(SpeechChunk(sound(size, samples), phonemes(size) if known else ()))
        samples += size
        assert before <= len(patches) <= math.ceil(samples / SLOT)
    patches += stream.flush()
    assert len(patches) == math.ceil(samples / SLOT)
    apertures = [0.0, *(patch.aperture for patch in patches)]
    for a, b in itertools.pairwise(apertures):
        assert -CLOSE_LIMIT - 1e-6 <= b - a <= OPEN_LIMIT + 1e-6


def test_where_known_sounds_end_the_ear_takes_over_in_the_next_frame():
    stream = stream_of(lambda ms: mouth(0.0, width=-0.5))
    known = SpeechChunk(sound(12_000), [Phoneme("i", 0.0, 0.5, 1.0)])
    patches = stream.push(known) + stream.push(SpeechChunk(sound(12_000))) + stream.flush()
    assert len(patches) == 25
    assert patches[8].width > 0.5 and patches[16].width < -0.3


def test_the_network_hears_a_quiet_room_before_the_sound():
    heard = []

    def script(ms, rows):
        heard.append((ms, float(rows.mean())))
        return SILENT

    ListeningMouth(scripted(script), 0).push(SpeechChunk(sound(9600)))
    first = min(i for i, (ms, _) in enumerate(heard) if ms > 0)
    assert first >= 10 * len(HEADS)
    assert max(level for _, level in heard[:first:4]) < -20.0 < min(level for _, level in heard[first + 8 :])
