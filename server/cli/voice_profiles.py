"""``lipstream voice create`` and its kin: voices of people."""

from __future__ import annotations

import asyncio
import getpass
from collections.abc import Generator
from contextlib import contextmanager
from pathlib import Path
from typing import Annotated

import typer
from rich.markup import escape
from rich.table import Table

from server.cli.common import err, out, quiet_log, readable_errors, settings_or_exit
from server.settings import Settings
from server.voice_profiles import needed_engine
from streaming.speech.profiles.create import create_profile, wish_of
from streaming.speech.profiles.errors import ReferenceRejected
from streaming.speech.profiles.manifest import (
    NOT_STATED,
    Finding,
    ReferenceCheck,
    VoiceProfile,
    engines_for,
)
from streaming.speech.profiles.openvoice import import_profile
from streaming.speech.profiles.store import ProfileStore
from streaming.speech.registry import statuses

ProfileArgument = Annotated[str, typer.Argument(metavar="ID", help="A voice's id (lipstream voice list).")]
ConsentOption = Annotated[
    str, typer.Option(help="Who speaks, and that this person agreed: 'This is my own voice.'")
]
TranscriptOption = Annotated[
    str | None, typer.Option(help="Exactly what is said. Without, only the sound of the voice is cloned.")
]
LanguageOption = Annotated[str | None, typer.Option(help="Such as en; told from the transcript if absent.")]
AuthorOption = Annotated[str | None, typer.Option(help="Who makes the voice; this machine's user if absent.")]


def create(
    file: Annotated[Path, typer.Argument(exists=True, dir_okay=False, help="3 to 60 s of one person alone.")],
    name: Annotated[str, typer.Option(help="Whose voice it is, for people.")],
    consent: ConsentOption,
    transcript: TranscriptOption = None,
    language: LanguageOption = None,
    voice_id: Annotated[str | None, typer.Option("--id", help="Made from the name if absent.")] = None,
    author: AuthorOption = None,
) -> None:
    """Make a voice from a recording."""
    settings, store = _open()
    with _explained(), file.open("rb") as recording:
        wish = wish_of(
            name=name,
            consent=consent,
            transcript=transcript,
            language=language,
            id=voice_id,
            source=file.name,
            author=author or _user(),
        )
        made = asyncio.run(create_profile(store, recording, wish, taken=_taken(settings)))
    _tell(made, settings)


def import_(
    folder: Annotated[
        Path, typer.Argument(exists=True, file_okay=False, help="One profile of an OpenVoice service.")
    ],
    consent: ConsentOption,
    name: Annotated[str | None, typer.Option(help="That of the profile if absent.")] = None,
    transcript: TranscriptOption = None,
    language: LanguageOption = None,
    voice_id: Annotated[str | None, typer.Option("--id", help="That of the profile if absent.")] = None,
    author: AuthorOption = None,
) -> None:
    """Make a voice from an OpenVoice profile: recording and metadata are kept, embeddings never opened."""
    settings, store = _open()
    with _explained():
        imported = asyncio.run(
            import_profile(
                store,
                folder,
                consent=consent,
                name=name,
                profile=voice_id,
                transcript=transcript,
                language=language,
                author=author or _user(),
                taken=_taken(settings),
            )
        )
    out().print(f"Kept {imported.kept} and the metadata.", markup=False)
    for left in imported.left_out:
        out().print(f"Left out {left.name}: {left.reason}.".replace("..", "."), markup=False)
    _tell(imported.profile, settings)


def show(voice: ProfileArgument) -> None:
    """Show what is known of a voice of a person."""
    settings, store = _open()
    with readable_errors():
        found = store.get(voice)
        # Damage is told here rather than when somebody wants to speak.
        store.reference(voice)
    table = Table(show_header=False, box=None)
    source = found.provenance
    facts = {
        "id": found.id,
        "name": found.name,
        "language": found.language or "not known",
        "transcript": found.transcript or "none: only the sound of the voice is cloned",
        "consent": found.consent,
        "made": f"{found.created.date().isoformat()} by {source.author}",
        "from": source.source,
        "sha256": source.sha256,
        "note": source.note,
        "folder": str(store.root / found.id),
        "spoken by": ", ".join(_engines(settings)) or f"no engine here. {needed_engine()}",
    }
    for key, value in facts.items():
        if value:
            table.add_row(key, escape(value))
    out().print(table)
    out().print(_figures(found.check))
    _warn(found.check.warnings)


