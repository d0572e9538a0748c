from datetime import UTC, datetime
from xml.etree import ElementTree

from avatars.manifest import Manifest, Part, Provenance
from streaming.credits import DIGITAL_SOURCE_TYPE, Credits, credits_of
from tests.support.bundles import details

IPTC = "{http://iptc.org/std/Iptc4xmpExt/2008-02-29/}"
DC = "{http://purl.org/dc/elements/1.1/}"
LI = "{http://www.w3.org/1999/02/22-rdf-syntax-ns#}li"


def _manifest(**provenance) -> Manifest:
    made = details("anna", provenance=Provenance(**provenance))
    part = Part(sha256="0" * 64, bytes=1)
    return Manifest(**made.model_dump(), parts={"poster.webp": part})


def test_what_the_avatar_says_of_itself_is_passed_on():
    made = datetime(2026, 11, 20, 12, 30, 5, tzinfo=UTC).timestamp()
    credits = credits_of(
        _manifest(author="Jane Roe", licence="CC-BY-4.0", consent="It is me,\nand I agree."), made
    )
    assert credits == Credits("Anna", "Jane Roe", "CC-BY-4.0", "It is me, and I agree.", made)
    assert credits.description == (
        "Avatar: Anna. Consent: It is me, and I agree. Licence: CC-BY-4.0. Author: Jane Roe."
    )
    assert credits.date == "2026-11-20"


def test_what_nobody_stated_is_left_out():
    credits = credits_of(_manifest())
    assert credits.description == "Avatar: Anna."
    assert set(credits.fields()) == {"title", "comment", "description", "avatar", "digital_source_type"}
    assert "CreateDate" not in credits.xmp()


def test_what_nobody_sees_is_left_out():
    """A NUL would end a container's field, and U+FFFE makes XMP unreadable."""
    credits = credits_of(_manifest(author="Jane\x00 \x1b[31mRoe", licence="M\ufffeIT", consent="\u202eyes"))
    assert (credits.author, credits.licence, credits.consent) == ("Jane [31mRoe", "MIT", "yes")
    packet = credits.xmp()
    ElementTree.fromstring(packet[packet.index("?>") + 2 : packet.rindex("<?")])


def test_xmp_is_well_formed_whatever_people_write():
    odd = 'a < b & "c" \x00\x1b]]> é'
    packet = Credits(odd, odd, odd, odd, 0.0).xmp()
    body = packet[packet.index("?>") + 2 : packet.rindex("<?")]
    (description,) = ElementTree.fromstring(body).iter(
        "{http://www.w3.org/1999/02/22-rdf-syntax-ns#}Description"
    )
    assert description.findtext(f"{IPTC}DigitalSourceType") == DIGITAL_SOURCE_TYPE
    assert description.findtext(f"{DC}title//{LI}") == 'a < b & "c" ]]> é speaks'
