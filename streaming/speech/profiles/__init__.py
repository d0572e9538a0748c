"""Voices of real people: a folder each, with a checked reference recording, its facts, and consent."""
