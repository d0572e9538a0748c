"""The HTTP face: settings, security, routes, render jobs, metrics, the command line and the Python client.

Each protocol is one file in ``routes`` that translates to the same session and the same render. Nothing
here touches media: frames and sound stay in ``streaming``.
"""
