"""One card, several models: where they run, how much memory they may take, and whose step is next."""
