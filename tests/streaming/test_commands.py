import numpy as np
import pytest

from avatars.errors import AvatarNotFound
from streaming.commands import MAX_READERS, CommandLine
from streaming.errors import CapacityReached, UnknownUtterance
from streaming.protocol import (
    Ack,
    Append,
    ChangeAvatar,
    Error,
    Interrupt,
    Keyframe,
    Ping,
    Pong,
    Say,
    SayAudio,
)
from streaming.speech.delivery import Delivery


class Recorder:
    """A session that notes what it is told, or fails as it is told to."""

    id = "s"
    generation = 4

    def __init__(self, failure: Exception | None = None) -> None:
        self.told: list[tuple[object, ...]] = []
        self.failure = failure
        self.delivery: object = None

    async def say(self, text: str, **options: object) -> str:
        if self.failure is not None:
            raise self.failure
        self.told.append(("say", text, options["voice"], options["speed"], options["final"]))
        self.delivery = options["delivery"]
        return "u9"

    async def append(self, utterance: str, text: str, final: bool = False) -> None:
        self.told.append(("append", utterance, text, final))

    async def say_audio(
        self, *, utterance: str | None = None, sender: object = None, **options: object
    ) -> str:
        if self.failure is not None:
            raise self.failure
        self.told.append(("say_audio", *options.values()))
        return utterance or "u9"

    async def append_audio(
        self, utterance: str, samples: np.ndarray, final: bool = False, sender: object = None
    ) -> None:
        if self.failure is not None:
            raise self.failure
        self.told.append(("append_audio", utterance, samples.tolist(), final))

    async def interrupt(self) -> int:
        self.told.append(("interrupt",))
        return 5

    async def change_avatar(self, avatar: str) -> None:
        self.told.append(("avatar", avatar))

    def request_keyframe(self) -> None:
        self.told.append(("keyframe",))


@pytest.mark.parametrize(
    ("command", "answer", "told"),
    [
        (
            Say(text="hi", voice="heart", speed=1.5, id="a"),
            Ack(id="a", utterance="u9", generation=4),
            ("say", "hi", "heart", 1.5, True),
        ),
        (
            Append(utterance="u9", text=" you", final=True),
            Ack(utterance="u9", generation=4),
            ("append", "u9", " you", True),
        ),
        (
            SayAudio(live=True, end_after_silence=1.5, id="b"),
            Ack(id="b", utterance="u9", generation=4),
            ("say_audio", False, True, 1.5),
        ),
        (Interrupt(), Ack(generation=5), ("interrupt",)),
        (ChangeAvatar(avatar="theo"), Ack(generation=4), ("avatar", "theo")),
        (Keyframe(id="k"), Ack(id="k", generation=4), ("keyframe",)),
        (Ping(time=3.0, id="p"), Pong(time=3.0, id="p"), None),
    ],
)
async def test_each_command_does_its_work_and_is_answered(command, answer, told):
    for raw in (command, command.model_dump_json()):
        session = Recorder()
        assert await CommandLine(session).handle(raw) == answer
        assert session.told == ([told] if told else [])


@pytest.mark.parametrize(
    ("failure", "code"),
    [
        (CapacityReached("full"), "capacity_reached"),
        (AvatarNotFound("no such face"), "avatar_not_found"),
        (ZeroDivisionError(), "internal_error"),
    ],
)
async def test_a_failure_is_an_answer_with_the_commands_id(failure, code):
    answer = await CommandLine(Recorder(failure)).handle(Say(text="x", id="7"))
    assert isinstance(answer, Error)
    assert (answer.code, answer.id) == (code, "7") and answer.message


async def test_what_cannot_be_read_names_the_field():
    answer = await CommandLine(Recorder()).handle('{"type": "say", "text": 5, "id": "8"}')
    assert isinstance(answer, Error)
    assert (answer.code, answer.id) == ("bad_command", "8") and "text" in answer.message


async def test_a_ping_whose_time_no_json_can_carry_back_is_refused():
    answer = await CommandLine(Recorder()).handle('{"type": "ping", "time": NaN, "id": "9"}')
    assert isinstance(answer, Error)
    assert (answer.code, answer.id) == ("bad_command", "9")


