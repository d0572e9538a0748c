"""The performer: where models run. Its own process, started, watched and respawned by the media process."""
