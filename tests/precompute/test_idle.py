import av
import cv2
import numpy as np
import pytest
from av.video.reformatter import ColorRange

from precompute.idle import idle_frames, write_idle_loop, write_poster
from tests.support.atlas import HEIGHT, WIDTH, small_atlas


def test_the_loop_is_h264_of_the_right_length(tmp_path):
    path = tmp_path / "idle.mp4"
    assert write_idle_loop(small_atlas(), path, seconds=2) == 50
    with av.open(str(path)) as container:
        stream = container.streams.video[0]
        frames = list(container.decode(stream))
        assert (stream.codec_context.name, stream.average_rate) == ("h264", 25)
        assert container.duration == pytest.approx(2_000_000, abs=1000)
    assert [f.time for f in frames] == pytest.approx([k / 25 for k in range(50)])
    assert (len(frames), frames[0].format.name) == (50, "yuv420p")
    assert (frames[0].width, frames[0].height) == (WIDTH, HEIGHT)
    assert int(frames[0].color_range) == int(ColorRange.MPEG)
    drawn = next(iter(idle_frames(small_atlas(), 50))).to_ndarray().astype(int)
    assert np.abs(frames[0].to_ndarray() - drawn).mean() < 3
    assert list(tmp_path.iterdir()) == [path]


def test_the_loop_closes_and_lives():
    frames = [f.to_ndarray().astype(int) for f in idle_frames(small_atlas(), 100)]
    steps = [np.abs(a - b).mean() for a, b in zip(frames, frames[1:] + frames[:1], strict=True)]
    assert steps[-1] <= np.median(steps) * 3
    assert max(np.abs(f - frames[0]).mean() for f in frames) > 1


def test_a_failed_loop_leaves_no_file(tmp_path):
    with pytest.raises(FileNotFoundError):
        write_idle_loop(small_atlas(), tmp_path / "absent" / "idle.mp4", seconds=1)
    assert list(tmp_path.iterdir()) == []


def test_the_poster_is_the_still(tmp_path):
    smooth = np.asarray(cv2.GaussianBlur(small_atlas().still, (0, 0), 5), np.uint8)
    path = tmp_path / "poster.webp"
    write_poster(smooth, path)
    assert path.read_bytes()[8:12] == b"WEBP"
    poster = np.array(cv2.imread(str(path)), np.uint8)
    assert poster.shape == smooth.shape
    assert np.abs(poster.astype(int) - smooth).mean() < 3
