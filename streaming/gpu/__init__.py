"""One card, several models: where they run, how much of it they may take, and whose step is next.

What is here: where networks run and how precisely (``placement``), the limit of memory (``budget``) and
giving it back (``idle``); the one thread that computes (``compute``, ``roster``), what it steps (``work``)
and in which order (``schedule``); which frames of which sessions share a batch (``batching``,
``frame_queue``); what steps cost (``costs``, ``calibration``) and how many sessions that is enough for
(``admission``).
"""
