"""Finds where a matte bit into clothing, and mends it."""
