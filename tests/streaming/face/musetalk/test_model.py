# pyright: reportMissingImports=false
import pytest

pytest.importorskip("torch", reason="MuseTalk needs PyTorch, the rest of the program does not")
pytest.importorskip("diffusers", reason="diffusers is not installed")
pytest.importorskip("transformers", reason="transformers is not installed")

import gzip
import json
import math
import shutil
from pathlib import Path

import torch
from safetensors.torch import load_file, save_file

from streaming.errors import EngineUnavailable
from streaming.face.musetalk.model import MuseTalkModel, load_model
from streaming.face.musetalk.package import import_classes
from streaming.face.musetalk.sizes import PUBLISHED, PUBLISHED_UNET_PARAMETERS, UNET
from streaming.face.musetalk.unet import FaceUNet
from streaming.face.musetalk.weights import LIVE, find_weights
from streaming.gpu.placement import Placement
from tests.support.musetalk import CPU, settings, write_config

NAMES = Path(__file__).with_name("published_names.json.gz")
Shapes = dict[str, list[int]]


@pytest.fixture(scope="module")
def published() -> dict[str, Shapes]:
    """Names and shapes of the real weights; where they come from is said within."""
    return json.loads(gzip.decompress(NAMES.read_bytes()))


def shapes(network: torch.nn.Module) -> Shapes:
    return {name: list(value.shape) for name, value in network.state_dict().items()}


def test_names_and_shapes_are_those_of_the_published_weights(published: dict[str, Shapes]) -> None:
    classes = import_classes()
    with torch.device("meta"):
        unet = classes.unet(**settings(PUBLISHED.unet))
        vae = classes.vae(**settings(PUBLISHED.vae))
    assert shapes(unet) == published["unet"] and len(published["unet"]) == 686
    assert shapes(vae) == published["vae"] and len(published["vae"]) == 248
    assert sum(map(math.prod, published["unet"].values())) == PUBLISHED_UNET_PARAMETERS


@pytest.mark.slow
@pytest.mark.timeout(600)
def test_a_full_size_unet_loads_from_a_file_with_those_names(
    tmp_path: Path, published: dict[str, Shapes], musetalk_folder: Path
) -> None:
    """Each tensor is one number, repeated: so the file is small, and memory is taken for the result only."""
    folder = tmp_path / "musetalk"
    shutil.copytree(musetalk_folder, folder)
    write_config(folder / "musetalkV15/musetalk.json", UNET)
    state = {name: torch.full((1,), 0.01).expand(shape) for name, shape in published["unet"].items()}
    torch.save(state, folder / "musetalkV15/unet.pth")
    model = load_model(find_weights(str(folder), LIVE), Placement("cpu", "float16"))
    parameters = list(model.unet.parameters())
    assert {(p.dtype, p.device.type) for p in parameters} == {(torch.float16, "cpu")}
    time = sum(math.prod(shape) for name, shape in published["unet"].items() if "time_emb" in name)
    assert sum(p.numel() for p in parameters) == PUBLISHED_UNET_PARAMETERS - time
    assert model.weights["unet"] == 2 * (PUBLISHED_UNET_PARAMETERS - time)
    del state["conv_out.bias"]
    torch.save(state, folder / "musetalkV15/unet.pth")
    with pytest.raises(EngineUnavailable, match=r"conv_out\.bias"):
        load_model(find_weights(str(folder), LIVE), CPU)


def test_a_folder_loads_as_it_was_written(musetalk_folder: Path, tiny_model: MuseTalkModel) -> None:
    """Against the packages' own classes with the same files."""
    classes = import_classes()
    state = torch.load(musetalk_folder / "musetalkV15/unet.pth", weights_only=True)
    config = json.loads((musetalk_folder / "musetalkV15/musetalk.json").read_text("utf-8"))
    unet = classes.unet(**settings(config))
    unet.load_state_dict(state, strict=True)
    latents, features = torch.randn(1, 8, 32, 32), torch.randn(1, 50, 384)
    with torch.inference_mode():
        plain = unet.eval()(latents, 0, encoder_hidden_states=features).sample
        torch.testing.assert_close(tiny_model.unet(latents, features), plain, atol=1e-5, rtol=0)
        vae = classes.vae.from_pretrained(musetalk_folder / "sd-vae").eval()
        assert tiny_model.vae is not None
        expected = vae.decode(plain / vae.config.scaling_factor).sample
        torch.testing.assert_close(tiny_model.vae(plain), expected, atol=1e-4, rtol=0)
        taesd = classes.tiny_vae.from_pretrained(musetalk_folder / "taesd").eval()
        torch.testing.assert_close(tiny_model.taesd(plain), taesd.decode(plain).sample, atol=1e-4, rtol=0)


