import importlib.util
import sys
import types

import numpy as np
import pytest

from avatars.digest import digest_of
from precompute.repair import lama
from precompute.repair.base import NETWORK_SIDE, fill_around
from precompute.repair.inpainters import OpenCVInpainter, choose
from precompute.repair.lama import LamaInpainter
from precompute.repair.migan import MiganInpainter
from streaming.errors import EngineUnavailable


@pytest.fixture
def no_torch(monkeypatch):
    real = importlib.util.find_spec
    monkeypatch.setattr(importlib.util, "find_spec", lambda name: None if name == "torch" else real(name))


def _hole(height=90, width=120):
    missing = np.zeros((height, width), bool)
    missing[40:50, 60:70] = True
    return missing


def test_opencv_carries_a_surface_on():
    ramp = np.repeat(np.linspace(0, 255, 120).astype(np.uint8)[None, :, None], 90, axis=0).repeat(3, axis=2)
    damaged = ramp.copy()
    damaged[_hole()] = 255
    filled = OpenCVInpainter().fill(damaged, _hole())
    assert np.abs(filled.astype(int) - ramp)[_hole()].max() < 20
    assert (filled[~_hole()] == ramp[~_hole()]).all()


def test_networks_see_surroundings_of_bounded_size_and_change_only_what_is_missing():
    rng = np.random.default_rng(0)
    picture = rng.integers(0, 256, (1500, 1200, 3)).astype(np.uint8)
    missing = np.zeros((1500, 1200), bool)
    missing[100:110, 50:70] = missing[400:1200, 100:1100] = True
    seen = []

    def run(rgb, holes):
        seen.append(rgb.shape[:2])
        assert holes.shape == rgb.shape[:2] and holes.any()
        return np.full_like(rgb, (255, 128, 0))

    filled = fill_around(picture, missing, run)
    assert len(seen) == 2 and all(max(shape) <= NETWORK_SIDE for shape in seen)
    assert (filled[missing] == (0, 128, 255)).all(), "RGB for the network, BGR for us"
    assert (filled[~missing] == picture[~missing]).all()


def test_nothing_missing_asks_no_network():
    def run(rgb, holes):
        raise AssertionError

    picture = np.zeros((9, 9, 3), np.uint8)
    assert (fill_around(picture, np.zeros((9, 9), bool), run) == picture).all()


def test_auto_takes_what_is_there_and_tells_why_not_better(no_torch, tmp_path):
    inpainter, notes = choose("auto")
    assert isinstance(inpainter, OpenCVInpainter) and notes == []
    inpainter, notes = choose("auto", lama=tmp_path)
    assert isinstance(inpainter, OpenCVInpainter)
    assert len(notes) == 1 and "PyTorch" in notes[0]


def test_lama_without_torch_says_what_to_install(no_torch):
    with pytest.raises(EngineUnavailable, match="simple-lama-inpainting"):
        choose("lama")


def test_migan_needs_its_file(tmp_path):
    with pytest.raises(EngineUnavailable, match="MIGAN_MODEL"):
        choose("migan")
    with pytest.raises(EngineUnavailable, match="There is no MI-GAN model"):
        choose("migan", migan=tmp_path / "none.onnx")
    (tmp_path / "bad.onnx").write_bytes(b"no network")
    with pytest.raises(EngineUnavailable, match="not a network that can be read"):
        MiganInpainter(tmp_path / "bad.onnx")


def test_another_network_is_not_taken_for_migan():
    from pathlib import Path

    import streaming.face

    visemes = Path(streaming.face.__file__).parent / "models" / "visemes.onnx"
    with pytest.raises(EngineUnavailable, match="MI-GAN's pipeline"):
        MiganInpainter(visemes)


