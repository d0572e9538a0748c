"""Open a session, say a text and print what happens.

Start a server (make demo), then run: python examples/speak.py "Hello there!"
LIPSTREAM_URL and LIPSTREAM_API_KEY say where another server is and how to get in.
"""

import asyncio
import os
import sys

from server.client import LipstreamClient

URL = os.environ.get("LIPSTREAM_URL", "http://127.0.0.1:8000")


async def main(text: str) -> None:
    async with LipstreamClient(URL, os.environ.get("LIPSTREAM_API_KEY")) as client:
        async with await client.create_session() as session, session.connect(format="none") as stream:
            await session.say(text)
            async for event in stream:
                sys.stdout.write(f"{event}\n")
                if getattr(event, "type", "") == "utterance.ended":
                    break


if __name__ == "__main__":
    asyncio.run(main(" ".join(sys.argv[1:]) or "Hello there! It is nice to meet you."))
