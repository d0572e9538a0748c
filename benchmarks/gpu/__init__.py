"""MuseTalk's faces on a card, alone and beside Qwen3-TTS: what ``make bench-gpu`` measures."""
