"""Draws one person's mouth in any shape from a single portrait."""
