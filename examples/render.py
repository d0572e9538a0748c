"""Have the server render an MP4 file, with captions beside it.

Start a server (make demo), then run: python examples/render.py "Hello there!" hello.mp4
"""

import asyncio
import os
import sys
from pathlib import Path

from server.client import LipstreamClient

URL = os.environ.get("LIPSTREAM_URL", "http://127.0.0.1:8000")


async def main(text: str, path: Path) -> None:
    async with LipstreamClient(URL, os.environ.get("LIPSTREAM_API_KEY")) as client:
        render = await client.create_render(text)
        await render.wait(lambda progress: sys.stderr.write(f"\r{progress:4.0%} "))
        await render.download(path)
        path.with_suffix(".vtt").write_text(await render.captions(), encoding="utf-8")
        await render.delete()
    sys.stderr.write(f"\n{path}\n")


if __name__ == "__main__":
    asyncio.run(main(sys.argv[1], Path(sys.argv[2])))
