"""Gives avatars their part for MuseTalk, and does nothing where it is up to date."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import asdict, dataclass, field, replace
from typing import Protocol

from avatars.errors import BundleInvalid
from avatars.musetalk import MuseTalkPart, fingerprint
from avatars.store import AvatarStore
from precompute.landmarks import FaceFinder
from precompute.musetalk.build import DEFAULT_MODE, BuildOptions, LatentEncoder, build_part
from precompute.musetalk.parsing import FaceParser, MeshParser
from precompute.parts import Progress


class EncoderSource(Protocol):
    """Where the VAE comes from; loaded when something is to be encoded, and not before."""

    def identity(self) -> str:
        """Names the weights, by their checksum or commit.

        Raises:
            EngineUnavailable: packages or weights are missing; the message says what to install.
        """
        ...

    def open(self) -> LatentEncoder:
        """Load it.

        Raises:
            EngineUnavailable: packages or weights are missing; the message says what to install.
        """
        ...


@dataclass
class MuseTalkBuilder:
    """Builds the part for MuseTalk; see :class:`precompute.parts.PartBuilder`. Not for two threads at once.

    Args:
        source: of the VAE; loaded once for all avatars.
        options: how the part is built.
        parser: finds the regions that masks are made of.
        finder: makes the face networks.
    """

    source: EncoderSource
    options: BuildOptions = field(default_factory=BuildOptions)
    parser: FaceParser = field(default_factory=MeshParser)
    finder: Callable[[], FaceFinder] = FaceFinder
    _encoder: LatentEncoder | None = field(default=None, init=False, repr=False)

    @property
    def name(self) -> str:
        """The engine that uses the part."""
        return "musetalk"

    def build(
        self, store: AvatarStore, avatar: str, *, force: bool = False, progress: Progress | None = None
    ) -> bool:
        """See :meth:`precompute.parts.PartBuilder.build`."""
        report = progress or _silent
        bundle = store.get(avatar)
        found = self._found(store, avatar)
        mode = self.options.mode or (found.mask_mode if found else DEFAULT_MODE)
        options = replace(self.options, mode=mode)
        method = self._method(options)
        if not force and found is not None and found.fingerprint == fingerprint(bundle.manifest, method):
            return False
        report("Loading the network", 0.0)
        if self._encoder is None:
            self._encoder = self.source.open()
        part = build_part(bundle, self._encoder, self.parser, self.finder, options, method, report)
        store.put_musetalk(avatar, part)
        return True

    def _method(self, options: BuildOptions) -> str:
        known = {"parser": self.parser.identity, "weights": self.source.identity()}
        return json.dumps(asdict(options) | known, sort_keys=True)

    def _found(self, store: AvatarStore, avatar: str) -> MuseTalkPart | None:
        try:
            found = store.find_musetalk(avatar)
        except BundleInvalid:
            # The avatar itself is sound, so it is the part that is damaged.
            return None
        return None if found is None else found.part


def _silent(step: str, done: float) -> None:
    pass
