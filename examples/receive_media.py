"""Write what a WebSocket viewer receives to an MP4 file, without decoding anything.

Start a server (make demo), then run: python examples/receive_media.py "Hello there!" seen.mp4
"""

import asyncio
import os
import sys
from fractions import Fraction

import av
from av.stream import Stream as Track

from server.client import LipstreamClient, MediaPacket, Stream
from streaming.protocol import MediaFormat, UtteranceEnded

URL = os.environ.get("LIPSTREAM_URL", "http://127.0.0.1:8000")
MICROSECOND = Fraction(1, 1_000_000)


async def record(stream: Stream, path: str) -> None:
    """From the first keyframe until the utterance has ended."""
    start: int | None = None
    tracks: dict[str, Track] = {}
    with av.open(path, "w", format="mp4") as container:
        async for message in stream:
            if isinstance(message, UtteranceEnded):
                return
            if isinstance(message, MediaFormat) and not tracks:
                video = container.add_stream("h264", rate=message.fps)
                video.width, video.height = message.width, message.height
                tracks["video"] = video
                tracks["audio"] = container.add_stream("opus", rate=message.sample_rate, layout="mono")
            if not isinstance(message, MediaPacket):
                continue
            start = message.timestamp if start is None else start
            packet = av.Packet(message.data)
            packet.stream = tracks[message.kind]
            packet.time_base = MICROSECOND
            packet.pts = packet.dts = message.timestamp - start
            packet.is_keyframe = message.keyframe
            container.mux(packet)


async def main(text: str, path: str) -> None:
    async with LipstreamClient(URL, os.environ.get("LIPSTREAM_API_KEY")) as client:
        async with await client.create_session() as session, session.connect() as stream:
            await session.say(text)
            await record(stream, path)


if __name__ == "__main__":
    asyncio.run(main(sys.argv[1], sys.argv[2]))
