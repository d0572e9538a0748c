import cv2
import numpy as np
import pytest

from benchmarks.judge.drivers import FACE, LOUDNESS
from benchmarks.judge.examine import TILE_WIDTH, Job, examine
from benchmarks.judge.film import length_of, spans_of
from benchmarks.judge.scores import score
from benchmarks.judge.sheets import COLUMNS, shown_frames, write_sheet
from benchmarks.judge.utterances import HUMAN, SILENCE, TEXT, Utterance, UtteranceSet
from streaming.speech.base import Phoneme
from streaming.timing import SPEECH_RATE


@pytest.fixture(scope="module")
def spoken():
    rng = np.random.default_rng(0)
    sounds, pcm, t = [], [], 0.0
    for symbol, loud in (
        ("_", 0),
        ("m", 0.1),
        ("ɑ", 0.5),
        ("b", 0.02),
        ("u", 0.4),
        ("p", 0.01),
        ("æ", 0.5),
        ("_", 0),
    ):
        sounds.append(Phoneme(symbol, t, t + 0.16, 1.0))
        pcm.append(loud * rng.standard_normal(round(0.16 * SPEECH_RATE)).clip(-1, 1))
        t += 0.16
    said = Utterance("a", "en", np.concatenate(pcm).astype(np.float32), tuple(sounds))
    return UtteranceSet(TEXT, (said,), timed=True)


def test_a_face_is_filmed_and_seen(spoken, tmp_path):
    keep = tmp_path / "kept.mp4"
    frames = shown_frames(spoken)
    film = examine(Job(tmp_path, "theo", FACE, spoken, frames, keep))
    spans = spans_of(spoken.utterances)
    assert keep.stat().st_size > 10_000
    assert len(film.seen.opening) == length_of(spans)
    assert set(film.tiles) == set(frames)
    assert all(tile.shape[1] == TILE_WIDTH for tile in film.tiles.values())
    scores = score(spoken, spans, film.seen, film.still_sharpness)
    assert scores.closures == 1
    assert scores.opening is not None and scores.opening > 0.8
    assert 0.2 < scores.sharpness < 2

    sheet = tmp_path / "sheets" / "text.webp"
    write_sheet(spoken, {"theo": film, "again": film}, sheet)
    picture = cv2.imread(str(sheet))
    assert picture is not None
    assert picture.shape[1] == COLUMNS * TILE_WIDTH
    assert picture[: len(picture) // 2].mean() == pytest.approx(picture[len(picture) // 2 :].mean(), abs=1)


def test_the_baseline_scores_worse(spoken, tmp_path):
    film = examine(Job(tmp_path, "theo", LOUDNESS, spoken))
    scores = score(spoken, spans_of(spoken.utterances), film.seen, film.still_sharpness)
    assert scores.opening is not None and scores.opening < 0.8
    assert not film.tiles


def test_sheets_show_rows_around_what_matters(spoken):
    frames = shown_frames(spoken)
    assert len(frames) % COLUMNS == 0
    first = spans_of(spoken.utterances)[0].first
    begin, *closures, rounded = (middle - first for middle in frames[COLUMNS // 2 :: COLUMNS])
    assert begin == 4
    assert len(set(closures)) == 2 and set(closures) <= {6, 14, 22}
    assert rounded == 18


def test_sheets_of_noise_show_every_noise():
    noises = tuple(Utterance(n, n, np.zeros(8 * SPEECH_RATE, np.float32)) for n in ("a", "b"))
    assert len(shown_frames(UtteranceSet(SILENCE, noises))) == 2 * COLUMNS
    assert HUMAN != SILENCE
