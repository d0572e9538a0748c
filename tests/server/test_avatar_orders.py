import importlib.util
import tempfile
from collections.abc import Collection
from contextlib import ExitStack
from pathlib import Path
from typing import BinaryIO, cast

import pytest
from fastapi.exceptions import RequestValidationError

from avatars.errors import AvatarExists
from avatars.manifest import NOT_STATED
from avatars.store import AvatarStore
from precompute.errors import AvatarRejected
from precompute.order import AvatarOrder
from precompute.photo import MAX_BYTES
from server.avatar_orders import AvatarOrders, source_of_address, source_of_file
from server.job_models import AvatarWish
from server.problems import HTTPProblem
from streaming.errors import EngineUnavailable
from tests.support.whole_avatars import whole_bundle

JPEG = b"\xff\xd8\xff\xe0 a photo"
PNG = b"\x89PNG\r\n\x1a\n a picture"
HEIC = b"\0\0\0\x18ftypheic a photo"
MP4 = b"\0\0\0\x18ftypisom a video"


def opened(data: bytes, stack: ExitStack) -> BinaryIO:
    file = stack.enter_context(tempfile.TemporaryFile())
    file.write(data)
    return file


async def order(
    root: Path,
    data: bytes = JPEG,
    backdrop: bytes | None = None,
    *,
    orders: AvatarOrders | None = None,
    wanted: Collection[str] = (),
    **wish: object,
) -> AvatarOrder:
    wished = AvatarWish.model_validate({"consent": "This is me.", **wish})
    with ExitStack() as stack:
        behind = None if backdrop is None else opened(backdrop, stack)
        ordered = (orders or AvatarOrders()).order(
            wished, AvatarStore(root), lambda: wanted, opened(data, stack), behind, "me.jpg"
        )
        async with ordered as made:
            return made


async def test_everything_that_is_wished_for_is_ordered(tmp_path: Path):
    made = await order(
        tmp_path,
        MP4,
        PNG,
        id="anna",
        name="  An\u202ena\nRoe ",
        background="Picture",
        matting="u2net",
        repair="opencv",
        loop_only=True,
        source="a\tcamera",
        author="Jane",
        licence="CC0",
        consent="She agreed\nby mail.",
    )
    assert (made.avatar, made.kind, made.name, made.background) == ("anna", "video", "Anna Roe", "picture")
    assert (made.matting, made.repair, made.loop_only) == ("u2net", "opencv", True)
    told = made.provenance
    assert (told.source, told.author, told.licence) == ("a camera", "Jane", "CC0")
    assert told.consent == "She agreed by mail."


async def test_what_is_not_said_has_a_default(tmp_path: Path):
    made = await order(tmp_path)
    assert (made.kind, made.name, made.background, made.matting) == ("photo", None, "keep", None)
    assert made.avatar.startswith("avatar-") and len(made.avatar) > 10
    assert (made.provenance.source, made.provenance.author) == ("me.jpg", NOT_STATED)


@pytest.mark.parametrize(
    ("name", "avatar"), [("Zo\u00eb M\u00fcller!", "zoe-muller"), ("  A  ", "a"), ("x" * 90, "x" * 40)]
)
async def test_an_id_is_made_from_the_name(tmp_path: Path, name, avatar):
    assert (await order(tmp_path, name=name)).avatar == avatar
    again = (await order(tmp_path, name=name, wanted={avatar})).avatar
    assert again.startswith(f"{avatar}-") and again != avatar


async def test_a_name_without_letters_of_ids_gives_some_id(tmp_path: Path):
    assert (await order(tmp_path, name="\u5f20\u4f1f")).avatar.startswith("avatar-")


async def test_an_id_that_is_taken_wanted_or_being_ordered_is_refused(tmp_path: Path):
    whole_bundle(tmp_path, "ada")
    for avatar, wanted in (("ada", ()), ("mira", ()), ("eve", ("eve",))):
        with pytest.raises(AvatarExists, match=avatar):
            await order(tmp_path, id=avatar, wanted=wanted)
    orders = AvatarOrders()
    wish = AvatarWish(consent="me", id="eve")
    with ExitStack() as stack:
        photo = opened(JPEG, stack)
        async with orders.order(wish, AvatarStore(tmp_path), tuple, photo, None, "x"):
            with pytest.raises(AvatarExists, match="being made"):
                await order(tmp_path, id="eve", orders=orders)
        with pytest.raises(RuntimeError):
            async with orders.order(wish, AvatarStore(tmp_path), tuple, photo, None, "x"):
                raise RuntimeError
    assert (await order(tmp_path, id="eve", orders=orders)).avatar == "eve", "free again, whatever happened"


@pytest.mark.parametrize(
    ("behind", "background", "becomes"),
    [(PNG, None, "picture"), (MP4, None, "video"), (MP4, "video", "video"), (HEIC, "picture", "picture")],
)
async def test_the_second_file_says_what_is_behind(tmp_path: Path, behind, background, becomes):
    assert (await order(tmp_path, JPEG, behind, background=background)).background == becomes