def delete(
    voice: ProfileArgument,
    yes: Annotated[bool, typer.Option("--yes", "-y", help="Do not ask.")] = False,
) -> None:
    """Delete a voice of a person, with all that was made of it."""
    _, store = _open()
    with readable_errors():
        if not yes and store.exists(voice):
            typer.confirm(f"Delete the voice '{voice}'?", abort=True)
        store.delete(voice)
    out().print(f"Deleted {voice}.")


def list_profiles(settings: Settings) -> None:
    """Print the voices of people, if there are any, and what it takes to hear them."""
    entries = ProfileStore(settings.voice_profiles_dir).list()
    if not entries:
        return
    table = Table("Voice of a person", "Name", "Language", "Length", "Transcript", "")
    for entry in entries:
        found = entry.profile
        if found is None:
            table.add_row(entry.id, "", "", "", "", f"[red]{escape(entry.problem)}[/red]")
            continue
        table.add_row(
            found.id,
            escape(found.name),
            found.language or "",
            f"{found.reference.seconds:.1f} s",
            "yes" if found.transcript else "no",
            "",
        )
    out().print(table)
    if not _engines(settings):
        out().print(f"No engine here can speak with voices of people yet. {needed_engine()}", markup=False)


def _open() -> tuple[Settings, ProfileStore]:
    settings = settings_or_exit()
    quiet_log(settings)
    return settings, ProfileStore(settings.voice_profiles_dir, settings.max_voice_profiles)


@contextmanager
def _explained() -> Generator[None]:
    """Expected failures end the command; a refused recording shows what was measured first."""
    with readable_errors():
        try:
            yield
        except ReferenceRejected as error:
            if error.check is not None:
                err().print(_figures(error.check))
            raise


def _tell(made: VoiceProfile, settings: Settings) -> None:
    out().print(f"Made {made.id}: {settings.voice_profiles_dir / made.id}", markup=False)
    out().print(_figures(made.check))
    _warn(made.check.warnings)
    engines = _engines(settings)
    if engines:
        out().print(f'Try it: lipstream render "Hello!" --voice {made.id} -o hello.mp4', markup=False)
    else:
        out().print(f"No engine here can speak with it yet. {needed_engine()}", markup=False)


def _figures(check: ReferenceCheck) -> Table:
    table = Table(show_header=False, box=None)
    level, distance = check.level_db, check.signal_to_noise_db
    table.add_row("length", f"{check.seconds:.1f} s of {check.sent_seconds:.1f} s")
    table.add_row("speech", f"{check.speech_seconds:.1f} s")
    if level is not None:
        table.add_row("level", f"{level:.0f} dB (peak {check.peak_db:.0f} dB)")
    below = "" if distance is None else f", {distance:.0f} dB below the speech"
    table.add_row("noise", f"{check.noise_db:.0f} dB{below}")
    table.add_row("cut off", f"{check.clipped_share:.2%} of the samples")
    table.add_row("file", f"{check.codec}, {check.sample_rate} Hz, channels: {check.channels}")
    return table


def _warn(findings: tuple[Finding, ...]) -> None:
    for finding in findings:
        out().print(f"Note: {finding.message}", markup=False)


def _engines(settings: Settings) -> tuple[str, ...]:
    """The engines that can speak with profiles, are ready, and are asked for."""
    wanted = {name.strip().lower() for name in settings.speech.split(",")}
    known = [s for s in statuses(settings.resources) if s.ready and s.name in wanted]
    voices = [(voice.engine, voice.name) for status in known for voice in status.voices]
    ids = ProfileStore(settings.voice_profiles_dir).ids()
    return engines_for([status.name for status in known], voices, ids)


def _taken(settings: Settings) -> frozenset[str]:
    """Names of installed voices, which no profile may hide."""
    known = statuses(settings.resources)
    return frozenset(voice.name for status in known for voice in status.voices)


def _user() -> str:
    try:
        return getpass.getuser()
    except (OSError, KeyError):
        return NOT_STATED
