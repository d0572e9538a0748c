import asyncio

import numpy as np
import pytest

from streaming.errors import EngineFailed, EngineUnavailable, LanguageNotSpoken, ScriptRejected, VoiceNotFound
from streaming.slots import Word
from streaming.speech.base import SpeechChunk, SpeechRequest, VoiceInfo
from streaming.speech.chain import FallbackChain


class Scripted:
    """An engine that says one chunk per piece, or fails when its time has come."""

    def __init__(self, name, language="en", fail_after=None, error=None, warm_error=None):
        self.name, self.language, self.fail_after = name, language, fail_after
        self.error = error or RuntimeError("out of memory")
        self.warm_error = warm_error
        self.heard, self.before, self.closed = [], [], False

    def voices(self):
        return (VoiceInfo(f"{self.name}-voice", self.name, (self.language,)),)

    def check(self, request):
        if request.voice not in (None, f"{self.name}-voice"):
            raise VoiceNotFound("no such voice")
        if request.language not in (None, self.language):
            raise LanguageNotSpoken(f"{self.name} speaks {self.language}")

    async def warm_up(self):
        if self.warm_error:
            raise self.warm_error

    async def synthesize(self, request):
        try:
            said = 0
            async for piece in request.text:
                self.heard.append(piece)
                if said == self.fail_after:
                    raise self.error
                said += 1
                yield SpeechChunk(np.zeros(960, np.float32))
        finally:
            self.closed = True


async def pieces(*texts):
    for text in texts:
        yield text


class Heard:
    def __init__(self):
        self.engines, self.fallbacks = [], []

    def request(self, *texts, **options):
        return SpeechRequest(
            pieces(*texts),
            on_engine=self.engines.append,
            on_fallback=lambda name, why: self.fallbacks.append((name, why)),
            **options,
        )


async def test_first_engine_speaks():
    one, two, heard = Scripted("one"), Scripted("two"), Heard()
    chunks = [c async for c in FallbackChain([one, two]).synthesize(heard.request("a", "b"))]
    assert len(chunks) == 2 and heard.engines == ["one"] and not heard.fallbacks and not two.heard


async def test_next_engine_gets_the_text_from_its_start():
    one, two, three, heard = (
        Scripted("one", fail_after=0),
        Scripted("two", fail_after=0),
        Scripted("three"),
        Heard(),
    )
    chunks = [c async for c in FallbackChain([one, two, three]).synthesize(heard.request("a", "b", "c"))]
    assert len(chunks) == 3 and three.heard == ["a", "b", "c"]
    assert heard.engines == ["three"]
    assert [name for name, _ in heard.fallbacks] == ["one", "two"]
    assert "out of memory" in heard.fallbacks[0][1]
    assert one.closed and two.closed


async def test_after_the_first_sound_a_failure_ends_the_request():
    one, two, heard = Scripted("one", fail_after=1), Scripted("two"), Heard()
    chunks = []
    with pytest.raises(EngineFailed, match="out of memory"):
        async for chunk in FallbackChain([one, two]).synthesize(heard.request("a", "b")):
            chunks.append(chunk)
    assert len(chunks) == 1 and not two.heard and not heard.fallbacks


async def test_last_failure_is_told():
    chain = FallbackChain(
        [Scripted("one", fail_after=0), Scripted("two", fail_after=0, error=EngineFailed("broken"))]
    )
    with pytest.raises(EngineFailed, match="broken"):
        [c async for c in chain.synthesize(Heard().request("a"))]


async def test_an_unspeakable_script_is_no_reason_to_fall_back():
    one, two = Scripted("one", fail_after=0, error=ScriptRejected("nothing to say")), Scripted("two")
    with pytest.raises(ScriptRejected):
        [c async for c in FallbackChain([one, two]).synthesize(Heard().request("a"))]
    assert not two.heard


async def test_engines_that_refuse_are_passed_over():
    one, two, heard = Scripted("one", "en"), Scripted("two", "ja"), Heard()
    chain = FallbackChain([one, two])
    assert [c async for c in chain.synthesize(heard.request("a", language="ja"))]
    assert heard.engines == ["two"] and not heard.fallbacks and not one.heard
    with pytest.raises(VoiceNotFound, match="one-voice, two-voice"):
        chain.check(heard.request("a", voice="nobody"))
    with pytest.raises(LanguageNotSpoken):
        chain.check(heard.request("a", voice="one-voice", language="ja"))
    assert chain.name == "one,two" and len(chain.voices()) == 2


async def test_closing_closes_the_engine():
    one = Scripted("one")
    chunks = FallbackChain([one]).synthesize(Heard().request("a", "b"))
    await anext(chunks)
    await chunks.aclose()
    assert one.closed and one.heard == ["a"]