def test_migan_is_told_what_is_known(monkeypatch):
    inpainter = MiganInpainter.__new__(MiganInpainter)

    class Session:
        def run(self, outputs, inputs):
            image, mask = inputs["image"], inputs["mask"]
            assert image.dtype == mask.dtype == np.uint8 and image.shape[1] == 3 and mask.shape[1] == 1
            return (np.where(mask == 0, 77, image).astype(np.uint8),)

    monkeypatch.setattr(inpainter, "_session", Session(), raising=False)
    filled = inpainter.fill(np.zeros((90, 120, 3), np.uint8), _hole())
    assert (filled[_hole()] == 77).all() and (filled[~_hole()] == 0).all()


class TestLama:
    """With a tiny network in LaMa's format: TorchScript, a picture in 0..1 and a mask of ones."""

    @pytest.fixture
    def model(self, tmp_path):
        torch = pytest.importorskip("torch")

        class Tiny(torch.nn.Module):
            def forward(self, image, mask):
                assert image.shape[2] % 8 == 0 and image.shape[3] % 8 == 0 and bool(image.max() <= 1)
                return image * (1 - mask) + 0.5 * mask

        torch.jit.script(Tiny()).save(str(tmp_path / "big-lama.pt"))
        return tmp_path

    @pytest.mark.parametrize("whole_path", [True, False])
    def test_its_file_or_folder_is_loaded_and_draws(self, model, whole_path):
        inpainter = LamaInpainter(model / "big-lama.pt" if whole_path else model)
        filled = inpainter.fill(np.full((91, 123, 3), 10, np.uint8), _hole(91, 123))
        assert (filled[_hole(91, 123)] == 127).all() and (filled[~_hole(91, 123)] == 10).all()
        assert isinstance(choose("auto", lama=model)[0], LamaInpainter)

    def test_a_missing_or_damaged_file_is_told(self, model):
        with pytest.raises(EngineUnavailable, match="There is no LaMa model"):
            LamaInpainter(model / "none.pt")
        (model / "bad.pt").write_bytes(b"no network")
        with pytest.raises(EngineUnavailable, match="no TorchScript file"):
            LamaInpainter(model / "bad.pt")

    def test_without_a_file_the_package_is_needed(self, model):
        if importlib.util.find_spec("simple_lama_inpainting"):
            pytest.skip("it is installed here")
        with pytest.raises(EngineUnavailable, match="LAMA_MODEL"):
            LamaInpainter()

    @pytest.fixture
    def package(self, model, monkeypatch):
        """The package, as far as it is used: it fetches a file."""
        package = types.ModuleType("simple_lama_inpainting.models.model")
        package.LAMA_MODEL_URL = "https://lama.example/big-lama.pt"  # pyright: ignore[reportAttributeAccessIssue]
        package.download_model = lambda url: str(model / "big-lama.pt")  # pyright: ignore[reportAttributeAccessIssue]
        real = importlib.util.find_spec
        monkeypatch.setattr(
            importlib.util,
            "find_spec",
            lambda name: object() if name == "simple_lama_inpainting" else real(name),
        )
        monkeypatch.setitem(sys.modules, package.__name__.split(".")[0], types.ModuleType("parent"))
        monkeypatch.setitem(sys.modules, package.__name__, package)
        return package

    def test_what_is_fetched_and_not_known_is_not_run(self, model, package):
        with pytest.raises(EngineUnavailable, match=r"not the big-lama\.pt that is known"):
            LamaInpainter()
        assert not (model / "big-lama.pt").exists(), "or the next start would find it"

    def test_what_is_fetched_and_known_draws(self, model, package, monkeypatch):
        monkeypatch.setattr(lama, "LAMA_SHA256", {digest_of(model / "big-lama.pt")})
        filled = LamaInpainter().fill(np.full((40, 40, 3), 10, np.uint8), np.ones((40, 40), bool))
        assert (filled == 127).all()

    def test_weights_that_cannot_be_fetched_are_told(self, package):
        def offline(url):
            raise OSError(url)

        package.download_model = offline
        with pytest.raises(EngineUnavailable, match="cannot be fetched"):
            LamaInpainter()
