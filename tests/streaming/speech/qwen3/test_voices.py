import json
from pathlib import Path
from typing import Any

import pytest

from streaming.errors import EngineUnavailable, LanguageNotSpoken, VoiceNotFound
from streaming.speech.base import SpeechRequest
from streaming.speech.profiles.store import ProfileStore
from streaming.speech.qwen3.checkpoint import fetch_command, local_folder, read_checkpoint
from streaming.speech.qwen3.languages import LANGUAGES, name_in_model, tags_of
from streaming.speech.qwen3.voices import VoiceList
from tests.support.profiles import details, spoken

SPEAKERS = {"vivian": 3065, "ono_anna": 2873, "ryan": 3061, "aiden": 2861}
SPOKEN = {name: 2050 + i for i, name in enumerate((*LANGUAGES.values(), "sichuan_dialect"))}


def folder_of(root: Path, kind: str, **changes: Any) -> Path:
    config = {
        "model_type": "qwen3_tts",
        "tokenizer_type": "qwen3_tts_tokenizer_12hz",
        "tts_model_type": kind,
        "tts_model_size": "1b7",
        "talker_config": {
            "spk_id": SPEAKERS if kind == "custom_voice" else {},
            "codec_language_id": SPOKEN,
        },
    }
    folder = root / kind
    (folder / "speech_tokenizer").mkdir(parents=True)
    (folder / "config.json").write_text(json.dumps(config | changes), "utf-8")
    (folder / "speech_tokenizer" / "config.json").write_text("{}", "utf-8")
    return folder


def voices_of(root: Path, kind: str) -> VoiceList:
    folder = folder_of(root, kind)
    return VoiceList(read_checkpoint(folder, str(folder)), ProfileStore(root / "profiles"))


async def nothing():
    return
    yield ""


def request(**settings: Any) -> SpeechRequest:
    return SpeechRequest(nothing(), **settings)


def test_speakers_come_with_their_own_language_first_and_english_ones_before_others(tmp_path: Path):
    voices = voices_of(tmp_path, "custom_voice")
    assert [(v.name, v.languages[0]) for v in voices.all()] == [
        ("ryan", "en"),
        ("aiden", "en"),
        ("vivian", "zh"),
        ("ono_anna", "ja"),
    ]
    assert all(sorted(v.languages) == sorted(LANGUAGES) for v in voices.all())


def test_a_request_gets_the_voice_that_it_names_or_one_of_its_language(tmp_path: Path):
    voices = voices_of(tmp_path, "custom_voice")
    assert voices.choose(request()).name == "ryan"
    assert voices.choose(request(language="ja-JP")).name == "ono_anna"
    # Nobody's first language: the default voice speaks it.
    assert voices.choose(request(language="de")).name == "ryan"
    assert voices.choose(request(voice="vivian", language="en")).name == "vivian"
    with pytest.raises(VoiceNotFound, match="ryan, aiden"):
        voices.choose(request(voice="nobody"))
    with pytest.raises(LanguageNotSpoken, match=r"Finnish.*German"):
        voices.choose(request(language="fi"))


def test_a_base_model_has_the_voices_of_people_as_they_come_and_go(tmp_path: Path):
    voices = voices_of(tmp_path, "base")
    assert voices.all() == ()
    with pytest.raises(VoiceNotFound, match=r"1\.7b-custom"):
        voices.choose(request())
    store = ProfileStore(tmp_path / "profiles")
    store.add("bea", details("Bea", language="ja-JP", transcript=None), spoken())
    (bea,) = voices.all()
    assert (bea.name, bea.engine, bea.languages[0]) == ("bea", "qwen3", "ja")
    assert "Bea" in bea.description and "without a transcript" in bea.description
    store.delete("bea")
    assert voices.all() == ()


def test_a_design_model_has_one_voice(tmp_path: Path):
    (voice,) = voices_of(tmp_path, "voice_design").all()
    assert voice.name == "designed" and "LIPSTREAM_QWEN3_INSTRUCTION" in voice.description


def test_other_weights_of_a_name_are_told_apart(tmp_path: Path):
    folder = folder_of(tmp_path, "base")
    before = read_checkpoint(folder, str(folder))
    (folder / "model.safetensors").write_bytes(b"weights")
    after = read_checkpoint(folder, str(folder))
    assert before.name == after.name == "base" and before.revision != after.revision
    assert read_checkpoint(folder, "1.7B-base").name == "Qwen/Qwen3-TTS-12Hz-1.7B-Base"


def test_what_is_no_model_is_refused(tmp_path: Path):
    with pytest.raises(EngineUnavailable, match="unknown kind"):
        read_checkpoint(folder_of(tmp_path, "opera"), "x")
    for name in ("no-such-thing", str(tmp_path / "nowhere"), "../model"):
        with pytest.raises(EngineUnavailable, match="LIPSTREAM_QWEN3_MODEL"):
            local_folder(name, "")
    assert fetch_command("0.6b-custom", "abc") == (
        "hf download Qwen/Qwen3-TTS-12Hz-0.6B-CustomVoice --revision abc"
    )


def test_languages_are_tags_outside_and_names_within():
    assert tags_of(["german", "english", "sichuan_dialect"]) == ("en", "de")
    assert name_in_model("zh_CN", ("en", "zh")) == "chinese"
    with pytest.raises(LanguageNotSpoken, match="Korean"):
        name_in_model("ko", ("en", "zh"))
