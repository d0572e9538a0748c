# pyright: reportMissingImports=false
"""Voices of people, and designed ones: what each kind of checkpoint is told about who speaks."""

import pytest

torch = pytest.importorskip("torch", reason="Qwen3-TTS needs PyTorch, the rest of the program does not")

import asyncio  # noqa: E402
from collections.abc import Callable  # noqa: E402
from pathlib import Path  # noqa: E402

import numpy as np  # noqa: E402

from streaming.errors import VoiceNotFound  # noqa: E402
from streaming.speech.profiles.store import ProfileStore, profiles_folder  # noqa: E402
from streaming.speech.qwen3.casting import TAIL_SECONDS  # noqa: E402
from streaming.speech.qwen3.engine import Qwen3Engine  # noqa: E402
from streaming.speech.qwen3.guards import FRAME_SAMPLES  # noqa: E402
from streaming.speech.qwen3.package import missing  # noqa: E402
from tests.support.profiles import WORDS, details, spoken  # noqa: E402
from tests.support.qwen3_engine import idle, make_engine, request, shorten, sound_of, speak  # noqa: E402

pytestmark = pytest.mark.skipif(bool(missing()), reason=f"not installed: {', '.join(missing())}")

TEXT = "Good morning to everybody here. And here is another sentence."


@pytest.fixture(autouse=True)
def short_sentences(monkeypatch: pytest.MonkeyPatch):
    shorten(monkeypatch)


