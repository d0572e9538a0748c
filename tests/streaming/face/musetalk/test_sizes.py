import hashlib
import json

import pytest

from streaming.face.musetalk import sizes
from streaming.face.musetalk.weights import CHECKSUMS


@pytest.mark.parametrize(
    ("config", "file"),
    [(sizes.UNET, ("unet", "musetalk.json")), (sizes.VAE, ("vae", "config.json"))],
)
def test_configurations_are_the_published_files_to_the_byte(
    config: sizes.Config, file: tuple[str, str]
) -> None:
    written = json.dumps(config, indent=2) + "\n"
    assert hashlib.sha256(written.encode()).hexdigest() == CHECKSUMS[file]
