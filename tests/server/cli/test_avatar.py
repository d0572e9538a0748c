import re
from pathlib import Path

import cv2
import numpy as np
import pytest
from typer.testing import CliRunner, Result

from avatars import musetalk
from avatars.atlas_file import save_atlas
from avatars.manifest import Provenance
from avatars.store import BUILTIN_ROOT, AvatarStore
from precompute.musetalk import vae_source
from precompute.sheet import COLUMNS, TILE
from server.cli.main import app
from streaming.errors import EngineFailed, EngineUnavailable
from tests.support.atlas import small_atlas
from tests.support.bundles import details, small_bundle
from tests.support.musetalk_part import PoolingSource, loop_bundle, part_of


@pytest.fixture(autouse=True)
def data(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("LIPSTREAM_DATA_DIR", str(tmp_path / "data"))
    monkeypatch.setenv("COLUMNS", "200")
    monkeypatch.chdir(tmp_path)
    return tmp_path / "data"


@pytest.fixture
def store(data: Path) -> AvatarStore:
    return AvatarStore(data / "avatars")


@pytest.fixture
def pooling(monkeypatch: pytest.MonkeyPatch):
    """Everything is real but the VAE."""
    source = PoolingSource()
    monkeypatch.setattr("server.avatar_parts.VaeSource", lambda _: source)
    return source


def run(*arguments: str) -> Result:
    return CliRunner().invoke(app, ["avatar", *arguments])


def said(result: Result) -> str:
    return " ".join(re.sub(r"\x1b\[[0-9;]*m", "", result.output).split())


def test_a_part_is_built_once_and_shown(store, pooling):
    assert "musetalk none; make it: lipstream avatar rebuild mira" in said(run("show", "mira"))
    result = run("rebuild", "mira")
    assert result.exit_code == 0, result.output
    assert re.search(
        r"Built mira: 1 frame, mask jaw, patch \d+ x \d+ at \d+, 1\d\d \(3\d.\d kB\)", said(result)
    )
    assert "mira is up to date" in said(run("rebuild", "mira")) and pooling.opened == 1
    assert "Built mira" in said(run("rebuild", "mira", "--force"))
    assert "musetalk 1 frame, mask jaw, patch" in said(run("show", "mira"))
    listed = said(run("list"))
    assert "atlas, musetalk" in listed and re.search(r"theo .* atlas ", listed)


def test_the_mask_is_chosen_and_kept(store, pooling):
    assert "mask neck" in said(run("rebuild", "mira", "--mode", "neck"))
    assert "up to date" in said(run("rebuild", "mira"))
    assert "mask raw" in said(run("rebuild", "mira", "--mode", "raw"))
    assert run("rebuild", "mira", "--mode", "chin").exit_code == 2


def test_all_avatars_are_built_and_one_that_cannot_be_stops_none(store, pooling):
    small_bundle(store.root, "ada", landmarks=small_atlas().landmarks * 0 + 50)
    result = run("rebuild", "--all")
    assert result.exit_code == 1
    assert "ada: The landmarks of 'ada' are no face." in said(result)
    assert "Built mira" in said(result) and "Built theo" in said(result)
    orphan = store.root / ".parts" / "gone" / "musetalk.safetensors"
    orphan.parent.mkdir()
    orphan.write_bytes(b"of an avatar that no longer ships with the program")
    again = said(run("rebuild", "--all"))
    assert not orphan.exists()
    assert "mira is up to date" in again and "theo is up to date" in again


def test_an_outdated_or_damaged_part_is_said_to_be_so(store, pooling, monkeypatch):
    run("rebuild", "mira")
    with monkeypatch.context() as later:
        later.setattr(musetalk, "PART_VERSION", 2)
        assert "outdated; make it anew: lipstream avatar rebuild mira (has 1 frame" in said(
            run("show", "mira")
        )
    found = store.find_musetalk("mira")
    assert found is not None
    found.path.write_bytes(b"junk")
    assert "damaged; make it anew" in said(run("show", "mira"))
    assert "Built mira" in said(run("rebuild", "mira"))


@pytest.mark.parametrize(
    ("arguments", "code", "says"),
    [
        ((), 2, "Name one avatar, or give --all"),
        (("mira", "--all"), 2, "Name one avatar, or give --all"),
        (("nobody",), 1, "no avatar 'nobody'"),
    ],
)
def test_what_is_to_be_built_has_to_be_said(pooling, arguments, code, says):
    result = run("rebuild", *arguments)
    assert result.exit_code == code and says in said(result)


def test_what_is_missing_is_said_with_its_command(monkeypatch):
    monkeypatch.setattr(vae_source, "missing", lambda: ("torch", "diffusers"))
    for arguments in (("mira",), ("--all",)):
        result = run("rebuild", *arguments)
        assert result.exit_code == 1
        assert "needs torch, diffusers: pip install" in said(result)


def test_frames_without_a_face_are_told(store, pooling):
    photo = cv2.imread(str(BUILTIN_ROOT / "sources" / "theo.png"))
    assert photo is not None
    small = np.asarray(cv2.resize(photo, (256, 256), interpolation=cv2.INTER_AREA), np.uint8)
    loop_bundle(store.root, [small, np.full_like(small, 90), small])
    result = run("rebuild", "vera")
    assert result.exit_code == 1 and "frames 1 show no face" in said(result)


def test_a_sheet_shows_the_part_below_mouths_and_eyes(store, pooling, tmp_path):
    run("rebuild", "mira")
    for name, rows in (("mira", 6), ("theo", 5)):
        assert run("show", name, "--sheet", f"{name}.png").exit_code == 0
        sheet = cv2.imread(f"{name}.png")
        assert sheet is not None and sheet.shape == (rows * TILE, COLUMNS * TILE, 3)


def test_a_sheet_of_an_avatar_without_an_atlas_shows_frames_of_its_loop(store, pooling):
    still = AvatarStore(store.root).get("mira").atlas().still
    bundle = loop_bundle(store.root, [still] * 5)
    result = run("show", "vera", "--sheet", "vera.png")
    assert result.exit_code == 1 and "lipstream avatar rebuild vera" in said(result)
    store.put_musetalk("vera", part_of(bundle))
    assert run("show", "vera", "--sheet", "vera.png").exit_code == 0
    sheet = cv2.imread("vera.png")
    assert sheet is not None and sheet.shape == (4 * TILE, COLUMNS * TILE, 3)


@pytest.fixture
def quick_drawing(monkeypatch):
    def draw(portrait, progress):
        return small_atlas(landmarks=portrait.landmarks[:, :2] * 96 / 512)

    monkeypatch.setattr("precompute.stages.mouths.build_portrait_atlas", draw)


def test_a_new_avatar_gets_its_part_where_musetalk_is_the_face(store, pooling, quick_drawing, monkeypatch):
    photo = str(BUILTIN_ROOT / "sources" / "theo.png")
    assert run("create", photo, "--name", "plain").exit_code == 0
    assert store.find_musetalk("plain") is None and pooling.opened == 0
    monkeypatch.setenv("LIPSTREAM_FACE", "musetalk,atlas")
    result = run("create", photo, "--name", "whole")
    assert result.exit_code == 0 and "Not ready" not in said(result), result.output
    assert store.get("whole").manifest.engines == ("atlas", "musetalk")
    assert store.musetalk("whole").frames == 1


def test_an_avatar_whose_part_cannot_be_built_is_kept(store, pooling, quick_drawing, monkeypatch):
    def refuse():
        raise EngineUnavailable("Get the weights first.")

    monkeypatch.setattr(pooling, "identity", refuse)
    monkeypatch.setenv("LIPSTREAM_FACE", "musetalk,atlas")
    result = run("create", str(BUILTIN_ROOT / "sources" / "theo.png"), "--name", "new")
    assert result.exit_code == 0
    assert "Not ready for musetalk: Get the weights first." in said(result)
    assert store.get("new").manifest.engines == ("atlas",)


def test_words_of_a_stranger_are_shown_as_they_are(store):
    provenance = Provenance(source="[/red] a [link=x]photo[/link]", licence="[bold]MIT")
    with store.writer("ada") as writer:
        save_atlas(writer.path("atlas.npz"), small_atlas())
        writer.commit(details(name="[blink]Ada[/]", provenance=provenance))
    for shown in (run("list"), run("show", "ada")):
        assert shown.exit_code == 0, shown.output
        assert "[blink]Ada[/]" in said(shown) and "[bold]MIT" in said(shown)
    assert "[/red] a [link=x]photo[/link]" in said(run("show", "ada"))


@pytest.mark.parametrize("trouble", [RuntimeError("CUDA out of memory"), EngineFailed("No numbers.")])
def test_an_avatar_that_cannot_be_prepared_keeps_no_other_from_it(pooling, monkeypatch, trouble):
    encode, calls = pooling.encoder.encode, []

    def fail_first(faces):
        calls.append(1)
        if len(calls) == 1:
            raise trouble
        return encode(faces)

    monkeypatch.setattr(pooling.encoder, "encode", fail_first)
    result = run("rebuild", "--all")
    assert result.exit_code == 1
    assert f"mira: {'The part of ' if isinstance(trouble, RuntimeError) else ''}" in said(result)
    assert str(trouble) in said(result) and "Built theo" in said(result)
