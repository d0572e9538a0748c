"""How fast Qwen3-TTS decodes on the device at hand, with random weights of the published sizes."""
