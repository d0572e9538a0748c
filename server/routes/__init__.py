"""One file per protocol; each translates HTTP to the same sessions and renders."""
