"""The page a person opens first: plain HTML, CSS and ES modules, served as they lie here.

``index.html`` is served at ``/``; it asks for everything else under ``demo/`` (relative, so that a path
prefix in front of the server works). There is no build step, and nothing comes from another host.
"""

from pathlib import Path

ROOT: Path = Path(__file__).resolve().parent
"""The folder that holds ``index.html``, ``css/`` and ``js/``."""
