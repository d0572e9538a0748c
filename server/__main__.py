"""``python -m server`` is the ``lipstream`` command."""

from server.cli.main import app

app()
