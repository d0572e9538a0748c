import pytest

from streaming.errors import OfferRejected
from streaming.webrtc.ice import IceServer, ice_servers
from streaming.webrtc.whep import MAX_CANDIDATES, entity_tag, link_headers, parse_fragment

LINE = "1 1 udp 2122260223 192.0.2.1 54400 typ host"


def test_a_fragment_is_read() -> None:
    fragment = parse_fragment(
        "a=ice-ufrag:EsAw\r\na=ice-pwd:P2uYro0UCOQ4zxjKXaWCBui1\r\n"
        f"m=audio 9 RTP/AVP 0\r\na=mid:0\r\na=candidate:{LINE}\r\n"
        f"m=video 9 RTP/AVP 96\na=mid:v\na=candidate:{LINE}\na=end-of-candidates\n"
    )
    assert fragment.ufrag == "EsAw"
    assert [(candidate.mid, candidate.line) for candidate in fragment.candidates] == [
        ("0", LINE),
        ("v", LINE),
    ]
    assert fragment.complete


def test_an_empty_fragment_says_nothing() -> None:
    fragment = parse_fragment("")
    assert (fragment.ufrag, fragment.candidates, fragment.complete) == (None, (), False)


def test_candidates_need_a_section_and_an_end() -> None:
    with pytest.raises(OfferRejected, match="a=mid"):
        parse_fragment(f"a=mid:0\r\nm=audio 9 RTP/AVP 0\r\na=candidate:{LINE}\r\n")
    with pytest.raises(OfferRejected, match="at most"):
        parse_fragment("a=mid:0\n" + f"a=candidate:{LINE}\n" * (MAX_CANDIDATES + 1))
    with pytest.raises(OfferRejected, match="16 kB"):
        parse_fragment("a=x\n" * 5_000)


def test_link_headers_carry_credentials_of_turn_only_and_quote_them() -> None:
    headers = link_headers(
        [
            IceServer(("stun:stun.example.org",)),
            IceServer(("turn:turn.example.org?transport=udp", "turns:turn.example.org"), "me", 'pa"ss\\word'),
        ]
    )
    assert headers == [
        '<stun:stun.example.org>; rel="ice-server"',
        '<turn:turn.example.org?transport=udp>; rel="ice-server"; username="me"; '
        'credential="pa\\"ss\\\\word"; credential-type="password"',
        '<turns:turn.example.org>; rel="ice-server"; username="me"; '
        'credential="pa\\"ss\\\\word"; credential-type="password"',
    ]


def test_entity_tags_are_quoted_and_differ() -> None:
    assert entity_tag("a") == entity_tag("a") != entity_tag("b")
    assert entity_tag("a").startswith('"') and entity_tag("a").endswith('"')


def test_ice_servers_are_read_from_settings() -> None:
    servers = ice_servers(
        [{"urls": "stun:a"}, {"urls": ["turn:b?transport=tcp"], "username": "u", "credential": "c"}]
    )
    assert servers == (IceServer(("stun:a",)), IceServer(("turn:b?transport=tcp",), "u", "c"))
    native = servers[1].for_aiortc()
    assert (native.urls, native.username, native.credential) == (["turn:b?transport=tcp"], "u", "c")


@pytest.mark.parametrize(
    "entry",
    [
        {},
        {"urls": []},
        {"urls": "http://x"},
        {"urls": [3]},
        {"urls": "turn:x"},
        {"urls": ["turn:x"], "username": "u"},
    ],
)
def test_unusable_ice_servers_are_refused(entry: dict) -> None:
    with pytest.raises(ValueError, match=r"urls|credential"):
        ice_servers([entry])
