import struct

import av

from streaming.encoders.base import EncodedSlot
from streaming.sinks.packers import WebCodecsPacker
from tests.support.media import SlotMaker, shown_index


def test_the_header_is_what_the_protocol_says() -> None:
    slot = SlotMaker().make(1_000)
    first, second, video = WebCodecsPacker(2, 2).pack(slot)
    assert struct.unpack("<BBHIQ", first[:16]) == (2, 1, 0, 1_000, 40_000_000)
    assert struct.unpack("<BBHIQ", second[:16]) == (2, 1, 0, 1_000, 40_020_000)
    assert struct.unpack("<BBHIQ", video[:16]) == (1, 1, 0, 1_000, 40_000_000)
    assert (first[16:], second[16:]) == slot.audio
    assert video[16:] == slot.video["h264"].data


def test_delta_frames_are_not_marked_as_keys() -> None:
    maker = SlotMaker()
    flags = [WebCodecsPacker(2, 2).pack(slot)[-1][1] for slot in maker.run(0, 3)]
    assert flags == [1, 0, 0]


def test_a_slot_without_a_frame_still_sounds() -> None:
    slot = SlotMaker().make(0)
    assert len(WebCodecsPacker(2, 2).pack(EncodedSlot(0, {}, slot.audio, False))) == 2


def test_the_description_comes_from_the_stream() -> None:
    media = WebCodecsPacker(2, 2).describe(SlotMaker(width=320, height=192).make(0))
    assert (media.width, media.height, media.fps) == (320, 192, 25)
    assert (media.video_codec, media.audio_codec) == ("avc1.42c01f", "opus")
    assert (media.sample_rate, media.channels) == (48_000, 1)


def test_payloads_decode() -> None:
    packer = WebCodecsPacker(2, 2)
    decoder = av.CodecContext.create("h264", "r")
    images = [
        image
        for slot in SlotMaker().run(0, 5)
        for image in decoder.decode(av.Packet(packer.pack(slot)[-1][16:]))
    ]
    images += decoder.decode(None)
    assert [shown_index(image) for image in images] == [0, 1, 2, 3, 4]
