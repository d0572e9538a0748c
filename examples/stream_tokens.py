"""Speak a language model's tokens as they come, and show how soon the voice begins.

The tokens are a stand-in here: replace `tokens` with the stream of your model.
Start a server (make demo), then run: python examples/stream_tokens.py
"""

import asyncio
import os
import sys
from collections.abc import AsyncIterator

from server.client import LipstreamClient
from streaming.protocol import UtteranceEnded, UtteranceStarted, WordSpoken

URL = os.environ.get("LIPSTREAM_URL", "http://127.0.0.1:8000")
SECONDS_PER_TOKEN = 0.06
TEXT = (
    "This sentence is written while it is spoken. The voice begins as soon as the first clause is there, "
    "and the rest follows without a gap."
)


async def tokens() -> AsyncIterator[str]:
    for word in TEXT.split():
        await asyncio.sleep(SECONDS_PER_TOKEN)
        yield word + " "


async def main() -> None:
    async with LipstreamClient(URL, os.environ.get("LIPSTREAM_API_KEY")) as client:
        async with await client.create_session() as session, session.connect(format="none") as stream:
            speaking = asyncio.create_task(session.speak_tokens(tokens()))
            async for event in stream:
                if isinstance(event, UtteranceStarted):
                    sys.stdout.write(f"[{event.latency_ms:.0f} ms] ")
                elif isinstance(event, WordSpoken):
                    sys.stdout.write(event.text + " ")
                    sys.stdout.flush()
                elif isinstance(event, UtteranceEnded):
                    break
            await speaking
    sys.stdout.write("\n")


if __name__ == "__main__":
    asyncio.run(main())
