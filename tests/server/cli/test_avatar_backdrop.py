"""``lipstream avatar create --background``: everything is real but the network and the hundred pictures."""

import re

import cv2
import numpy as np
import pytest
from typer.testing import CliRunner

from avatars.store import AvatarStore
from benchmarks.renders import busy, render
from precompute.matting import rembg_model
from server.cli.main import app
from tests.support.atlas import atlas_on
from tests.support.mattes import KnownMatter


@pytest.fixture
def store(tmp_path, monkeypatch):
    monkeypatch.setenv("LIPSTREAM_DATA_DIR", str(tmp_path / "data"))
    monkeypatch.setenv("COLUMNS", "200")
    for name in ("LAMA_MODEL", "MIGAN_MODEL"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.chdir(tmp_path)
    return AvatarStore(tmp_path / "data" / "avatars")


@pytest.fixture
def photo(store):
    cv2.imwrite("photo.jpg", render("theo").before(busy("grass")))
    return "photo.jpg"


@pytest.fixture(autouse=True)
def drawn(monkeypatch):
    """The frames that were to be drawn on."""
    frames = []

    def draw(portrait, progress):
        frames.append(portrait.frame)
        return atlas_on(portrait.frame, portrait.landmarks[:, :2])

    monkeypatch.setattr("precompute.stages.mouths.build_portrait_atlas", draw)
    return frames


@pytest.fixture(autouse=True)
def network(monkeypatch):
    """Knows Theo."""
    pytest.importorskip("pymatting")
    asked = []

    class Matter(KnownMatter):
        def __init__(self, model):
            asked.append(model)
            super().__init__(cv2.resize(render("theo").alpha, (512, 512), interpolation=cv2.INTER_AREA))

    monkeypatch.setattr(rembg_model, "RembgMatter", Matter)
    return asked


def run(*arguments):
    result = CliRunner().invoke(app, ["avatar", "create", *arguments])
    return result.exit_code, " ".join(re.sub(r"\x1b\[[0-9;]*m", "", result.output).split())


def test_a_colour_takes_the_place_of_the_background(store, photo, drawn, network):
    code, said = run(photo, "--name", "anna", "--background", "#e8ebee")
    assert code == 0, said
    assert "Background replaced (known): the person takes" in said and "lothing" in said
    assert drawn[0][2, 2].tolist() == [0xEE, 0xEB, 0xE8] and network == ["u2netp"]
    manifest = store.get("anna").manifest
    assert "alpha.png" in manifest.parts and manifest.provenance.tools[1:] == ("known",)
    alpha = cv2.imread(str(store.get("anna").part("alpha.png")), cv2.IMREAD_UNCHANGED)
    assert alpha is not None and alpha.shape == (512, 512) and 0.3 < alpha.mean() / 255 < 0.7


def test_without_the_option_all_is_as_before(store, photo, drawn, network):
    code, said = run(photo, "--name", "anna")
    assert code == 0 and "Background" not in said and network == []
    assert "alpha.png" not in store.get("anna").manifest.parts
    assert drawn[0][:40, :40].std() > 20


def test_a_picture_or_the_blurred_photo_takes_its_place(store, photo, drawn, network):
    cv2.imwrite("red.png", np.full((120, 200, 3), (0, 0, 200), np.uint8))
    assert run(photo, "--name", "anna", "--background", "red.png", "--matting", "u2net")[0] == 0
    assert drawn[0][2, 2].tolist() == [0, 0, 200] and network == ["u2net"]
    assert run(photo, "--name", "bert", "--background", "blur", "--repair", "off")[0] == 0
    assert drawn[1][:40, :40].std() < 12


def test_a_cut_out_brings_its_own_matte_unless_a_model_is_named(store, drawn):
    theo = render("theo")
    cv2.imwrite("cut.png", np.dstack([theo.colours(), (theo.alpha * 255).astype(np.uint8)]))
    code, said = run("cut.png", "--name", "anna", "--background", "white")
    assert code == 0 and "the photo's own transparency" in said
    assert run("cut.png", "--name", "bert", "--background", "white", "--matting", "u2netp")[0] == 0
    assert store.get("bert").manifest.provenance.tools[1:] == ("known",)


def test_a_model_without_a_background_to_replace_is_a_mistake(store, photo):
    code, said = run(photo, "--name", "anna", "--matting", "u2net")
    assert code == 2 and "name a background, too" in said and not store.exists("anna")


def test_without_a_background_the_person_keeps_the_own_colours(store, photo, drawn):
    code, said = run(photo, "--name", "anna", "--background", "transparent")
    assert code == 0, said
    assert drawn[0][2, 2].tolist() == [238, 235, 233]
    manifest = store.get("anna").manifest
    assert manifest.background == "transparent" and "alpha.png" in manifest.parts


@pytest.mark.parametrize(
    ("options", "status", "says"),
    [
        (("--background", "e8ebee"), 2, "'e8ebee' is no background;"),
        (("--background", "picture"), 2, "name the file itself"),
        (("--background", "white", "--matting", "magic"), 2, "no matting model 'magic'"),
        (("--background", "photo.txt"), 1, "This is not a picture"),
        (("--background", "white", "--repair", "migan"), 1, "MIGAN_MODEL"),
        (("--background", "white", "--repair", "migan", "--migan-model", "none.onnx"), 1, "no MI-GAN model"),
    ],
)
def test_what_cannot_be_is_said_and_leaves_nothing(store, photo, tmp_path, options, status, says):
    (tmp_path / "photo.txt").write_text("not a picture")
    code, said = run(photo, "--name", "anna", *options)
    assert code == status and says in said and not store.exists("anna")