@pytest.mark.parametrize(
    ("behind", "wish", "field"),
    [
        (None, {"background": "picture"}, "background"),
        (None, {"background": "video"}, "background"),
        (PNG, {"background": "video"}, "background"),
        (MP4, {"background": "picture"}, "background"),
        (PNG, {"background": "blur"}, "background"),
        (PNG, {"background": "keep"}, "background"),
        (None, {"background": "/etc/passwd"}, "background"),
        (None, {"background": "white", "matting": "u2netq"}, "matting"),
        (None, {"consent": "\u200b \u202e"}, "consent"),
    ],
)
async def test_what_does_not_go_together_is_refused(tmp_path: Path, behind, wish, field):
    with pytest.raises(RequestValidationError) as refused:
        await order(tmp_path, JPEG, behind, **wish)
    (error,) = refused.value.errors()
    assert field in f"{error['loc']} {error['msg']}"
    assert not error["msg"].startswith("Value error")


@pytest.mark.parametrize(
    ("wish", "told"), [({"matting": "u2net"}, "background"), ({"loop_only": True}, "videos")]
)
async def test_fields_that_do_not_go_together_are_refused(tmp_path: Path, wish, told):
    with pytest.raises(HTTPProblem, match=told) as refused:
        await order(tmp_path, JPEG, **wish)
    assert refused.value.status == 422 and "Value error" not in refused.value.detail


@pytest.mark.parametrize("data", [b"", b"%PDF-1.7", b"<svg/>", b"RIFF\0\0\0\0WAVEfmt "])
async def test_what_is_neither_photo_nor_video_is_refused(tmp_path: Path, data):
    for source, behind in ((data, None), (JPEG, data)):
        with pytest.raises(AvatarRejected) as refused:
            await order(tmp_path, source, behind)
        assert refused.value.code == "not_an_image"


async def test_a_photo_that_is_too_large_is_refused_at_once(tmp_path: Path):
    large = JPEG + bytes(MAX_BYTES)
    for source, behind in ((large, None), (JPEG, large)):
        with pytest.raises(AvatarRejected) as refused:
            await order(tmp_path, source, behind)
        assert refused.value.code == "image_too_large"
    assert (await order(tmp_path, MP4 + bytes(MAX_BYTES))).kind == "video"


async def test_what_is_not_installed_is_told_at_once(tmp_path: Path, monkeypatch):
    found, missing = importlib.util.find_spec, ("rembg", "pi_heif")
    monkeypatch.setattr(importlib.util, "find_spec", lambda name: None if name in missing else found(name))
    with pytest.raises(AvatarRejected, match=r"lipstream\[heif\]"):
        await order(tmp_path, HEIC)
    for data, model in ((JPEG, None), (MP4, None), (PNG, "u2net")):
        with pytest.raises(EngineUnavailable, match=r"lipstream\[matting\]"):
            await order(tmp_path, data, background="white", matting=model)
    assert (await order(tmp_path, PNG, background="white")).kind == "photo", "it may be cut out already"
    assert (await order(tmp_path, JPEG)).background == "keep"
    monkeypatch.setattr(importlib.util, "find_spec", lambda name: None)
    with pytest.raises(EngineUnavailable, match="LiteRT"):
        await order(tmp_path, JPEG)


@pytest.mark.parametrize(
    ("given", "kept"),
    [
        ("me.jpg", "me.jpg"),
        ("../../etc/pass\u0000wd", "passwd"),
        ("C:\\Users\\jane\\me.jpg", "me.jpg"),
        ("a\u202egpj.exe\n", "agpj.exe"),
        ("x" * 900, "x" * 200),
        ("", NOT_STATED),
        ("/", NOT_STATED),
    ],
)
def test_of_a_file_its_name_is_kept_as_text(given, kept):
    assert source_of_file(given) == kept


@pytest.mark.parametrize(
    ("given", "kept"),
    [
        ("https://example.org/a/me.jpg?key=secret#x", "https://example.org/a/me.jpg"),
        ("https://jane:secret@example.org/me.jpg", "https://example.org/me.jpg"),
        ("http://[", NOT_STATED),
        ("https://example.org/" + "x" * 900, "https://example.org/" + "x" * 180),
    ],
)
def test_of_an_address_no_secret_is_kept(given, kept):
    assert source_of_address(given) == kept


async def test_a_file_in_memory_is_looked_at_as_well(tmp_path: Path):
    wish = AvatarWish(consent="me")
    with tempfile.SpooledTemporaryFile(1 << 20) as spooled:
        file = cast(BinaryIO, spooled)
        file.write(JPEG)
        async with AvatarOrders().order(wish, AvatarStore(tmp_path), tuple, file, None, "x") as made:
            assert made.kind == "photo"
        file.seek(0)
        assert file.read() == JPEG
