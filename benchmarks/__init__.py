"""What measures, with its results beside it. Timings live here and never in tests."""
