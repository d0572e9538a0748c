"""Judges talking avatars by rendered frames alone: ``python -m benchmarks.judge``.

Speech goes in at one end, an encoded MP4 comes out at the other; what a face mesh and the pixels of the mouth
say about its frames is held against the sounds that were really spoken. Nothing that the face engine or the
compositor knows about its own mouth takes part.
"""
