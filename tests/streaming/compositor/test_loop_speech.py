from streaming.compositor.easing import REST_FRAMES, REST_POSE
from streaming.compositor.loop_speech import FADE_FRAMES, LoopSpeech
from streaming.slots import MouthShape

OPEN = MouthShape(0.4, 0.5)


def test_speech_fades_in_while_it_opens_the_mouth():
    speech = LoopSpeech()
    assert speech.follow(0, None) == (REST_POSE, 0.0)
    seen = [speech.follow(index, OPEN) for index in range(1, 6)]
    weights = [weight for _, weight in seen]
    assert weights[:FADE_FRAMES] == [(n + 1) / FADE_FRAMES for n in range(FADE_FRAMES)]
    assert weights[FADE_FRAMES:] == [1.0, 1.0]
    apertures = [pose.aperture for pose, _ in seen]
    assert apertures == sorted(apertures) and 0 < apertures[0] < 0.2 and apertures[-1] == 0.4


def test_silence_shuts_the_mouth_before_it_fades():
    speech = LoopSpeech()
    for index in range(10):
        speech.follow(index, OPEN)
    seen = [speech.follow(index, None) for index in range(10, 20)]
    for pose, weight in seen:
        assert weight == 1 or pose == REST_POSE
    weights = [weight for _, weight in seen]
    assert weights == sorted(weights, reverse=True)
    assert weights[REST_FRAMES + FADE_FRAMES - 1] < 1e-9


def test_pauses_within_speech_do_not_fade():
    speech = LoopSpeech()
    for index in range(10):
        speech.follow(index, OPEN)
    seen = [speech.follow(index, MouthShape()) for index in range(10, 40)]
    assert {weight for _, weight in seen} == {1.0} and seen[-1][0] == REST_POSE


def test_skipped_slots_have_had_their_time():
    speech = LoopSpeech()
    speech.follow(0, None)
    assert speech.follow(3, OPEN)[1] == 1
    speech.follow(3 + REST_FRAMES, None)
    assert speech.follow(30, None)[1] == 0
