"""What every exported film says about itself, for people and for machines."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime
from xml.sax.saxutils import escape

from avatars.manifest import NOT_STATED, Manifest
from streaming.version import program_version

DIGITAL_SOURCE_TYPE = "http://cv.iptc.org/newscodes/digitalsourcetype/compositeSynthetic"
"""IPTC's term for a composite of elements of which at least one comes from a generative model.

A film here is one: a picture of a person, and speech or lips that a trained network made. Where all of a
picture comes from a network, ``trainedAlgorithmicMedia`` would say so, but nobody knows that of a photo.
"""
COMMENT = f"Synthetic speech and picture, made with Lipstream {program_version()}"
_NAMESPACES = {
    "dc": "http://purl.org/dc/elements/1.1/",
    "xmp": "http://ns.adobe.com/xap/1.0/",
    "xmpRights": "http://ns.adobe.com/xap/1.0/rights/",
    "Iptc4xmpExt": "http://iptc.org/std/Iptc4xmpExt/2008-02-29/",
}


@dataclass(frozen=True, slots=True)
class Credits:
    """Whom a film shows, and when it was made.

    Attributes:
        avatar: the avatar's name.
        author: who made what the avatar was made from; empty where nobody said, as in all that follow.
        licence: of the avatar.
        consent: who agreed to it, and how.
        created: unix seconds; ``None`` leaves the date out.
    """

    avatar: str
    author: str = ""
    licence: str = ""
    consent: str = ""
    created: float | None = None

    @property
    def title(self) -> str:
        """Of the film."""
        return f"{self.avatar} speaks"

    @property
    def description(self) -> str:
        """All that is known, in a line."""
        said = (("Consent", self.consent), ("Licence", self.licence), ("Author", self.author))
        known = [f"{name}: {value.rstrip('.')}." for name, value in said if value]
        return " ".join([f"Avatar: {self.avatar}.", *known])

    @property
    def date(self) -> str:
        """ISO 8601, in UTC; empty without one. To the day, for which the same film is the same file."""
        return "" if self.created is None else datetime.fromtimestamp(self.created, UTC).strftime("%Y-%m-%d")

    @property
    def rights(self) -> str:
        """Who made the avatar, and under which licence."""
        return ", ".join(part for part in (self.author, self.licence) if part)

    def fields(self) -> dict[str, str]:
        """Everything by name; what is not known is left out."""
        fields = {
            "title": self.title,
            "comment": COMMENT,
            "description": self.description,
            "avatar": self.avatar,
            "author": self.author,
            "licence": self.licence,
            "consent": self.consent,
            "created": self.date,
            "digital_source_type": DIGITAL_SOURCE_TYPE,
        }
        return {name: value for name, value in fields.items() if value}

    def xmp(self) -> str:
        """The same as an XMP packet (ISO 16684-1), with IPTC's digital source type."""
        parts = [
            _localized("dc:title", self.title),
            _localized("dc:description", f"{COMMENT}. {self.description}"),
            _localized("dc:rights", self.rights),
            _localized("xmpRights:UsageTerms", self.consent),
            _plain("xmp:CreatorTool", f"Lipstream {program_version()}"),
            _plain("xmp:CreateDate", self.date),
            _plain("Iptc4xmpExt:DigitalSourceType", DIGITAL_SOURCE_TYPE),
        ]
        names = " ".join(f'xmlns:{name}="{address}"' for name, address in _NAMESPACES.items())
        return (
            '<?xpacket begin="\ufeff" id="W5M0MpCehiHzreSzNTczkc9d"?>'
            '<x:xmpmeta xmlns:x="adobe:ns:meta/"><rdf:RDF xmlns:rdf="http://www.w3.org/1999/02/22-rdf-syntax-ns#">'
            f'<rdf:Description rdf:about="" {names}>{"".join(parts)}</rdf:Description>'
            '</rdf:RDF></x:xmpmeta><?xpacket end="r"?>'
        )


def credits_of(manifest: Manifest, created: float | None = None) -> Credits:
    """What is known of an avatar.

    Args:
        manifest: of the avatar.
        created: when the film is made, in unix seconds.
    """
    made = manifest.provenance
    author, licence, consent = (
        "" if line == NOT_STATED else _tidy(line) for line in (made.author, made.licence, made.consent)
    )
    return Credits(_tidy(manifest.name), author, licence, consent, created)


def _tidy(text: str) -> str:
    """In one line, without what nobody sees: a NUL ends a field, and XML cannot hold them all."""
    seen = "".join(" " if c.isspace() else c for c in text if c.isspace() or c.isprintable())
    return " ".join(seen.split())


def _plain(name: str, value: str) -> str:
    return f"<{name}>{_escaped(value)}</{name}>" if value else ""


def _localized(name: str, value: str) -> str:
    if not value:
        return ""
    return f'<{name}><rdf:Alt><rdf:li xml:lang="x-default">{_escaped(value)}</rdf:li></rdf:Alt></{name}>'


def _escaped(value: str) -> str:
    # XML has no way to write the other control characters.
    return escape("".join(c for c in value if c >= " " or c in "\t\n"))
