import pytest

from avatars.errors import AvatarNotFound
from streaming.commands import carry_out
from streaming.errors import CapacityReached
from streaming.protocol import Ack, Append, ChangeAvatar, Error, Interrupt, Keyframe, Ping, Pong, Say


class Recorder:
    """A session that notes what it is told, or fails as it is told to."""

    id = "s"
    generation = 4

    def __init__(self, failure: Exception | None = None) -> None:
        self.told: list[tuple[object, ...]] = []
        self.failure = failure

    async def say(self, text: str, **options: object) -> str:
        if self.failure is not None:
            raise self.failure
        self.told.append(("say", text, options["voice"], options["speed"], options["final"]))
        return "u9"

    async def append(self, utterance: str, text: str, final: bool = False) -> None:
        self.told.append(("append", utterance, text, final))

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
        (Interrupt(), Ack(generation=5), ("interrupt",)),
        (ChangeAvatar(avatar="theo"), Ack(generation=4), ("avatar", "theo")),
        (Keyframe(id="k"), Ack(id="k", generation=4), ("keyframe",)),
        (Ping(time=3.0, id="p"), Pong(time=3.0, id="p"), None),
    ],
)
async def test_each_command_does_its_work_and_is_answered(command, answer, told):
    for raw in (command, command.model_dump_json(), command.model_dump_json().encode()):
        session = Recorder()
        assert await carry_out(session, raw) == answer
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
    answer = await carry_out(Recorder(failure), Say(text="x", id="7"))
    assert isinstance(answer, Error)
    assert (answer.code, answer.id) == (code, "7") and answer.message


async def test_what_cannot_be_read_names_the_field():
    answer = await carry_out(Recorder(), '{"type": "say", "text": 5, "id": "8"}')
    assert isinstance(answer, Error)
    assert (answer.code, answer.id) == ("bad_command", "8") and "text" in answer.message


async def test_a_ping_whose_time_no_json_can_carry_back_is_refused():
    answer = await carry_out(Recorder(), '{"type": "ping", "time": NaN, "id": "9"}')
    assert isinstance(answer, Error)
    assert (answer.code, answer.id) == ("bad_command", "9")
