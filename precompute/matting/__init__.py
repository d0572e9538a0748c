"""Separates a person from the background, and puts another background behind."""