def test_of_whisper_only_the_encoder_is_kept(musetalk_folder: Path, tiny_model: MuseTalkModel) -> None:
    from transformers import WhisperModel

    tensors = load_file(musetalk_folder / "whisper/model.safetensors")
    config = import_classes().whisper_config.from_json_file(musetalk_folder / "whisper/config.json")
    whole = WhisperModel(config).eval()
    whole.load_state_dict(
        {name.removeprefix("model."): value for name, value in tensors.items()}, strict=True
    )
    assert tiny_model.whisper.state_dict().keys() == whole.encoder.state_dict().keys()
    mel = torch.randn(1, 80, 3000)
    with torch.inference_mode():
        heard = tiny_model.whisper(mel, output_hidden_states=True).hidden_states
        expected = whole.encoder(mel, output_hidden_states=True).hidden_states
    assert len(heard) == 5 and all(torch.equal(*both) for both in zip(heard, expected, strict=True))


def test_everything_is_in_one_precision_and_trains_nothing(musetalk_folder: Path) -> None:
    model = load_model(find_weights(str(musetalk_folder)), Placement("cpu", "float16"))
    assert model.vae is not None
    for network in (model.unet, model.taesd, model.vae, model.whisper):
        for parameter in network.parameters():
            assert parameter.dtype is torch.float16 and not parameter.requires_grad
        assert not network.training
    convolution = model.unet.network.conv_in.weight
    assert convolution.is_contiguous(memory_format=torch.channels_last)
    assert model.weights.keys() == {"unet", "taesd", "vae", "whisper"}


def test_the_vae_is_loaded_where_it_is_asked_for(musetalk_folder: Path) -> None:
    assert load_model(find_weights(str(musetalk_folder), LIVE), CPU).vae is None
    assert load_model(find_weights(str(musetalk_folder)), CPU, with_vae=False).vae is None
    assert load_model(str(musetalk_folder), CPU).vae is None
    assert load_model(str(musetalk_folder), CPU, with_vae=True).vae is not None


def test_safetensors_and_old_names_load_the_same(
    musetalk_folder: Path, tmp_path: Path, tiny_model: MuseTalkModel
) -> None:
    folder = tmp_path / "musetalk"
    shutil.copytree(musetalk_folder, folder)
    state = torch.load(folder / "musetalkV15/unet.pth", weights_only=True)
    save_file(state, folder / "musetalkV15/unet.safetensors")
    (folder / "musetalkV15/unet.pth").unlink()
    old = {"to_q": "query", "to_k": "key", "to_v": "value", "to_out.0": "proj_attn"}
    vae = load_file(folder / "sd-vae/diffusion_pytorch_model.safetensors")
    for new, name in old.items():
        vae = {key.replace(f".attentions.0.{new}.", f".attentions.0.{name}."): vae[key] for key in vae}
    torch.save(vae, folder / "sd-vae/diffusion_pytorch_model.bin")
    (folder / "sd-vae/diffusion_pytorch_model.safetensors").unlink()
    model = load_model(find_weights(str(folder)), CPU)
    for name in ("unet", "vae"):
        expected, found = getattr(tiny_model, name).state_dict(), getattr(model, name).state_dict()
        assert all(torch.equal(found[key], expected[key]) for key in expected)


def test_weights_of_another_network_are_refused(musetalk_folder: Path, tmp_path: Path) -> None:
    folder = tmp_path / "musetalk"
    shutil.copytree(musetalk_folder, folder)
    write_config(folder / "musetalkV15/musetalk.json", UNET)
    with pytest.raises(EngineUnavailable, match="do not fit MuseTalk"):
        load_model(find_weights(str(folder), LIVE), CPU)
    write_config(folder / "musetalkV15/musetalk.json", {"_class_name": "UNet2DConditionModel", "what": 1})
    with pytest.raises(EngineUnavailable, match="do not fit MuseTalk"):
        load_model(find_weights(str(folder), LIVE), CPU)


def test_half_precision_weights_in_a_file_are_folded_in_float32(tiny_model: MuseTalkModel) -> None:
    assert isinstance(tiny_model.unet, FaceUNet)
    assert {p.dtype for p in tiny_model.unet.parameters()} == {torch.float32}