async def test_engines_that_do_not_warm_up_are_left_out():
    chain = FallbackChain([Scripted("one", warm_error=RuntimeError("no device")), Scripted("two")])
    await chain.warm_up()
    assert chain.name == "two" and chain.skipped[0][0] == "one"
    with pytest.raises(EngineFailed, match="no device"):
        await FallbackChain([Scripted("one", warm_error=RuntimeError("no device"))]).warm_up()
    with pytest.raises(EngineUnavailable):
        FallbackChain([])


class Wordy(Scripted):
    """Says each piece as one word."""

    async def synthesize(self, request):
        self.before.append(request.before)
        at = 0
        async for piece in request.text:
            self.heard.append(piece)
            word = Word(piece, 0.0, 0.04, at, at + len(piece))
            at += len(piece)
            yield SpeechChunk(np.zeros(960, np.float32), words=[word])


async def test_engines_behind_the_first_warm_up_in_the_background():
    class Slow(Scripted):
        ready = False

        async def warm_up(self):
            await asyncio.sleep(0)
            self.ready = True
            await super().warm_up()

    one, two, three = Slow("one"), Slow("two", warm_error=RuntimeError("no device")), Slow("three")
    chain = FallbackChain([one, two, three])
    await chain.warm_up()
    assert one.ready and not three.ready and chain.name == "one,two,three"
    await chain.warmed_up()
    assert three.ready and chain.name == "one,three" and chain.skipped[0][0] == "two"


async def test_each_sentence_is_spoken_by_who_knows_its_language():
    one, two, heard = Wordy("one", "en"), Wordy("two", "ja"), Heard()
    script = ["Hello there. こん", "にちは。", "Hello again, ", "my friend."]
    chunks = [c async for c in FallbackChain([one, two]).synthesize(heard.request(*script))]
    assert heard.engines == ["one", "two", "one"]
    assert "".join(two.heard) == "こんにちは。"
    spoken = len(one.heard) + len(two.heard)
    last = next(i for i, piece in enumerate(one.heard) if "again" in piece)
    assert one.before == [0.0, pytest.approx((last + len(two.heard)) * 0.04)], (
        "so they know when they are due"
    )
    assert two.before == [pytest.approx(last * 0.04)] and len(chunks) == spoken
    text = "".join(script)
    for word in (word for chunk in chunks for word in chunk.words):
        assert text[word.begin : word.stop] == word.text


async def test_a_named_language_or_voice_is_taken_at_its_word():
    one, two, heard = Wordy("one", "en"), Wordy("two", "ja"), Heard()
    chain = FallbackChain([one, two])
    assert [c async for c in chain.synthesize(heard.request("こんにちは。", language="en"))]
    assert [c async for c in chain.synthesize(heard.request("こんにちは。", voice="one-voice"))]
    assert heard.engines == ["one", "one"] and not two.heard


async def test_a_language_that_nobody_speaks_is_refused():
    with pytest.raises(LanguageNotSpoken, match="ja"):
        chain = FallbackChain([Wordy("one", "en"), Wordy("two", "ja")])
        [c async for c in chain.synthesize(Heard().request("안녕하세요."))]


async def test_the_makeshift_engine_is_announced():
    one, two, heard = Wordy("one", "en"), Wordy("espeak", "ko"), Heard()
    chain = FallbackChain([one, two])
    assert [c async for c in chain.synthesize(heard.request("안녕하세요."))]
    assert heard.engines == ["espeak"]
    ((name, reason),) = heard.fallbacks
    assert name == "one" and "Korean" in reason and "robot" in reason


async def test_a_text_without_words_is_refused_when_nobody_says_anything():
    class Silent(Scripted):
        async def synthesize(self, request):
            async for _ in request.text:
                pass
            raise ScriptRejected("nothing")
            yield

    with pytest.raises(ScriptRejected):
        chain = FallbackChain([Silent("one", "en"), Silent("two", "ja")])
        [c async for c in chain.synthesize(Heard().request("...", " ?!"))]


def test_a_chain_runs_where_its_first_engine_does():
    class OnCard(Scripted):
        device, capacity = "cuda", 4

    assert FallbackChain([OnCard("a"), Scripted("b")]).capacity == 4
    assert FallbackChain([Scripted("b"), OnCard("a")]).capacity is None
    assert FallbackChain([OnCard("a"), Scripted("b")]).device == "cuda"
    assert FallbackChain([Scripted("b"), OnCard("a")]).device == "cpu"


async def test_a_first_engine_without_a_voice_yet_is_passed_over():
    class Voiceless(Scripted):
        def voices(self):  # pyright: ignore[reportIncompatibleMethodOverride]
            return ()

        def check(self, request):
            raise VoiceNotFound("make one")

    told = Heard()
    chain = FallbackChain([Voiceless("a"), Scripted("b"), Scripted("c", "ja")])
    chunks = [chunk async for chunk in chain.synthesize(told.request("Good morning to you all."))]
    assert chunks and told.engines == ["b"]
