import pytest
from pydantic import ValidationError

from server.ice import IceServer


def test_one_address_is_a_list_of_one():
    assert IceServer.model_validate({"urls": "stun:stun.example.org"}).urls == ["stun:stun.example.org"]


@pytest.mark.parametrize(
    ("server", "said"),
    [
        ({"urls": "https://example.org"}, "no STUN or TURN address"),
        ({"urls": []}, "at least 1"),
        ({"urls": "turn:turn.example.org"}, "username and a credential"),
        ({"urls": "turn:turn.example.org", "username": "me\r\n", "credential": "x"}, "pattern"),
    ],
)
def test_what_browsers_would_refuse_is_refused(server, said):
    with pytest.raises(ValidationError, match=said):
        IceServer.model_validate(server)


def test_a_credential_is_not_shown():
    server = IceServer(urls=["turn:turn.example.org"], username="me", credential="hidden-words")
    assert "hidden-words" not in repr(server)
