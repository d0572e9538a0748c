import pytest

from avatars.errors import BundleInvalid
from avatars.store import AvatarStore
from precompute.parts import build_parts
from streaming.errors import EngineUnavailable


class Builder:
    def __init__(self, name, error=None):
        self.name, self.error, self.calls = name, error, []

    def build(self, store, avatar, *, force=False, progress=None):
        self.calls.append((avatar, force))
        if progress is not None:
            progress("half", 0.5)
        if self.error:
            raise self.error
        return True


@pytest.mark.parametrize(
    ("error", "reason"),
    [
        (EngineUnavailable("Install it."), "Install it."),
        (BundleInvalid("Too long."), "Too long."),
        (RuntimeError("CUDA out of memory"), "RuntimeError: CUDA out of memory"),
        (OSError(28, "No space left on device"), "OSError: [Errno 28] No space left on device"),
    ],
)
def test_one_part_that_fails_stops_none_of_the_others(tmp_path, error, reason):
    builders = [Builder("one", error), Builder("two")]
    done = []
    failures = build_parts(
        builders, AvatarStore(tmp_path), "mira", force=True, progress=lambda step, part: done.append(part)
    )
    assert failures == {"one": reason}
    assert [builder.calls for builder in builders] == [[("mira", True)]] * 2
    assert done == [0.25, 0.75]


def test_a_fault_of_the_program_is_not_swallowed(tmp_path):
    with pytest.raises(KeyError):
        build_parts([Builder("one", KeyError("x"))], AvatarStore(tmp_path), "mira")
