"""The ``lipstream`` command; one file per group of commands."""
