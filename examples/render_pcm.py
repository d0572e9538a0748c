"""Have the server make a film of sound while it comes, from standard input: the film is there when it ends.

Start a server (make demo), then run:
arecord -q -t raw -f S16_LE -c 1 -r 16000 -d 10 | python examples/render_pcm.py 16000 film.mp4
"""

import asyncio
import os
import sys
from collections.abc import AsyncIterator
from pathlib import Path

from server.client import LipstreamClient

URL = os.environ.get("LIPSTREAM_URL", "http://127.0.0.1:8000")
CHUNK_BYTES = 16_384


async def standard_input() -> AsyncIterator[bytes]:
    """What comes, as it comes."""
    while data := await asyncio.to_thread(os.read, sys.stdin.fileno(), CHUNK_BYTES):
        yield data


async def main(sample_rate: int, path: Path) -> None:
    async with LipstreamClient(URL, os.environ.get("LIPSTREAM_API_KEY")) as client:
        render = await client.render_pcm(standard_input(), sample_rate=sample_rate)
        done = await render.wait()
        await render.download(path)
        await render.delete()
    # The server says why, when it took less than was sent.
    sys.stderr.write(f"{path}: {done.seconds:.1f} s. {done.message or ''}\n")


if __name__ == "__main__":
    asyncio.run(main(int(sys.argv[1]), Path(sys.argv[2])))
