import threading

import av
import numpy as np
import pytest
from av.video.reformatter import ColorRange, Colorspace
from structlog.testing import capture_logs

from avatars.errors import BundleInvalid
from streaming.compositor import loop
from streaming.compositor.loop import LoopAssets, LoopFrames, load_frames
from streaming.compositor.planes import frame_planes, packed_size, unpack
from tests.support.loops import HEIGHT, WIDTH, gradient, loop_bundle, packed_loop, write_loop


def _load(bundle):
    return load_frames(bundle.part("idle.mp4"), bundle.manifest)


def test_a_loop_is_decoded_to_planes_that_nobody_can_write(tmp_path):
    loaded = _load(loop_bundle(tmp_path, count=7))
    frames = loaded.all()
    assert frames.shape == (7, packed_size(WIDTH, HEIGHT))
    assert np.abs(frames.astype(int) - packed_loop(7)).mean() < 1
    with pytest.raises(ValueError, match="read-only"):
        loaded[0][0] = 1
    with pytest.raises(ValueError, match="read-only"):
        LoopAssets(WIDTH, HEIGHT, loaded).picture(3).u[0, 0] = 1


def test_a_loop_that_would_not_fit_is_refused_before_it_is_read(tmp_path, monkeypatch):
    bundle = loop_bundle(tmp_path, count=7)
    monkeypatch.setattr(loop, "MAX_LOOP_BYTES", 6 * packed_size(WIDTH, HEIGHT))
    monkeypatch.setattr(loop.av, "open", None)
    with pytest.raises(BundleInvalid, match="shorter or smaller"):
        _load(bundle)


def test_half_a_minute_of_512_fits():
    assert 30 * 25 * packed_size(512, 512) <= loop.MAX_LOOP_BYTES <= 300_000_000


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"frames": 5}, "not what its manifest says"),
        ({"frames": 9}, "not what its manifest says"),
        ({"width": 64}, "not what its manifest says"),
        ({"fps": 30}, "25 are needed"),
    ],
)
def test_a_loop_must_be_what_its_manifest_says(tmp_path, changes, message):
    with pytest.raises(BundleInvalid, match=message):
        _load(loop_bundle(tmp_path, count=7, **changes))


def test_a_list_of_files_is_no_loop(tmp_path):
    bundle = loop_bundle(tmp_path, count=7)
    path = bundle.part("idle.mp4")
    path.rename(path.with_name("elsewhere.mp4"))
    path.write_text("ffconcat version 1.0\nfile elsewhere.mp4\n")
    with pytest.raises(BundleInvalid, match="cannot be played"):
        _load(bundle)


@pytest.mark.parametrize("damage", [b"", b"not a video", None])
def test_a_damaged_loop_says_so(tmp_path, damage):
    bundle = loop_bundle(tmp_path, count=7)
    path = bundle.part("idle.mp4")
    path.write_bytes(path.read_bytes()[:600] if damage is None else damage)
    with pytest.raises(BundleInvalid):
        _load(bundle)


def test_frames_far_larger_than_any_avatar_are_not_decoded(tmp_path):
    bundle = loop_bundle(tmp_path, count=1)
    side = 2400
    assert side**2 > loop.MOST_PIXELS
    with av.open(str(bundle.part("idle.mp4")), "w", format="mp4") as container:
        stream = container.add_stream("mpeg4", rate=25)
        stream.width, stream.height, stream.pix_fmt = side, side, "yuv420p"
        container.mux(stream.encode(av.VideoFrame(side, side, "yuv420p")))
        container.mux(stream.encode())
    with pytest.raises(BundleInvalid, match="cannot be played"):
        _load(bundle)


def test_a_file_without_pictures_says_so(tmp_path):
    bundle = loop_bundle(tmp_path, count=1)
    with av.open(str(bundle.part("idle.mp4")), "w", format="mp4") as container:
        stream = container.add_stream("aac", rate=48000)
        frame = av.AudioFrame.from_ndarray(np.zeros((1, 1024), np.float32), "fltp", "mono")
        frame.sample_rate = 48000
        container.mux(stream.encode(frame))
        container.mux(stream.encode(None))
    with pytest.raises(BundleInvalid, match="cannot be played"):
        _load(bundle)


