# pyright: reportMissingImports=false
"""Test sets of real people, with sounds aligned to what they say. For evaluation only; nothing is kept in the
repository.

- LibriVox and card names: test data of pocketsphinx 5.1.1 (MIT; LibriVox recordings are public domain, their
  phone alignment comes with them).
- Telephone prompts spoken by Allison Smith: Debian's asterisk-core-sounds-en-g722 (CC BY-SA 3.0). What she
  says is written down here for pocketsphinx to align.
"""

from __future__ import annotations

import hashlib
import io
import json
import tarfile
import urllib.request
import wave
from collections.abc import Iterator
from pathlib import Path

import av
import numpy as np
from numpy.typing import NDArray
from scipy.signal import resample_poly

from benchmarks.judge.align import RATE, Phone, Word, align, to_phonemes
from streaming.errors import EngineUnavailable, ScriptRejected
from streaming.timing import SPEECH_RATE
from training.visemes.clips import LIBRIVOX, PROMPTS, Clip, path_of, save, to_int16

TIMEOUT_SECONDS = 60.0

POCKETSPHINX = (
    "https://files.pythonhosted.org/packages/61/e7/"
    "13e0e787ff467218de880310d79cba14424f13b87171ac44af0bde1e428c/pocketsphinx-5.1.1.tar.gz",
    "675778b309a22dfc9b7d37f7621976bba491d2a5f8c59696bd77fd6d07271355",
)
ASTERISK = (
    "https://deb.debian.org/debian/pool/main/a/asterisk-core-sounds/"
    "asterisk-core-sounds-en-g722_1.6.1-1_all.deb",
    "38c5261820b406dcb0ecb37675720da2b0864850690690352ca52707eb623806",
)
"""Address and SHA-256."""

_CARDS = {
    "001": "ten of clubs",
    "002": "four queen of clubs",
    "003": "seven of clubs",
    "004": "five five",
    "005": "eight of spades four of clubs seven of hearts",
}
_PROMPTS = {
    "agent-alreadyon": "that agent is already logged on please enter your agent number followed "
    "by the pound key",
    "agent-incorrect": "login incorrect please enter your agent number followed by the pound key",
    "agent-newlocation": "please enter a new extension followed by pound",
    "agent-pass": "please enter your password followed by the pound key",
    "at-tone-time-exactly": "at the sound of the tone the time will be exactly",
    "auth-incorrect": "password incorrect please enter your password followed by the pound key",
    "call-fwd-no-ans": "call forward on no answer",
    "cannot-complete-as-dialed": "your call cannot be completed as dialed",
    "conf-enteringno": "you are entering conference number",
    "conf-getchannel": "please enter the channel number followed by the pound key",
    "conf-getconfno": "please enter your conference number followed by the pound key",
    "conf-getpin": "please enter the conference pin number",
    "conf-invalid": "that is not a valid conference number please try again",
    "conf-invalidpin": "that pin is invalid for this conference",
    "conf-kicked": "you have been kicked from this conference",
    "conf-leaderhasleft": "the leader has left the conference",
    "conf-noempty": "no empty conferences currently exist",
    "conf-now-recording": "the conference is now being recorded",
    "conf-onlyone": "there is currently one other participant in the conference",
    "conf-onlyperson": "you are currently the only person in this conference",
    "conf-placeintoconf": "you will now be placed into the conference",
    "conf-roll-callcomplete": "playback of the list of people attending is complete",
    "conf-userswilljoin": "users will join the conference",
    "conf-waitforleader": "the conference will begin when the leader arrives",
    "confbridge-begin-glorious-a": "the conference will begin when our glorious leader arrives",
    "confbridge-dec-list-vol-in": "to decrease the audio volume from other participants",
    "confbridge-dec-talk-vol-out": "to decrease your speaking volume to other participants",
    "confbridge-inc-list-vol-in": "to increase the audio volume from other participants",
    "confbridge-inc-talk-vol-out": "to increase your speaking volume to other participants",
    "confbridge-invalid": "you have entered an invalid option",
    "vm-nobox": "you cannot reply to this message because the sender does not have a mailbox",
}
_WORDS = {
    **{
        f"digits/{n}": word
        for n, word in enumerate(
            "zero one two three four five six seven eight nine ten eleven "
            "twelve thirteen fourteen fifteen sixteen seventeen eighteen nineteen twenty".split()
        )
    },
    **{
        f"digits/mon-{n}": word
        for n, word in enumerate(
            "january february march april may june july august september october november december".split()
        )
    },
    **{
        f"digits/day-{n}": word
        for n, word in enumerate("sunday monday tuesday wednesday thursday friday saturday".split())
    },
    **{
        f"phonetic/{word[0]}_p": word
        for word in "alpha bravo charlie delta echo foxtrot golf hotel india juliet "
        "kilo lima mike november oscar papa quebec romeo sierra tango uniform victor whiskey yankee "
        "zulu".split()
    },
    **{
        f"digits/{word}": word
        for word in "billion million hundred thousand today tomorrow yesterday pound minus".split()
    },
}


