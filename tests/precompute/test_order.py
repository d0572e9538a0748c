import pytest
from pydantic import ValidationError

from precompute.order import AvatarOrder


def _order(**values):
    return AvatarOrder.model_validate({"avatar": "anna-b", "kind": "photo"} | values)


def test_an_order_survives_json():
    order = _order(background=" WHITE ", matting="u2net", repair="opencv", name="Anna")
    assert order.background == "white" and order.title == "Anna"
    assert AvatarOrder.model_validate_json(order.model_dump_json()) == order


def test_the_name_for_people_is_made_from_the_id():
    assert _order().title == "Anna B" and _order(avatar="9_").title == "9"


@pytest.mark.parametrize(
    ("word", "separates", "clear", "needs"),
    [
        ("keep", False, False, False),
        ("#abc", True, False, False),
        ("#e8ebee", True, False, False),
        ("blur", True, False, False),
        ("transparent", True, True, False),
        ("picture", True, False, True),
        ("video", True, True, True),
    ],
)
def test_what_a_background_takes(word, separates, clear, needs):
    order = _order(background=word)
    assert (order.separates, order.clear, order.needs_backdrop) == (separates, clear, needs)


@pytest.mark.parametrize(
    ("values", "says"),
    [
        ({"background": "e8ebee"}, "'e8ebee' is no background"),
        ({"background": "/etc/passwd"}, "is no background"),
        ({"matting": "u2net"}, "name a background, too"),
        ({"background": "white", "matting": "magic"}, "no matting model 'magic'"),
        ({"loop_only": True}, "is for videos"),
        ({"avatar": "../x"}, "pattern"),
        ({"size": 511}, "multiple of 2"),
        ({"unknown": 1}, "Extra inputs"),
    ],
)
def test_what_does_not_fit_is_refused(values, says):
    with pytest.raises(ValidationError, match=says):
        _order(**values)
