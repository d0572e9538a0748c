import io
import json
import logging

import structlog

from server import log


def test_ours_and_the_librarys_lines_look_alike(log_lines):
    structlog.get_logger("ours").info("hello", session="s1")
    logging.getLogger("theirs").warning("hello %s", "you")
    ours, theirs = log_lines()
    assert (ours["event"], ours["session"], ours["level"], ours["logger"]) == ("hello", "s1", "info", "ours")
    assert (theirs["event"], theirs["level"], theirs["logger"]) == ("hello you", "warning", "theirs")


def test_a_websockets_token_is_hidden(log_lines):
    logging.getLogger("uvicorn.error").info(
        '%s - "WebSocket %s" [accepted]', "1.2.3.4:5", "/v1/sessions/x/ws?format=none&token=s3cret&a=b"
    )
    (line,) = log_lines()
    assert "s3cret" not in json.dumps(line)
    assert "token=***&a=b" in line["event"]


def test_secret_fields_and_headers_are_hidden(log_lines):
    structlog.get_logger("ours").info("made", token="s3cret", header="Authorization: Bearer s3cret")
    assert "s3cret" not in json.dumps(log_lines())


def test_a_traceback_is_hidden_where_it_must_be_and_shown_where_not(log_lines):
    try:
        raise ValueError("bad address /x?token=s3cret")
    except ValueError:
        structlog.get_logger("ours").exception("failed")
    (line,) = log_lines()
    assert "ValueError" in line["exception"]
    assert "s3cret" not in json.dumps(line)


def test_on_a_console_a_traceback_shows_no_local_variables():
    stream = io.StringIO()
    log.set_up("debug", "console", stream)
    password = "s3cret" + "!"
    try:
        raise ValueError(str(len(password)))
    except ValueError:
        structlog.get_logger("ours").exception("failed")
    assert "ValueError" in stream.getvalue()
    assert "s3cret!" not in stream.getvalue()
