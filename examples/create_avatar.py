"""Make an avatar of a photo or a video, watch the steps, and have it say hello.

Start a server (make demo), then run:
python examples/create_avatar.py me.jpg "This is me, and I want it." hello.mp4
"""

import asyncio
import os
import sys
from pathlib import Path

from server.client import ApiError, JobStep, LipstreamClient

URL = os.environ.get("LIPSTREAM_URL", "http://127.0.0.1:8000")


def tell(step: JobStep) -> None:
    if step.status in ("waiting", "skipped"):
        return
    sys.stderr.write(f"\r{step.title}: {step.progress:4.0%} \x1b[K")
    if step.status != "running":
        sys.stderr.write("\n" + "".join(f"  {note}\n" for note in step.notes))


async def main(source: str, consent: str, film: Path) -> None:
    async with LipstreamClient(URL, os.environ.get("LIPSTREAM_API_KEY")) as client:
        try:
            avatar = await client.create_avatar(source, consent=consent, on_step=tell)
        except ApiError as error:
            sys.exit(f"\n{error.message}")
        except OSError as error:
            sys.exit(f"{source}: {error.strerror}")
        render = await client.create_render("Hello! This is what I look like.", avatar=avatar.id)
        await render.wait()
        await render.download(film)
    sys.stderr.write(f"{avatar.id}: {film}\n")


if __name__ == "__main__":
    asyncio.run(main(sys.argv[1], sys.argv[2], Path(sys.argv[3])))
