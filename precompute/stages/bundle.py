"""What the stages made becomes an avatar in the store, once."""

from __future__ import annotations

import json
import shutil
from contextlib import suppress
from datetime import UTC, datetime

from pydantic import ValidationError

from avatars.bundle import Bundle
from avatars.digest import digest_of
from avatars.errors import AvatarError, BundleInvalid
from avatars.manifest import PART_LIMITS, AvatarDetails
from precompute.stages.base import PARTS, Desk, Stage
from precompute.stages.report import details_of, provenance_of, report_text, steps_sheet
from streaming.timing import FPS

LEFTOVER_SECONDS = 24 * 3600
"""What was being written or deleted this long ago is nobody's work any more: its process was killed."""


def find_made(desk: Desk) -> Bundle | None:
    """The avatar of this very order, if it is in the store; another one of the same id is not it."""
    # What is there and cannot be read is not this order's.
    with suppress(AvatarError, OSError, ValueError):
        bundle = desk.store.get(desk.order.avatar)
        report = json.loads(bundle.part("report.json").read_bytes())
        if isinstance(report, dict) and report.get("mark") == desk.mark:
            return bundle
    return None


def _commit(desk: Desk) -> None:
    if find_made(desk) is not None:
        # A process was killed after the avatar had appeared, and before that was noted down.
        return
    desk.store.remove_leftovers(desk.clock.wall() - LEFTOVER_SECONDS)
    with desk.store.writer(desk.order.avatar) as writer:
        for name in PART_LIMITS:
            if (path := desk.folder / PARTS / name).exists():
                shutil.copyfile(path, writer.path(name))
        writer.path("report.json").write_text(report_text(desk), encoding="utf-8")
        if (sheet := steps_sheet(desk)) is not None:
            writer.path("steps.webp").write_bytes(sheet)
        desk.progress(0.5)
        writer.commit(_details(desk))


def _details(desk: Desk) -> AvatarDetails:
    order = desk.order
    engines = ("atlas",) if (desk.folder / PARTS / "atlas.npz").exists() else ()
    known = {
        "id": order.avatar,
        "name": order.title,
        "fps": FPS,
        "created": datetime.fromtimestamp(round(desk.clock.wall()), UTC),
        "provenance": provenance_of(desk, digest_of(desk.source)),
        "engines": engines,
    }
    try:
        return AvatarDetails.model_validate(known | details_of(desk))
    except ValidationError as error:
        raise BundleInvalid(f"The avatar '{order.avatar}' does not fit together: {error}") from error


BUNDLE = Stage("bundle", "Closing the bundle", 0.03, _commit)
