# pyright: reportMissingImports=false
"""Qwen3-TTS under test: tiny random checkpoints (or a real one), and the package's generation beside ours."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray

from streaming.gpu.placement import find_placement
from streaming.speech.qwen3.loop import DecodeLoop
from streaming.speech.qwen3.model import Kind, Qwen3Model
from streaming.speech.qwen3.package import import_qwen_tts
from streaming.speech.qwen3.prompt import Layout, Prompt, PromptBuilder, Reference, Speaker
from streaming.speech.qwen3.sampling import Choice, Sampling

TEXT = "the quick brown fox jumps over"
LONG_TEXT = TEXT * 4
REFERENCE_TEXT = "hello there this is a ref"
REAL = "LIPSTREAM_QWEN3_DIR"
"""Names the folder of a real checkpoint; without it the tests make tiny ones."""


def reference_recording() -> NDArray[np.float32]:
    """Four seconds of a hum, 24 kHz."""
    t = np.arange(24_000 * 4) / 24_000
    return (0.3 * np.sin(2 * np.pi * 180 * t) * (1 + 0.5 * np.sin(2 * np.pi * 3 * t))).astype(np.float32)


@dataclass(frozen=True)
class Case:
    """One way of asking, of ours and of the package."""

    name: str
    text: str
    speaker: Speaker
    layout: Layout
    ask: Callable[..., tuple[list[NDArray[np.float32]], int]]


class Rig:
    """One checkpoint, loaded once, for our loops and for the package."""

    def __init__(self, folder: Path) -> None:
        self.model = Qwen3Model.load(folder, find_placement("cpu"))
        self.builder = PromptBuilder(self.model)
        package = import_qwen_tts()
        tokenizer = package.Qwen3TTSTokenizer()
        tokenizer.model = self.model._codec
        tokenizer.feature_extractor = self.model._feature_extractor
        tokenizer.config, tokenizer.device = tokenizer.model.config, torch.device("cpu")
        network = self.model.network
        network.load_speech_tokenizer(tokenizer)
        self.package = package.Qwen3TTSModel(network, self.model.processor, {})
        self._known: dict[tuple[str, bool, int], tuple[torch.Tensor, NDArray[np.float32]]] = {}
        self.cases = {case.name: case for case in self._cases()}

    def prompt(self, case: Case) -> Prompt:
        return self.builder.build(case.text, case.speaker, case.layout)

    def package_prompt(self, case: Case) -> dict[str, Any]:
        """What the package hands to its talker."""
        seen: dict[str, Any] = {}

        class Enough(Exception):
            pass

        def spy(**arguments: Any) -> None:
            seen.update(arguments)
            raise Enough

        talker = self.model.talker
        talker.generate = spy
        try:
            case.ask(max_new_tokens=5)
        except Enough:
            pass
        finally:
            del talker.generate
        return seen

    def package_speech(self, case: Case, sampling: Sampling, seed: int) -> tuple[torch.Tensor, NDArray]:
        """Codes (n, 16) and sound of the package's own generation."""
        key = (case.name, sampling.talker.do_sample, sampling.max_frames)
        if key not in self._known:
            network, original = self.model.network, self.model.network.generate
            codes: list[torch.Tensor] = []

            def listen(**arguments: Any) -> Any:
                result = original(**arguments)
                codes.extend(result[0])
                return result

            network.generate = listen
            try:
                torch.manual_seed(seed)
                sounds, _ = case.ask(
                    max_new_tokens=sampling.max_frames + 1,
                    do_sample=sampling.talker.do_sample,
                    subtalker_dosample=sampling.predictor.do_sample,
                )
            finally:
                del network.generate
            self._known[key] = codes[0], sounds[0]
        return self._known[key]

    def clone(self, with_words: bool = True) -> Speaker:
        """A cloned voice, made with our own calls."""
        recording = reference_recording()
        return Speaker(
            "english",
            embedding=self.model.speaker_embedding(recording),
            reference=Reference(self.model.encode(recording), REFERENCE_TEXT) if with_words else None,
        )

    def any_speaker(self) -> Speaker:
        """A voice that goes with whatever kind of model this is."""
        if self.model.kind is Kind.BASE:
            return self.clone(with_words=False)
        if self.model.kind is Kind.CUSTOM_VOICE:
            return Speaker("english", name=self.model.speakers[0])
        return Speaker("english", instruction="an old man")

    def _cases(self) -> list[Case]:
        if self.model.kind is Kind.BASE:
            return [*self._clones()]
        if self.model.kind is Kind.CUSTOM_VOICE:
            ways = ("", "be happy") if self.model.takes_instructions else ("",)
            return [self._custom(name, how) for name in self.model.speakers[-2:] for how in ways]

        def design(**settings: Any) -> Any:
            return self.package.generate_voice_design(
                TEXT, instruct="old man", language="korean", non_streaming_mode=True, **settings
            )

        return [Case("design", TEXT, Speaker("korean", instruction="old man"), Layout.WHOLE, design)]

    def _custom(self, name: str, how: str) -> Case:
        def ask(**settings: Any) -> Any:
            return self.package.generate_custom_voice(
                TEXT, speaker=name.title(), instruct=how, non_streaming_mode=not how, **settings
            )

        layout = Layout.BESIDE if how else Layout.WHOLE
        speaker = Speaker(name=name.title(), instruction=how or None)
        return Case(f"custom {name} {how}".strip(), TEXT, speaker, layout, ask)

    def _clones(self) -> list[Case]:
        recording = (reference_recording(), 24_000)
        whole = self.package.create_voice_clone_prompt(recording, ref_text=REFERENCE_TEXT)[0]
        timbre = self.package.create_voice_clone_prompt(recording, x_vector_only_mode=True)[0]
        reference = Reference(whole.ref_code, REFERENCE_TEXT)

        def clone(name: str, item: Any, text: str, language: str, layout: Layout) -> Case:
            def ask(**settings: Any) -> Any:
                return self.package.generate_voice_clone(
                    text,
                    language=language,
                    voice_clone_prompt=[item],
                    non_streaming_mode=layout is Layout.WHOLE,
                    **settings,
                )

            speaker = Speaker(
                language,
                embedding=item.ref_spk_embedding,
                reference=reference if item.ref_code is not None else None,
            )
            return Case(name, text, speaker, layout, ask)

        return [
            clone(f"{kind} {layout.name} {language} {length}", item, text, language, layout)
            for kind, item in (("clone", whole), ("timbre", timbre))
            for layout in Layout
            for language in ("auto", "japanese")
            for length, text in (("short", TEXT), ("long", LONG_TEXT))
        ]


def sampling_of(frames: int, *, greedy: bool = False, **changes: Any) -> Sampling:
    """The package's defaults, or the likeliest codes, for that many frames."""
    choice = Choice(do_sample=not greedy)
    return Sampling(choice, choice, max_frames=frames, **changes)


def speak(loop: DecodeLoop, prompt: Prompt, sampling: Sampling, seed: int) -> torch.Tensor:
    """All frames of one utterance alone, (n, 16)."""
    stream = loop.open(prompt, sampling, seed)
    frames: list[torch.Tensor] = []
    while (frame := loop.step([stream])[0]) is not None:
        frames.append(frame)
    return torch.stack(frames) if frames else torch.zeros(0, 16, dtype=torch.long)
