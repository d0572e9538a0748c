from pathlib import Path

import av
import numpy as np
import pytest

from precompute.errors import AvatarRejected
from precompute.matting.film import BackdropFilm, middle_square, write_backdrop
from precompute.matting.film_file import FilmWriter, read_grey
from tests.support.videos import numbered, write_video

SIZE = 96


def decoded(path: Path) -> list[np.ndarray]:
    with av.open(str(path)) as container:
        stream = container.streams.video[0]
        assert (stream.codec_context.name, stream.average_rate) == ("h264", 25)
        assert not container.streams.audio
        return [frame.to_ndarray(format="bgr24") for frame in container.decode(stream)]


def test_a_film_goes_round_without_a_jump(tmp_path: Path):
    source = write_video(tmp_path / "in.mp4", (numbered(n) for n in range(48)))
    told: list[float] = []

    film = write_backdrop(source, tmp_path / "backdrop.mp4", SIZE, progress=told.append)

    frames = decoded(tmp_path / "backdrop.mp4")
    assert len(frames) == film.frames == 48 - film.fade
    assert frames[0].shape == (SIZE, SIZE, 3)
    # It begins where its end has faded to: at the frame behind those of the fade.
    assert abs(float(frames[0].mean()) - float(numbered(film.fade).mean())) < 4.5
    levels = [float(frame.mean()) for frame in frames]
    # From 47 back to 15 in 17 frames, without a step that is larger than those of a fade.
    assert max(abs(a - b) for a, b in zip(levels, [*levels[1:], levels[0]], strict=True)) < 16
    assert not film.shortened
    assert told == sorted(told) and told[-1] <= 1


def test_only_the_beginning_of_a_long_film_is_taken(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr("precompute.matting.film.FILM_SECONDS", 2)
    source = write_video(tmp_path / "in.webm", (numbered(n // 2) for n in range(90)), codec="libvpx")

    film = write_backdrop(source, tmp_path / "backdrop.mp4", SIZE)

    assert film.frames == 50 and film.shortened
    assert "first 2.0 s" in film.lines()[0]


def test_the_middle_of_a_film_is_shown():
    picture = np.zeros((40, 100, 3), np.uint8)
    picture[:, 30:70] = 200

    assert (middle_square(picture, 20) == 200).all()


def test_what_is_no_film_is_refused_and_leaves_nothing(tmp_path: Path):
    source = tmp_path / "in.mp4"
    source.write_bytes(b"nothing" * 100)

    with pytest.raises(AvatarRejected, match="The film behind the person") as error:
        write_backdrop(source, tmp_path / "backdrop.mp4", SIZE)

    assert error.value.code == "not_a_video"
    assert list(tmp_path.iterdir()) == [source]


def test_advice_on_films_is_not_that_on_people(tmp_path: Path):
    source = write_video(tmp_path / "in.mp4", [numbered(3)] * 10)

    with pytest.raises(AvatarRejected, match="5 to 30 seconds, or a picture") as error:
        write_backdrop(source, tmp_path / "backdrop.mp4", SIZE)

    assert error.value.code == "video_too_short"


def test_a_film_says_what_became_of_it():
    picture = numbered(1)

    assert BackdropFilm(100, 25, False, picture).lines() == [
        "Behind the person: a film of 4.0 s; its last 1.0 s fade into its beginning."
    ]


def test_mattes_come_back_as_they_were(tmp_path: Path):
    ramp = np.repeat(np.linspace(0, 255, 128).astype(np.uint8)[None], 64, axis=0)
    mattes = [np.roll(ramp, 4 * n, axis=1) for n in range(6)]
    path = tmp_path / "alpha.mp4"

    with FilmWriter(path, (128, 64), crf=8, preset="medium", grey=True) as film:
        for matte in mattes:
            film.put_grey(matte)

    found = list(read_grey(path))
    assert len(found) == 6
    assert max(float(np.abs(a.astype(int) - b).mean()) for a, b in zip(found, mattes, strict=True)) < 1.0
    with av.open(str(path)) as container:
        # Players that show it take all levels for what they are.
        frame = next(container.decode(video=0))
        assert frame.color_range == 2
        assert abs(int(frame.reformat(format="gray").to_ndarray()[0, 100]) - int(mattes[0][0, 100])) <= 2


def test_a_film_that_fails_leaves_nothing(tmp_path: Path):
    with (
        pytest.raises(ZeroDivisionError),
        FilmWriter(tmp_path / "a.mp4", (64, 64), crf=20, preset="fast") as film,
    ):
        film.put(np.zeros((64, 64, 3), np.uint8))
        raise ZeroDivisionError

    assert not list(tmp_path.iterdir())
