"""A performer process with the engines of the tests: ``python -m tests.support.counting_child``."""

import argparse
import asyncio
import socket

from streaming.performer.messages import ToPerformer
from streaming.performer.server import PerformerServer
from streaming.performer.wire import Channel
from tests.support.engines import RampEngines


async def serve(descriptor: int) -> None:
    streams = await asyncio.open_unix_connection(sock=socket.socket(fileno=descriptor))
    channel: Channel[ToPerformer] = Channel(*streams, ToPerformer)
    server = PerformerServer(RampEngines(), channel)
    await server.serve()
    await channel.close()


if __name__ == "__main__":
    parser = argparse.ArgumentParser()
    parser.add_argument("--fd", type=int, required=True)
    asyncio.run(serve(parser.parse_known_args()[0].fd))
