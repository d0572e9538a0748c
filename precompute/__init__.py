"""From a photo or a video to an avatar bundle: faces, mattes, repair, mouth atlas, latents."""
