"""What MuseTalk needs of an avatar, made once: face crops and their latents, boxes, and masks."""
