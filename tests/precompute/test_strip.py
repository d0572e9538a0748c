import cv2
import numpy as np
import pytest
import typer

from avatars.store import AvatarStore
from precompute.strip import LABEL_HEIGHT, Performance, as_picture, draw, lay_out, main, perform
from streaming.slots import MouthShape
from streaming.speech.base import Phoneme
from streaming.timing import FPS

SPOKEN = Performance(
    (Phoneme("_", 0.0, 0.05), Phoneme("m", 0.05, 0.13), Phoneme("A", 0.13, 0.30, 1.0)), (MouthShape(),) * 8
)


def test_frames_are_named_by_the_sounds_heard_in_them():
    assert [SPOKEN.sounds(i) for i in range(4)] == ["_", "_m", "m", "mA"]
    assert SPOKEN.frames_of("mbp") == [2]
    assert SPOKEN.frames_of("f") == []


def test_pictures_are_laid_out_in_rows_and_enlarged():
    pictures = [np.full((20, 30, 3), 40 * k, np.uint8) for k in range(1, 6)]
    sheet = lay_out(pictures, ["a", "b", "ʃ", "æ", "語"], columns=2, zoom=2)
    assert sheet.shape == (3 * (40 + LABEL_HEIGHT), 2 * 60, 3)
    assert (sheet[LABEL_HEIGHT + 20, 90] == 80).all()
    assert (sheet[-20, 30] == 200).all()
    assert not sheet[-20, 90].any()


def test_drawn_frames_move_with_the_patches(tmp_path):
    store = AvatarStore(tmp_path)
    closed, opened = (as_picture(draw(store, "mira", [patch])[0]) for patch in (None, MouthShape(0.4)))
    assert closed.shape == (512, 512, 3)
    assert np.abs(closed.astype(int) - opened).max() > 60


async def test_a_performance_has_a_patch_for_every_frame():
    spoken = await perform("Bob.")
    assert [p.symbol for p in spoken.phonemes if p.symbol != "_"] == ["b", "ɑ", "b"]
    assert len(spoken.patches) == int(np.ceil(round(spoken.phonemes[-1].end * FPS, 6)))
    shapes = [patch for patch in spoken.patches if isinstance(patch, MouthShape)]
    assert len(shapes) == len(spoken.patches)
    for frame in spoken.frames_of("b"):
        assert max(shape.press for shape in shapes[max(0, frame - 1) : frame + 2]) == 1


def test_the_strip_shows_the_frames_around_a_sound(tmp_path):
    out = tmp_path / "strip.png"
    options = {"frames": "", "region": "mouth", "columns": 7, "zoom": 1.0, "seed": 0}
    main("mira", out, store=tmp_path, text="Bob.", around="b", **options)
    picture = cv2.imread(str(out))
    assert picture is not None and picture.shape[1] % 7 == 0
    with pytest.raises(typer.BadParameter, match="ff"):
        main("mira", out, store=tmp_path, text="Bob.", around="ff", **options)
