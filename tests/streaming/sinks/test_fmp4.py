import io
import itertools
from collections.abc import Iterable

import av
import numpy as np
import pytest

from streaming.encoders.base import EncodedSlot
from streaming.sinks.fmp4 import Fmp4Packer
from tests.support.media import TONE_HERTZ, SlotMaker, pitch, shown_index


def mux(slots: Iterable[EncodedSlot]) -> bytes:
    packer = Fmp4Packer(192, 192)
    return b"".join(message for slot in slots for message in packer.pack(slot))


def video_times(data: bytes) -> list[tuple[int, float]]:
    with av.open(io.BytesIO(data), "r") as file:
        return [(shown_index(image), image.time or 0.0) for image in file.decode(video=0)]


def packets(data: bytes, kind: str) -> list[tuple[float, float]]:
    """Start and end of each packet in seconds."""
    with av.open(io.BytesIO(data), "r") as file:
        stream = next(stream for stream in file.streams if stream.type == kind)
        base = float(stream.time_base or 0)
        return [
            (packet.pts * base, (packet.pts + (packet.duration or 0)) * base)
            for packet in file.demux(stream)
            if packet.pts is not None
        ]


def test_a_stream_joined_late_starts_at_zero() -> None:
    data = mux(SlotMaker().run(500, 530))
    assert video_times(data) == [(500 + i, pytest.approx(i / 25)) for i in range(30)]
    assert packets(data, "audio")[:2] == [
        (0.0, pytest.approx(0.02)),
        (pytest.approx(0.02), pytest.approx(0.04)),
    ]


def test_the_sound_is_the_tone() -> None:
    with av.open(io.BytesIO(mux(SlotMaker().run(0, 50))), "r") as file:
        assert file.streams.audio[0].rate == 48_000
        pcm = np.concatenate([sound.to_ndarray()[0] for sound in file.decode(audio=0)])
    assert pitch(pcm[9600:57600], 48_000) == pytest.approx(TONE_HERTZ, abs=2)


def test_each_slot_is_one_fragment_that_needs_nothing_after_it() -> None:
    packer = Fmp4Packer(192, 192)
    counts = [len(packer.pack(slot)) for slot in SlotMaker().run(0, 4)]
    assert counts == [2, 1, 1, 1], "the initialisation segment, then a fragment each"
    packer, maker = Fmp4Packer(192, 192), SlotMaker()
    data = b"".join(packer.pack(maker.make(0)) + packer.pack(maker.make(1)))
    assert [index for index, _ in video_times(data)] == [0, 1]


@pytest.mark.parametrize("missing", [{10}, set(range(10, 40))])
def test_skipped_slots_leave_no_hole(missing: set[int]) -> None:
    maker = SlotMaker()
    data = mux(maker.make(index) for index in range(60) if index not in missing)
    for kind in ("video", "audio"):
        spans = packets(data, kind)
        assert spans[0][0] == 0
        assert spans[-1][1] == pytest.approx(60 / 25)
        assert all(a[1] == pytest.approx(b[0]) for a, b in itertools.pairwise(spans))
    times = dict(video_times(data))
    assert all(times[i] == pytest.approx(i / 25) for i in range(max(missing) + 2, 60))


def test_a_slot_without_a_frame_is_bridged_by_the_next() -> None:
    maker = SlotMaker()
    slots = list(maker.run(0, 10))
    slots[4] = EncodedSlot(4, {}, slots[4].audio, False)
    spans = packets(mux(slots), "video")
    assert len(spans) == 9
    assert spans[4] == (pytest.approx(0.16), pytest.approx(0.24))
    assert len(packets(mux(slots), "audio")) == 20


def test_nothing_comes_before_the_first_keyframe() -> None:
    maker = SlotMaker()
    maker.make(0)
    assert Fmp4Packer(192, 192).pack(maker.make(1)) == []


def test_another_avatar_size_starts_a_new_initialisation_segment() -> None:
    packer = Fmp4Packer(192, 192)
    small, large = SlotMaker(), SlotMaker(width=320, height=192)
    packer.pack(small.make(0))
    slot = large.make(1)
    assert (packer.describe(slot).width, packer.describe(slot).slot) == (320, 0)
    initial, fragment = packer.pack(slot)
    assert initial[4:8] == b"ftyp" and fragment[4:8] == b"moof"


def test_the_mime_type_names_the_real_profile() -> None:
    media = Fmp4Packer(192, 192).describe(SlotMaker().make(7))
    assert media.mime == 'video/mp4; codecs="avc1.42c01f, opus"'
    assert media.slot == 7
