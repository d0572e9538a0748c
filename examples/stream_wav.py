"""Send a WAV file to a session as a microphone would: live PCM over its WebSocket, as fast as it is spoken.

Replace `microphone` with what you have: a microphone, a telephone call, the sound of another program.
Start a server (make demo), then run: python examples/stream_wav.py speech.wav
"""

import asyncio
import os
import sys
import wave
from collections.abc import AsyncIterator

from server.client import LipstreamClient
from streaming.protocol import Error, UtteranceEnded

URL = os.environ.get("LIPSTREAM_URL", "http://127.0.0.1:8000")
CHUNK_SECONDS = 0.02


async def microphone(file: wave.Wave_read) -> AsyncIterator[bytes]:
    """20 ms at a time, at the pace of a clock: a sleep that came out longer is made up for by the next."""
    loop = asyncio.get_running_loop()
    due = loop.time()
    while samples := file.readframes(round(file.getframerate() * CHUNK_SECONDS)):
        due += CHUNK_SECONDS
        await asyncio.sleep(due - loop.time())
        yield samples


async def main(path: str) -> None:
    with wave.open(path, "rb") as file:
        if (file.getnchannels(), file.getsampwidth()) != (1, 2):
            sys.exit("This sends 16-bit mono as it is. Other files go whole: session.say_audio(Path(...)).")
        async with LipstreamClient(URL, os.environ.get("LIPSTREAM_API_KEY")) as client:
            async with await client.create_session() as session, session.connect(format="none") as stream:
                rate = file.getframerate()
                sending = asyncio.create_task(
                    stream.stream_pcm(microphone(file), sample_rate=rate, live=True)
                )
                async for event in stream:
                    sys.stdout.write(f"{event}\n")
                    if isinstance(event, UtteranceEnded | Error):
                        break
                await sending


if __name__ == "__main__":
    asyncio.run(main(sys.argv[1]))
