"""``lipstream doctor``: what is ready, what is missing, and the command that helps."""

from __future__ import annotations

import asyncio
import os
import shutil
import socket
import sys
import tempfile
from dataclasses import dataclass
from pathlib import Path

import typer
from rich.markup import escape
from rich.table import Table

from avatars.errors import AvatarError
from server.cli.common import EXIT_FAILED, out, quiet_log, settings_or_exit
from server.settings import Settings
from server.version import program_version
from streaming.errors import LipstreamError

MIN_FREE_BYTES = 1 << 30
MARKS = {"ready": "[green]ready[/green]", "missing": "[red]missing[/red]", "optional": "[dim]not here[/dim]"}


@dataclass(frozen=True, slots=True)
class Finding:
    """One line of the table.

    Attributes:
        part: what was looked at.
        ready: whether it works.
        needed: whether the program cannot do without it, as it is set up.
        detail: what was found.
        help: what makes it ready.
    """

    part: str
    ready: bool
    needed: bool
    detail: str
    help: str = ""

    @property
    def mark(self) -> str:
        """Ready, missing or optional, in colour."""
        return MARKS["ready" if self.ready else "missing" if self.needed else "optional"]


def doctor() -> None:
    """Look at engines, encoders, avatars, data folder and port. Exit code 1 when something is missing."""
    settings = settings_or_exit()
    quiet_log(settings)
    findings = [
        Finding("program", True, True, f"lipstream {program_version()}, Python {sys.version.split()[0]}"),
        *_engines(settings),
        _performer(_without_what_is_missing(settings)),
        *_encoders(),
        _avatar(settings),
        _photos(),
        _backgrounds(),
        *_repairs(),
        _data_dir(settings),
        _port(settings),
    ]
    table = Table("Part", "")
    # Folded, as half a command helps nobody.
    for title in ("What was found", "What helps"):
        table.add_column(title, overflow="fold")
    for finding in findings:
        table.add_row(escape(finding.part), finding.mark, escape(finding.detail), escape(finding.help))
    out().print(table)
    if any(finding.needed and not finding.ready for finding in findings):
        raise typer.Exit(EXIT_FAILED)


def _engines(settings: Settings) -> list[Finding]:
    from streaming.face import registry as face
    from streaming.speech import registry as speech

    # Of the default chain, what is not installed is passed over; what somebody names is meant.
    named = settings.speech if settings.speech != speech.DEFAULT_CHAIN else ""
    wanted = {name.strip().lower() for name in (*settings.face.split(","), *named.split(","))}
    return [
        Finding(
            f"{status.kind} {status.name}",
            status.ready,
            status.name in wanted,
            status.detail,
            status.install,
        )
        for status in (*speech.statuses(settings.resources), *face.statuses(settings.resources))
    ]


def _without_what_is_missing(settings: Settings) -> Settings:
    """The settings without engines that are not ready: the server would fetch gigabytes for them, or wait."""
    from streaming.face import registry as face
    from streaming.speech import registry as speech

    statuses = (*speech.statuses(settings.resources), *face.statuses(settings.resources))
    missing = {(status.kind, status.name) for status in statuses if not status.ready}
    chains = {
        kind: ",".join(name for name in chain.split(",") if (kind, name.strip().lower()) not in missing)
        for kind, chain in (("speech", settings.speech), ("face", settings.face))
    }
    return settings.model_copy(update=chains)


def _performer(settings: Settings) -> Finding:
    """Start the models as the server would."""
    for kind, chain in (("speech", settings.speech), ("face", settings.face)):
        if not chain:
            return Finding("performer", False, True, f"not tried: no {kind} engine is ready", "See above.")

    from server.state import performer_config
    from streaming.performer.base import PerformerDescription
    from streaming.performer.local import LocalPerformer

    async def start() -> PerformerDescription:
        performer = LocalPerformer(performer_config(settings))
        try:
            await performer.start()
            return await performer.describe()
        finally:
            await performer.close()

    try:
        description = asyncio.run(start())
    except LipstreamError as error:
        return Finding("performer", False, True, error.message, "Check LIPSTREAM_SPEECH and LIPSTREAM_FACE.")
    speech = ", ".join(description.speech)
    detail = f"{speech} with {description.face} on {description.device}; {len(description.voices)} voices"
    if description.card is not None:
        detail += f"; {description.card.plan}"
    return Finding("performer", True, True, detail)


