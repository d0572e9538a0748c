"""Records what engines say in other languages: ``python -m benchmarks.judge.record``.

Needed only to make the recordings anew: they lie beside the benchmarks, so that the judge needs none of these
engines. Voices are those that the listening network never heard.
"""

from __future__ import annotations

import asyncio
import logging
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated

import typer

from benchmarks.judge.material import speak
from benchmarks.judge.recordings import ROOT, Recording, save, write_sound
from streaming.speech.kokoro import KokoroEngine
from streaming.timing import SPEECH_RATE

ENGINE = "kokoro"
LICENCE = "Apache-2.0 (model and voices)"
_log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Line:
    """Who says what."""

    language: str
    voice: str
    text: str


LINES = (
    Line(
        "en",
        "af_bella",
        "The permanent exhibition opens at nine, and the last boat leaves at half past five.",
    ),
    Line(
        "en", "am_fenrir", "Please keep your bags in front of you, because some of the rooms are quite small."
    ),
    Line("en", "bf_lily", "If the weather permits, a member of our team will show you the lamp room."),
    Line("en", "bm_lewis", "Thank you for coming, and have a pleasant trip home."),
    Line("ja", "jf_gongitsune", "美術館へようこそ。今日は港の地図をお持ちしました。"),
    Line("ja", "jf_gongitsune", "母は毎朝、バスでパン屋の前を通ります。"),
    Line("ja", "jm_kumo", "向こうの部屋には、古い船の模型と望遠鏡があります。"),
    Line("ja", "jm_kumo", "もしよければ、窓のそばでピアノの演奏をお楽しみください。"),
    Line("zh", "zf_xiaoni", "欢迎来到博物馆，我可以帮您安排参观。"),
    Line("zh", "zf_xiaoni", "每天早上，爸爸和妈妈都步行去买面包。"),
    Line("zh", "zm_yunxi", "明天下午，我们坐船去看旁边的小岛。"),
    Line("zh", "zm_yunxi", "请把背包放在门边，慢慢地往前走。"),
    Line("es", "em_alex", "Buenos días, y bienvenidos al museo del puerto."),
    Line("es", "em_alex", "Mi abuela siempre compraba pan y manzanas para el viaje."),
    Line("es", "em_alex", "El último barco sale a las cinco y media, pero pueden volver por el puente."),
    Line("es", "em_alex", "También me gustaría probar un poco de sopa con pimienta."),
)


async def _record(folder: Path, data_dir: Path) -> None:
    engine = KokoroEngine(data_dir)
    tags = {voice.name: voice.languages[0] for voice in engine.voices()}
    for i, line in enumerate(LINES):
        name = f"{line.language}_{ENGINE}_{line.voice}_{i:02d}"
        said = await speak(engine, line.text, name, line.language, line.voice, tags.get(line.voice))
        path = folder / f"{name}.json"
        write_sound(path.with_suffix(".opus"), said.pcm)
        sounds = [(p.symbol, round(p.start, 3), round(p.end, 3), p.stress) for p in said.phonemes]
        speaker = f"Kokoro-82M, voice {line.voice}"
        source = "python -m benchmarks.judge.record"
        timing = "the engine's own durations"
        save(path, Recording(line.text, line.language, speaker, LICENCE, source, timing, sounds))
        _log.info("%s: %.1f s", name, len(said.pcm) / SPEECH_RATE)


def main(
    data_dir: Annotated[Path, typer.Argument(help="Lipstream's data folder, which holds Kokoro's voices.")],
    folder: Annotated[Path, typer.Option(help="Where they go.")] = ROOT / "synthetic",
) -> None:
    """Speak every line and write sound and timing."""
    logging.basicConfig(level=logging.INFO, format="%(message)s")
    folder.mkdir(parents=True, exist_ok=True)
    asyncio.run(_record(folder, data_dir))


if __name__ == "__main__":
    typer.run(main)
