"""The live core: slots and clock, session, performer, engines, encoders, sinks.

Everything follows one line: script -> speech -> face -> slots -> sink. A live session and an MP4
render run the same line; only the sink and the pacing differ. Nothing here knows of HTTP.
"""
