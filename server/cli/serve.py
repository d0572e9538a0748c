"""``lipstream serve``: the HTTP server."""

from __future__ import annotations

import socket
from typing import Annotated

import typer
import uvicorn

from server import log
from server.cli.common import err, fail, settings_or_exit
from server.settings import Settings
from streaming.protocol import MAX_MESSAGE_BYTES

GRACEFUL_SECONDS = 5
BACKLOG = 512


def serve(
    host: Annotated[
        str | None, typer.Option(help="Address to listen on; 0.0.0.0 opens it to the network.")
    ] = None,
    port: Annotated[int | None, typer.Option(help="Port to listen on.", min=1, max=65_535)] = None,
) -> None:
    """Start the server and print its address."""
    settings = settings_or_exit(host=host, port=port)
    log.set_up(settings.log_level, settings.log_format)
    try:
        settings.data_dir.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        fail(f"the data folder cannot be made ({error}). Set LIPSTREAM_DATA_DIR to another one.")
    listener = _listen(settings)
    shown = "127.0.0.1" if settings.host in {"0.0.0.0", "::"} else settings.host
    shown = f"[{shown}]" if ":" in shown else shown
    console = err()
    console.print(
        f"Lipstream is at [bold]http://{shown}:{settings.port}[/bold] (API: /docs). Ctrl-C stops it."
    )
    if settings.open_to_network and settings.api_key is None:
        console.print(
            "[yellow]Anybody on the network can use it; LIPSTREAM_API_KEY keeps it to yourself.[/yellow]"
        )
    uvicorn.Server(server_config(settings)).run(sockets=[listener])


def server_config(settings: Settings) -> uvicorn.Config:
    """How uvicorn runs the application: our logs instead of its own, no compression of media."""
    from server.app import create_app

    return uvicorn.Config(
        create_app(settings),
        host=settings.host,
        port=settings.port,
        ws="websockets-sansio",
        ws_max_size=MAX_MESSAGE_BYTES,
        ws_per_message_deflate=False,
        log_config=None,
        access_log=False,
        server_header=False,
        timeout_graceful_shutdown=GRACEFUL_SECONDS,
    )


def _listen(settings: Settings) -> socket.socket:
    family = socket.AF_INET6 if ":" in settings.host else socket.AF_INET
    listener = socket.socket(family, socket.SOCK_STREAM)
    listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        listener.bind((settings.host, settings.port))
        listener.listen(BACKLOG)
    except OSError as error:
        listener.close()
        fail(
            f"{settings.host}:{settings.port} cannot be used ({error.strerror or error}). "
            "Stop what listens there, or choose another port with --port or LIPSTREAM_PORT."
        )
    return listener