async def test_binary_messages_are_sound_of_what_was_opened_last():
    session = Recorder()
    line = CommandLine(session)
    await line.handle(SayAudio(utterance="one"))
    assert await line.handle(b"\x00\x40\x00") is None
    assert await line.handle(b"\xc0") is None
    await line.handle(SayAudio(utterance="two", encoding="pcm_f32le"))
    assert await line.handle(np.array([0.25, -3], np.float32).tobytes()) is None
    answer = await line.handle(
        '{"type":"append_audio","utterance":"one","audio":"AEA=","final":true,"id":"5"}'
    )
    assert answer == Ack(id="5", utterance="one", generation=4)
    assert session.told[1:3] == [
        ("append_audio", "one", [0.5], False),
        ("append_audio", "one", [-0.5], False),
    ]
    assert session.told[4:] == [
        ("append_audio", "two", [0.25, -1.0], False),
        ("append_audio", "one", [0.5], True),
    ]


async def test_sound_that_nobody_asked_for_is_refused_once():
    line = CommandLine(Recorder())
    first = await line.handle(b"{}")
    assert isinstance(first, Error) and first.code == "bad_command" and "say_audio" in first.message
    assert [await line.handle(b"..") for _ in range(3)] == [None] * 3
    await line.handle(SayAudio())
    assert await line.handle(b"..") is None
    failing = CommandLine(session := Recorder())
    await failing.handle(SayAudio())
    session.failure = CapacityReached("full")
    refused = await failing.handle(b"..")
    assert isinstance(refused, Error) and refused.code == "capacity_reached"
    assert await failing.handle(b"..") is None


async def test_sound_of_another_connection_cannot_be_appended_to():
    session = Recorder()
    await CommandLine(session).handle(SayAudio(utterance="theirs"))
    answer = await CommandLine(session).handle('{"type":"append_audio","utterance":"theirs"}')
    assert isinstance(answer, Error) and answer.code == "unknown_utterance"


@pytest.mark.parametrize(
    "raw",
    [
        '{"type":"append_audio","utterance":"u9","audio":"not base64!"}',
        '{"type":"append_audio","utterance":"u9","audio":5}',
        '{"type":"say_audio","encoding":"mp3"}',
        '{"type":"say_audio","sample_rate":96000}',
        '{"type":"say_audio","end_after_silence":0}',
    ],
)
async def test_sound_that_cannot_be_read_is_refused(raw):
    line = CommandLine(Recorder())
    await line.handle(SayAudio())
    answer = await line.handle(raw)
    assert isinstance(answer, Error) and answer.code == "bad_command"


@pytest.mark.parametrize("refused", ['{"type":"say_audio","sample_rate":96000}', '{"type":"say_audio"}'])
async def test_the_sound_of_a_refused_command_is_not_said_in_the_utterance_before(refused):
    session = Recorder()
    line = CommandLine(session)
    await line.handle(SayAudio(utterance="one"))
    session.failure = CapacityReached("full")
    assert isinstance(await line.handle(refused), Error)
    session.failure = None
    assert await line.handle(b"\x00\x40") is None
    assert [what for what, *_ in session.told] == ["say_audio"]


async def test_sounds_that_ended_by_themselves_do_not_take_the_place_of_an_open_one():
    session = Recorder()
    line = CommandLine(session)
    await line.handle(SayAudio(utterance="mic"))
    for number in range(2 * MAX_READERS):
        await line.handle(SayAudio(utterance=f"short-{number}"))
        session.failure = UnknownUtterance("it has ended")
        await line.handle(b"..")
        session.failure = None
    answer = await line.handle('{"type":"append_audio","utterance":"mic","audio":"AEA="}')
    assert isinstance(answer, Ack)


async def test_what_a_connection_left_open_ends_with_it():
    session = Recorder()
    line = CommandLine(session)
    await line.handle(SayAudio(utterance="one"))
    await line.handle(SayAudio(utterance="two"))
    await line.handle('{"type":"append_audio","utterance":"one","final":true}')
    await line.close()
    await line.close()
    assert session.told[2:] == [("append_audio", "one", [], True), ("append_audio", "two", [], True)]


async def test_after_a_loss_the_rest_of_the_sound_is_dropped_and_the_next_is_heard():
    session = Recorder()
    line = CommandLine(session)
    await line.handle(SayAudio(utterance="one"))
    line.lose_sound()
    assert await line.handle(b"....") is None
    await line.handle('{"type":"append_audio","utterance":"one","final":true}')
    await line.handle(SayAudio(utterance="two"))
    assert await line.handle(b"\x00\x40") is None
    assert session.told[1:] == [
        ("append_audio", "one", [], True),
        ("say_audio", False, False, None),
        ("append_audio", "two", [0.5], False),
    ]


async def test_how_a_text_is_delivered_comes_through():
    session = Recorder()
    await CommandLine(session).handle(
        '{"type": "say", "text": "hi", "pitch": -2, "volume": 0.5, "pause": 1.5}'
    )
    assert session.delivery == Delivery(-2.0, 0.5, 1.5)
