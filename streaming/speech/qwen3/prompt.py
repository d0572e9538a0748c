# pyright: reportMissingImports=false
"""What the talker is asked: voice, language, way of speaking and text, as one sequence of embeddings.

The layout is that of the package, bit for bit: role, control tokens with the speaker, and then text and
codes laid over each other. Text can lie in front of the codes as a whole (``WHOLE``), or run beside them,
one token per frame (``BESIDE``): then the talker can begin before the text is complete, and a language
model's tokens are appended as they come.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from enum import Enum, auto

import torch

from streaming.errors import LanguageNotSpoken, ScriptRejected, VoiceNotFound
from streaming.speech.qwen3.model import CODEBOOKS, Kind, Qwen3Model

AUTO = "auto"


class Layout(Enum):
    """Where the text goes."""

    WHOLE = auto()
    """In front of the codes; the package's default for custom voices and designed ones."""
    BESIDE = auto()
    """One token beside each frame; the package's default for clones."""


@dataclass(frozen=True, slots=True, eq=False)
class Reference:
    """A recording that the talker goes on from ("in-context" cloning).

    Attributes:
        codes: (frames, 16) int64.
        text: what is said in it, exactly.
    """

    codes: torch.Tensor
    text: str


@dataclass(frozen=True, slots=True, eq=False)
class Speaker:
    """Who speaks, and how.

    Attributes:
        language: English name such as ``german``, or ``auto``.
        name: a built-in speaker (custom-voice models).
        embedding: (D,), a cloned speaker (base models).
        reference: the recording to go on from (base models, with ``embedding``).
        instruction: a way of speaking, or the voice to design.
    """

    language: str = AUTO
    name: str | None = None
    embedding: torch.Tensor | None = None
    reference: Reference | None = None
    instruction: str | None = None


class TextQueue:
    """Text that runs beside the frames: row ``n`` goes with frame ``n``.

    Args:
        model: embeds what is appended.
        rows: what is known already, (1, k, D).
        end: the row that says that the text is over, (1, 1, D).
        pad: the row for every frame after that, (1, 1, D).
        complete: the end is among the rows already.
    """

    def __init__(
        self, model: Qwen3Model, rows: torch.Tensor, end: torch.Tensor, pad: torch.Tensor, complete: bool
    ) -> None:
        self._model = model
        self._rows = list(rows[0])
        self._end, self._pad = end[0, 0], pad[0, 0]
        self._complete = complete

    @property
    def complete(self) -> bool:
        """Whether nothing more will come."""
        return self._complete

    @property
    def rows(self) -> torch.Tensor:
        """What is known by now, (1, k, D)."""
        return torch.stack(self._rows)[None] if self._rows else self._pad[None, None][:, :0]

    def append(self, ids: Sequence[int]) -> None:
        """Add tokens of text.

        Raises:
            ScriptRejected: the text was finished before.
        """
        if self._complete:
            raise ScriptRejected("This utterance's text is finished; open another one for more text.")
        if ids:
            with torch.inference_mode():
                self._rows.extend(self._model.embed_text(ids)[0])

    def finish(self) -> None:
        """Say that the text is over; doing so again changes nothing."""
        if not self._complete:
            self._rows.append(self._end)
            self._complete = True

    def has(self, frame: int) -> bool:
        """Whether the row for a frame is known."""
        return self._complete or frame < len(self._rows)

    def row(self, frame: int) -> torch.Tensor:
        """The row for a frame, (D,). Ask :meth:`has` first."""
        return self._rows[frame] if frame < len(self._rows) else self._pad


@dataclass(frozen=True, slots=True, eq=False)
class Prompt:
    """An utterance as the talker takes it.

    Attributes:
        embeds: (1, T, D) in the talker's precision, on its device.
        text: what is added to each frame.
        pad: the row that stands for no text, (1, 1, D).
    """

    embeds: torch.Tensor
    text: TextQueue
    pad: torch.Tensor


