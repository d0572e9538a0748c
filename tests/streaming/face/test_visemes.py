from streaming.face import visemes


def test_targets_are_in_range():
    for viseme in [*visemes.VOWELS.values(), *visemes.CONSONANTS.values(), visemes.UNKNOWN]:
        assert 0.0 <= viseme.aperture <= 1.0 and -1.0 <= viseme.width <= 1.0
        assert viseme.aperture_weight > 0.0 and viseme.width_weight > 0.0


def test_every_english_sound_is_known():
    known = {*visemes.VOWELS, *visemes.DIPHTHONGS, *visemes.CONSONANTS}
    assert set("AIOQWYiuæɑɒɔəɛɜɪʊʌᵊᵻbdfhjklmnpstvwzðŋɡɹɾʃʒʤʧθT") <= known
    assert not set(visemes.VOWELS) & set(visemes.CONSONANTS)
    for first, second in visemes.DIPHTHONGS.values():
        assert first in visemes.VOWELS and second in visemes.VOWELS


def test_sounds_that_look_different_are_different():
    vowels, consonants = visemes.VOWELS, visemes.CONSONANTS
    assert vowels["ɑ"].aperture > vowels["ɛ"].aperture > vowels["i"].aperture
    assert vowels["i"].width > 0.5 > -0.5 > vowels["u"].width
    assert consonants["w"].width == -1.0 and consonants["p"].aperture == 0.0