@pytest.fixture(scope="module")
def data_dir(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Holds Alan, with what he says, and Bea, without."""
    folder = tmp_path_factory.mktemp("data")
    store = ProfileStore(profiles_folder(folder))
    store.add("alan", details("Alan"), spoken())
    store.add("bea", details("Bea", transcript=None, language="ja"), spoken()[::-1].copy())
    return folder


@pytest.fixture(scope="module")
def base(checkpoint: Callable[[str], Path], data_dir: Path) -> Qwen3Engine:
    torch.set_num_threads(1)
    engine = make_engine(checkpoint("base"), data_dir)
    asyncio.run(engine.warm_up())
    return engine


async def test_profiles_are_the_voices_of_a_base_model(base: Qwen3Engine):
    alan, bea = base.voices()
    assert (alan.name, alan.languages[0]) == ("alan", "en") and (bea.name, bea.languages[0]) == ("bea", "ja")
    assert "without a transcript" in bea.description and len(bea.languages) == 10
    assert base._choose(request("x", language="ja")).name == "bea"
    with pytest.raises(VoiceNotFound, match="alan, bea"):
        await speak(base, TEXT, voice="carl")


async def test_a_transcript_lets_the_voice_go_on_from_its_recording(base: Qwen3Engine, data_dir: Path):
    alan, bea = await base._cast("alan"), await base._cast("bea")
    reference = alan.speaker.reference
    assert reference is not None and reference.text == WORDS and bea.speaker.reference is None
    frames = (len(spoken()) + round(TAIL_SECONDS * 24_000)) / FRAME_SAMPLES
    assert abs(len(reference.codes) - frames) <= 1
    assert bea.speaker.embedding is not None and alan.speaker.embedding is not None
    assert not torch.equal(bea.speaker.embedding, alan.speaker.embedding)
    sounds = [sound_of(await speak(base, TEXT, voice=name)) for name in ("alan", "bea")]
    assert len(sounds[0]) != len(sounds[1]) or not np.allclose(sounds[0], sounds[1], atol=0.01)


async def test_the_reference_is_run_through_once_and_heard_by_every_sentence(base: Qwen3Engine):
    decoder = base._conductor._machine.decoder  # pyright: ignore[reportOptionalMemberAccess]
    cast = await base._cast("alan")
    first = cast.codec_state(decoder)
    assert cast.speaker.reference is not None
    assert first.frames == len(cast.speaker.reference.codes)
    decoder.decode(torch.zeros(2, 16, dtype=torch.long), first)
    second = cast.codec_state(decoder)
    assert second.frames == first.frames - 2
    assert await base._cast("alan") is cast


async def test_voices_are_made_ready_at_the_start(
    base: Qwen3Engine, checkpoint: Callable[[str], Path], data_dir: Path
):
    engine = make_engine(checkpoint("base"), data_dir)
    await engine.warm_up()
    loop = asyncio.get_running_loop()
    await loop.run_in_executor(engine._encoder, lambda: None)
    await idle(engine)
    assert engine._casting is not None
    kept = {voice: cast for (voice, _), cast in engine._casting._kept.items()}
    assert set(kept) == {"alan", "bea"} and kept["alan"]._prefix is not None


async def test_what_was_made_of_a_voice_is_kept_on_disk(
    base: Qwen3Engine, data_dir: Path, checkpoint: Callable[[str], Path], monkeypatch: pytest.MonkeyPatch
):
    one = sound_of(await speak(base, TEXT, voice="alan"))
    kept = list((profiles_folder(data_dir) / "alan").glob("prompt-*.safetensors"))
    assert len(kept) == 1
    again = make_engine(checkpoint("base"), data_dir)
    await again.warm_up()

    def anew(*_: object) -> None:
        raise AssertionError("the recording was encoded again")

    model = again._conductor._machine.model  # pyright: ignore[reportOptionalMemberAccess]
    monkeypatch.setattr(model, "encode", anew)
    monkeypatch.setattr(model, "speaker_embedding", anew)
    assert np.array_equal(sound_of(await speak(again, TEXT, voice="alan")), one)


async def test_a_cloned_voice_takes_text_as_it_comes(base: Qwen3Engine, data_dir: Path):
    # Beside a recording with few words lies text of what is said: more of it has to be there to begin.
    store = ProfileStore(profiles_folder(data_dir))
    store.add("dora", details("Dora", transcript="Gad, do I"), spoken())
    cast = await base._cast("dora")
    machine = base._conductor._machine  # pyright: ignore[reportOptionalMemberAccess]
    assert 20 < machine.builder.tokens_to_open(cast.speaker) < 80
    text = "Good morning to everybody here, in this rather long sentence that goes on for quite some time."
    for voice in ("alan", "bea", "dora"):
        whole, tokens = await speak(base, text, voice=voice), await speak(base, *text, voice=voice)
        assert np.abs(sound_of(whole) - sound_of(tokens)).max() < 1e-4
    assert await speak(base, "Too short for it, this one.", voice="dora")
    store.delete("dora")


async def test_a_voice_that_comes_later_can_speak(base: Qwen3Engine, data_dir: Path):
    store = ProfileStore(profiles_folder(data_dir))
    store.add("carl", details("Carl", transcript=None), spoken())
    try:
        assert [voice.name for voice in base.voices()] == ["alan", "bea", "carl"]
        assert await speak(base, TEXT, voice="carl")
    finally:
        store.delete("carl")
    with pytest.raises(VoiceNotFound):
        await speak(base, TEXT, voice="carl")


def test_without_profiles_a_base_model_says_how_to_make_one(
    checkpoint: Callable[[str], Path], tmp_path: Path
):
    engine = make_engine(checkpoint("base"), tmp_path)
    assert engine.voices() == ()
    with pytest.raises(VoiceNotFound, match="lipstream voice create"):
        engine.check(request(TEXT))


async def test_a_designed_voice_is_told_the_instruction(checkpoint: Callable[[str], Path]):
    folder = checkpoint("voice_design")
    sounds = []
    for instruction in ("an old man who whispers", "a cheerful girl"):
        engine = make_engine(folder, instruction=instruction)
        assert [voice.name for voice in engine.voices()] == ["designed"]
        await engine.warm_up()
        assert (await engine._cast("designed")).speaker.instruction == instruction
        sounds.append(sound_of(await speak(engine, TEXT)))
    assert len(sounds[0]) != len(sounds[1]) or not np.allclose(*sounds, atol=0.01)
