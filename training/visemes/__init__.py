"""The audio-to-viseme network: synthetic speech with known timing in, a small network out.

``python -m training.visemes`` does everything; ``--help`` lists the steps.
"""