def test_other_colours_are_converted(tmp_path):
    """A loop of full range looks the same as one of limited range."""
    bundle = loop_bundle(tmp_path, count=3)
    path = bundle.part("idle.mp4")
    with av.open(str(path), "w", format="mp4") as container:
        stream = container.add_stream("libx264", rate=25, options={"crf": "4"})
        stream.width, stream.height, stream.pix_fmt = WIDTH, HEIGHT, "yuvj420p"
        stream.codec_context.color_range = ColorRange.JPEG
        for n in range(3):
            picture = av.VideoFrame.from_ndarray(gradient(n), "bgr24")
            frame = picture.reformat(
                format="yuvj420p", dst_colorspace=Colorspace.ITU601, dst_color_range=ColorRange.JPEG
            )
            frame.pts = n
            container.mux(stream.encode(frame))
        container.mux(stream.encode(None))
    frames = _load(bundle).all()
    luma = unpack(frames[1], WIDTH, HEIGHT).y.astype(int)
    assert np.abs(luma - unpack(packed_loop(3)[1], WIDTH, HEIGHT).y).mean() < 2


class Decoder:
    """Gives frames when it is told to."""

    def __init__(self, count, size=(WIDTH, HEIGHT)):
        self.count, self.size, self.given, self.more = count, size, 0, threading.Semaphore(1)

    def __iter__(self):
        return self

    def __next__(self):
        if self.given == self.count:
            raise StopIteration
        self.more.acquire()
        frame = av.VideoFrame(self.size[0], self.size[1], "yuv420p")
        frame_planes(frame).put(unpack(packed_loop(self.given + 1)[-1], WIDTH, HEIGHT))
        self.given += 1
        return frame


def test_the_first_frame_is_there_at_once_and_others_are_waited_for():
    decoder = Decoder(4)
    frames = LoopFrames("vera", (WIDTH, HEIGHT), 4, decoder)
    assets = LoopAssets(WIDTH, HEIGHT, frames)
    np.testing.assert_array_equal(frames[0], packed_loop(4)[0])
    assert not assets.whole and len(frames) == 4
    found = []
    waiting = threading.Thread(target=lambda: found.append(frames[2].copy()))
    waiting.start()
    decoder.more.release()
    assert not found
    decoder.more.release()
    waiting.join(5)
    np.testing.assert_array_equal(found[0], packed_loop(4)[2])
    decoder.more.release()
    assert len(frames.all()) == 4 and assets.whole


@pytest.mark.parametrize("told", [3, 9])
def test_a_loop_that_ends_otherwise_than_it_says_stays_at_its_last_sound_frame(told):
    decoder = Decoder(6)
    with capture_logs() as logs:
        frames = LoopFrames("vera", (WIDTH, HEIGHT), told, decoder)
        decoder.more.release(6)
        frames.all()
    sound = min(told, 6)
    np.testing.assert_array_equal(frames[told - 1], packed_loop(sound)[-1])
    assert len(logs) == 1 and logs[0]["avatar"] == "vera"


def test_damage_behind_the_first_frame_is_told_and_does_not_stop_who_plays(tmp_path):
    bundle = loop_bundle(tmp_path, count=9)
    path = bundle.part("idle.mp4")
    data = bytearray(path.read_bytes())
    body = data.index(b"mdat") + 4
    end = min(data.index(b"moov"), len(data))
    data[body + (end - body) // 2 : end - 4] = bytes(end - 4 - body - (end - body) // 2)
    path.write_bytes(data)
    frames = _load(bundle)
    assert frames[8].shape == (packed_size(WIDTH, HEIGHT),) and frames.whole


def test_the_writer_of_the_tests_writes_what_was_asked_for(tmp_path):
    write_loop(tmp_path / "loop.mp4", 4)
    with av.open(str(tmp_path / "loop.mp4")) as container:
        assert len(list(container.decode(video=0))) == 4
