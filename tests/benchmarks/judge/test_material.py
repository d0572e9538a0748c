from benchmarks.judge import material
from benchmarks.judge.material import LeftOut, gather, speak
from benchmarks.judge.utterances import HUMAN, SILENCE, TEXT
from streaming.face.visemes import PRESSED
from streaming.speech.registry import build_chain


async def test_a_text_is_spoken_with_its_sounds():
    said = await speak(build_chain(material.TEXT_ENGINE), "Bob. Maybe Pam.", "a", "en")
    assert [p.symbol for p in said.phonemes if p.symbol in PRESSED] == ["b", "b", "m", "b", "p", "m"]
    assert all(a.end <= b.end for a, b in zip(said.phonemes, said.phonemes[1:], strict=False))
    assert abs(said.phonemes[-1].end - len(said.pcm) / 24_000) < 0.05


def test_what_a_deaf_face_cannot_follow_is_left_out_with_the_reason(monkeypatch):
    monkeypatch.setattr(material, "_deafness", lambda: "it cannot listen")
    sets, left_out = gather((HUMAN, SILENCE))
    assert sets == []
    assert left_out == [LeftOut(HUMAN, "it cannot listen"), LeftOut(SILENCE, "it cannot listen")]


def test_texts_need_no_listening(monkeypatch):
    monkeypatch.setattr(material, "_deafness", lambda: "it cannot listen")
    sets, left_out = gather((TEXT,))
    assert left_out == []
    assert sets[0].timed and len(sets[0].utterances) == len(material.TEXTS)