def generate_tests(folder: Path, downloads: Path) -> None:
    """Fetch the recordings once, align them and write the clips.

    Raises:
        EngineUnavailable: pocketsphinx is missing, or a download is not what it should be.
    """
    archive = _fetched(*POCKETSPHINX, downloads)
    with tarfile.open(archive) as files:
        for member in files:
            path = Path(member.name)
            if path.suffix == ".wav" and path.parent.name in ("librivox", "cards"):
                name = f"{path.parent.name}_{path.stem[-4:]}"
                sound = _wav(_content(files, member.name))
                if path.parent.name == "librivox":
                    told = json.loads(_content(files, member.name.replace(".wav", ".phone.json")))
                    words = list(_words(told))
                else:
                    words = _aligned(sound, _CARDS[path.stem])
                _record(folder, name, LIBRIVOX, path.parent.name, sound, words)
    with tarfile.open(fileobj=io.BytesIO(_deb_data(_fetched(*ASTERISK, downloads)))) as files:
        there = {name.split("/en_US_f_Allison/")[-1]: name for name in files.getnames()}
        for name, said in {**_PROMPTS, **_WORDS}.items():
            clip = f"prompt_{name.replace('/', '_')}"
            if not path_of(folder, clip).exists():
                sound = _g722(_content(files, there[f"{name}.g722"]))
                _record(folder, clip, PROMPTS, "Allison", sound, _aligned(sound, said))


def _record(
    folder: Path, name: str, split: str, voice: str, sound: NDArray[np.float64], words: list[Word] | None
) -> None:
    if words is not None:
        pcm = resample_poly(sound, SPEECH_RATE // 8000, RATE // 8000)
        sounds = tuple(to_phonemes(words, len(pcm) / SPEECH_RATE))
        save(folder, Clip(name, split, voice, "en", to_int16(pcm), sounds))


def _words(told: dict) -> Iterator[Word]:
    for word in told["w"]:
        phones = [Phone(each["t"], each["b"], each["b"] + each["d"]) for each in word.get("w", [])]
        yield Word(word["t"], tuple(phones))


def _aligned(sound: NDArray[np.float64], said: str) -> list[Word] | None:
    """Words of a known text, or ``None`` when it does not fit."""
    try:
        return align(sound.astype(np.float32), said, {})
    except ScriptRejected:
        return None


def _fetched(address: str, digest: str, downloads: Path) -> Path:
    path = downloads / address.rsplit("/", 1)[-1]
    if not path.exists():
        downloads.mkdir(parents=True, exist_ok=True)
        with urllib.request.urlopen(address, timeout=TIMEOUT_SECONDS) as answer:
            path.write_bytes(answer.read())
    if hashlib.sha256(path.read_bytes()).hexdigest() != digest:
        raise EngineUnavailable(f"{path} is not the file that was expected; delete it to fetch it again.")
    return path


def _content(files: tarfile.TarFile, name: str) -> bytes:
    member = files.extractfile(name)
    if member is None:
        raise EngineUnavailable(f"{name} is missing in a downloaded archive.")
    return member.read()


def _deb_data(path: Path) -> bytes:
    """The files of a Debian package: an ``ar`` archive, whose headers have 60 bytes each."""
    raw = path.read_bytes()
    at = len(b"!<arch>\n")
    while at < len(raw):
        name, size = raw[at : at + 16].decode().strip(), int(raw[at + 48 : at + 58])
        if name.startswith("data.tar"):
            return raw[at + 60 : at + 60 + size]
        at += 60 + size + size % 2
    raise EngineUnavailable(f"{path} is no Debian package.")


def _wav(content: bytes) -> NDArray[np.float64]:
    with wave.open(io.BytesIO(content)) as sound:
        return np.frombuffer(sound.readframes(sound.getnframes()), np.int16) / 32768.0


def _g722(content: bytes) -> NDArray[np.float64]:
    with av.open(io.BytesIO(content), "r", format="g722") as container:
        stream = container.streams.audio[0]
        frames = [
            frame.to_ndarray().ravel() for packet in container.demux(stream) for frame in packet.decode()
        ]
    return np.concatenate(frames).astype(np.float64) / 32768.0