class PromptBuilder:
    """Makes prompts for one model."""

    def __init__(self, model: Qwen3Model) -> None:
        self._model = model
        self._talker_config = model.config.talker_config

    @torch.inference_mode()
    def build(self, text: str, speaker: Speaker, layout: Layout | None = None) -> Prompt:
        """The prompt for a whole text.

        Args:
            text: what to say, of one sentence or a few.
            speaker: who says it.
            layout: the package's default for this kind of model when not given.

        Raises:
            ScriptRejected: there is no text, or the model takes no instructions.
            VoiceNotFound: the speaker does not fit the model.
            LanguageNotSpoken: the model does not know the language.
        """
        ids = self._model.text_ids(text)
        if layout is None:
            layout = Layout.BESIDE if self._model.kind is Kind.BASE else Layout.WHOLE
        if ids.shape[1] == 0:
            raise ScriptRejected("The text holds nothing that can be spoken. Send at least one word.")
        return self._lay_out(ids, speaker, layout, complete=True)

    @torch.inference_mode()
    def open(self, ids: Sequence[int], speaker: Speaker) -> Prompt:
        """The prompt for a text whose beginning is known; the rest is appended to ``prompt.text``.

        Args:
            ids: the first tokens of the text, at least :meth:`tokens_to_open` of them.
            speaker: who says it.

        Raises:
            ScriptRejected: these are too few tokens; and as :meth:`build`.
        """
        if len(ids) < self.tokens_to_open(speaker):
            raise ScriptRejected(
                f"This voice begins with {self.tokens_to_open(speaker)} tokens of text, not {len(ids)}."
            )
        return self._lay_out(torch.tensor([list(ids)]), speaker, Layout.BESIDE, complete=False)

    def tokens_to_open(self, speaker: Speaker) -> int:
        """How many tokens of text must be known before the talker can begin.

        One, except when it goes on from a reference: there text lies beside the reference's frames too, so
        what exceeds the transcript has to be there. (A text that ends before is built as a whole.)
        """
        if speaker.reference is None:
            return 1
        beside = speaker.reference.codes.shape[0] + 1
        return max(1, beside - self._model.reference_ids(speaker.reference.text).shape[1])

    def _lay_out(self, ids: torch.Tensor, speaker: Speaker, layout: Layout, complete: bool) -> Prompt:
        model, config = self._model, self._talker_config
        self._check(speaker)
        begin, end, pad = model.embed_text(
            [model.config.tts_bos_token_id, model.config.tts_eos_token_id, model.config.tts_pad_token_id]
        ).chunk(3, 1)
        controls = self._controls(speaker)
        parts = (
            [] if not speaker.instruction else [model.embed_text(model.instruction_ids(speaker.instruction))]
        )
        parts.append(model.embed_text(model.role_ids()))
        parts.append(torch.cat((pad.expand(-1, controls.shape[1] - 2, -1), begin), 1) + controls[:, :-1])
        code_begin = controls[:, -1:]
        trailing = pad
        if speaker.reference is not None:
            codes = torch.cat((code_begin, model.embed_frames(speaker.reference.codes)), 1)
            text = model.embed_text(torch.cat((model.reference_ids(speaker.reference.text), ids), 1))
            if complete:
                text = torch.cat((text, end), 1)
            if layout is Layout.WHOLE:
                parts += [text + model.embed_codes([config.codec_pad_id]), codes + pad]
            else:
                missing = codes.shape[1] - text.shape[1]
                if missing < 0 or not complete:
                    trailing = text[:, codes.shape[1] :]
                else:
                    text = torch.cat((text, pad.expand(-1, missing, -1)), 1)
                parts.append(text[:, : codes.shape[1]] + codes)
        elif layout is Layout.WHOLE:
            text = torch.cat((model.embed_text(ids), end), 1)
            parts += [text + model.embed_codes([config.codec_pad_id]), pad + code_begin]
        else:
            parts.append(model.embed_text(ids[:, :1]) + code_begin)
            # An empty tensor would do for the embedding, but not for every matrix library.
            trailing = model.embed_text(ids[:, 1:]) if ids.shape[1] > 1 else pad[:, :0]
            if complete:
                trailing = torch.cat((trailing, end), 1)
        return Prompt(torch.cat(parts, 1), TextQueue(model, trailing, end, pad, complete), pad)

    def _controls(self, speaker: Speaker) -> torch.Tensor:
        """Language, speaker and the beginning of the codes, (1, n, D)."""
        model, config = self._model, self._talker_config
        language = self._language_id(speaker)
        head = (
            [config.codec_nothink_id, config.codec_think_bos_id, config.codec_think_eos_id]
            if language is None
            else [config.codec_think_id, config.codec_think_bos_id, language, config.codec_think_eos_id]
        )
        rows = [model.embed_codes(head)]
        if speaker.name is not None:
            rows.append(model.embed_codes([config.spk_id[speaker.name.lower()]]))
        elif speaker.embedding is not None:
            rows.append(speaker.embedding.to(model.device, model.dtype).view(1, 1, -1))
        rows.append(model.embed_codes([config.codec_pad_id, config.codec_bos_id]))
        return torch.cat(rows, 1)

    def _language_id(self, speaker: Speaker) -> int | None:
        config, language = self._talker_config, speaker.language.lower()
        if speaker.name is not None and language in ("chinese", AUTO):
            dialect = config.spk_is_dialect[speaker.name.lower()]
            if dialect:
                return config.codec_language_id[dialect]
        return None if language == AUTO else config.codec_language_id[language]

    def _check(self, speaker: Speaker) -> None:
        model, kind = self._model, self._model.kind
        language = speaker.language.lower()
        if language not in (AUTO, *model.languages):
            raise LanguageNotSpoken(
                f"Qwen3-TTS does not speak '{speaker.language}'. It speaks {', '.join(model.languages)}."
            )
        if kind is Kind.BASE:
            if speaker.name is not None or speaker.embedding is None:
                raise VoiceNotFound("A Base model of Qwen3-TTS speaks with cloned voices; give one.")
            if speaker.reference is not None and speaker.reference.codes.shape[1:] != (CODEBOOKS,):
                raise VoiceNotFound("The codes of this voice's reference are damaged. Create the voice anew.")
        elif speaker.embedding is not None or speaker.reference is not None:
            raise VoiceNotFound("Only a Base model of Qwen3-TTS speaks with cloned voices.")
        elif kind is Kind.CUSTOM_VOICE and (speaker.name or "").lower() not in model.speakers:
            raise VoiceNotFound(
                f"There is no speaker '{speaker.name}'. This model has {', '.join(model.speakers)}."
            )
        elif kind is Kind.VOICE_DESIGN and not speaker.instruction:
            raise VoiceNotFound("A VoiceDesign model needs the description of a voice as its instruction.")
        if speaker.instruction and not model.takes_instructions:
            raise ScriptRejected("This model of Qwen3-TTS takes no instructions; only the 1.7B ones do.")