def _encoders() -> list[Finding]:
    from streaming.encoders.probe import works

    x264, nvenc = works("libx264"), works("h264_nvenc")
    reinstall = "" if x264 else "pip install --force-reinstall av"
    return [
        Finding("encoder libx264", x264, True, "H.264 on the CPU", reinstall),
        Finding("encoder h264_nvenc", nvenc, False, "H.264 on an NVIDIA card that has an encoder"),
    ]


def _avatar(settings: Settings) -> Finding:
    from avatars.store import AvatarStore

    try:
        bundle = AvatarStore(settings.avatars_dir).get(settings.avatar)
    except AvatarError as error:
        return Finding(f"avatar {settings.avatar}", False, True, error.message, "lipstream avatar list")
    manifest = bundle.manifest
    return Finding(
        f"avatar {settings.avatar}", True, True, f"{manifest.name}, {manifest.width}x{manifest.height}"
    )


def _photos() -> Finding:
    from precompute.landmarks import FaceFinder

    try:
        FaceFinder()
    except LipstreamError as error:
        return Finding("avatars from photos", False, False, "the face models are missing", error.message)
    return Finding("avatars from photos", True, False, "face detection and face mesh on the CPU")


def _backgrounds() -> Finding:
    """What tells a person from the background."""
    from precompute.matting.models import SMALLEST, is_installed, models_here
    from precompute.matting.modnet import NAME
    from precompute.matting.rembg_model import INSTALL

    if not is_installed():
        return Finding("other backgrounds", False, False, "rembg is not installed", INSTALL)
    here = models_here()
    detail = f"models here: {', '.join(here)}" if here else f"{SMALLEST} is fetched when it is first used"
    better = "" if NAME in here else f"--matting {NAME} fetches a better model once (26 MB)"
    return Finding("other backgrounds", True, False, detail, better)


def _repairs() -> list[Finding]:
    """What draws clothing that was lost; OpenCV always can."""
    from importlib.util import find_spec

    from precompute.repair.lama import INSTALL_LAMA, LamaInpainter

    torch, package = find_spec("torch") is not None, find_spec("simple_lama_inpainting") is not None
    if lama := os.environ.get("LAMA_MODEL", ""):
        there = Path(lama).is_file() or Path(lama, LamaInpainter.FILE).is_file()
        found = lama if there else f"LAMA_MODEL names {lama}, which is not there"
    else:
        there, found = package, "its weights are fetched when it is first used"
    ready = torch and there
    migan = os.environ.get("MIGAN_MODEL", "")
    drawn = bool(migan) and Path(migan).is_file()
    return [
        Finding(
            "repair LaMa",
            ready,
            False,
            found if ready or (lama and not there) else "not installed; OpenCV draws instead",
            "" if ready else INSTALL_LAMA,
        ),
        Finding(
            "repair MI-GAN",
            drawn,
            False,
            migan if drawn or not migan else f"MIGAN_MODEL names {migan}, which is not there",
            "" if drawn else "MIGAN_MODEL=/path/of/migan_pipeline_v2.onnx",
        ),
    ]


def _data_dir(settings: Settings) -> Finding:
    folder = settings.data_dir
    try:
        folder.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryFile(dir=folder):
            free = shutil.disk_usage(folder).free
    except OSError as error:
        return Finding("data folder", False, True, str(error), "Set LIPSTREAM_DATA_DIR to another folder.")
    roomy = free >= MIN_FREE_BYTES
    detail = f"{_short(folder)}, {free / 1e9:.0f} GB free"
    return Finding("data folder", roomy, True, detail, "" if roomy else "Make at least 1 GB of room.")


def _short(folder: Path) -> str:
    home = os.path.expanduser("~")
    return (
        f"~{str(folder)[len(home) :]}"
        if home != "/" and str(folder).startswith(home + os.sep)
        else str(folder)
    )


def _port(settings: Settings) -> Finding:
    family = socket.AF_INET6 if ":" in settings.host else socket.AF_INET
    with socket.socket(family, socket.SOCK_STREAM) as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((settings.host, settings.port))
        except OSError as error:
            # A running server holds it, which is no fault.
            return Finding(
                f"port {settings.port}",
                False,
                False,
                error.strerror or str(error),
                "Another one: LIPSTREAM_PORT",
            )
    return Finding(f"port {settings.port}", True, False, f"free on {settings.host}")
