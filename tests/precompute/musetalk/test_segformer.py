# pyright: reportMissingImports=false
import numpy as np
import pytest

from precompute.musetalk.build import BuildOptions, build_part
from precompute.musetalk.parsing import PARSE_SIDE
from precompute.musetalk.segformer import SegformerParser
from streaming.errors import EngineUnavailable
from tests.support.musetalk_part import PoolingEncoder, loop_bundle

torch = pytest.importorskip("torch")
transformers = pytest.importorskip("transformers")

CELEBA = tuple(
    "background skin nose eye_g l_eye r_eye l_brow r_brow l_ear r_ear mouth u_lip l_lip hair hat ear_r "
    "neck_l neck cloth".split()
)


def _tiny(folder, names=CELEBA, seed=0):
    torch.manual_seed(seed)
    config = transformers.SegformerConfig(
        depths=[1] * 4, hidden_sizes=[8, 8, 16, 16], num_attention_heads=[1, 1, 2, 2], decoder_hidden_size=16,
        id2label=dict(enumerate(names)), label2id={name: number for number, name in enumerate(names)},
    )  # fmt: skip
    net = transformers.SegformerForSemanticSegmentation(config)
    net.save_pretrained(folder)
    return net


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    path = tmp_path_factory.mktemp("parser")
    _tiny(path)
    return path


def _answers(folder, number):
    """Let a model answer one class everywhere."""
    net = transformers.SegformerForSemanticSegmentation.from_pretrained(folder)
    with torch.no_grad():
        net.decode_head.classifier.weight.zero_()
        net.decode_head.classifier.bias.copy_(torch.nn.functional.one_hot(torch.tensor(number), 19).float())
    net.save_pretrained(folder)


SQUARE = np.array([-10.0, 5, 120])
PICTURE = np.random.default_rng(1).integers(0, 256, (160, 128, 3), np.uint8)


def _parse(folder):
    return SegformerParser(str(folder), "cpu").parse(PICTURE, SQUARE, np.zeros((468, 2), np.float32))


@pytest.mark.parametrize(
    ("answer", "region"),
    [("skin", "skin"), ("l_lip", "mouth"), ("u_lip", "mouth"), ("mouth", "mouth"), ("nose", "nose"),
     ("neck", "neck"), ("hair", None), ("neck_l", None)],
)  # fmt: skip
def test_classes_are_known_by_their_names_in_any_order(tmp_path, answer, region):
    names = tuple(reversed(CELEBA))
    _tiny(tmp_path, names)
    _answers(tmp_path, names.index(answer))
    regions = _parse(tmp_path)
    for name in ("skin", "mouth", "nose", "neck"):
        found = getattr(regions, name)
        assert found.shape == (PARSE_SIDE, PARSE_SIDE) and found.dtype == bool
        assert found.all() if name == region else not found.any()


def test_it_answers_as_transformers_own_preparation_and_scaling_do(folder):
    from precompute.musetalk.crops import square_crop

    net = transformers.SegformerForSemanticSegmentation.from_pretrained(folder).eval()
    rgb = np.ascontiguousarray(square_crop(PICTURE, SQUARE, PARSE_SIDE)[..., ::-1])
    prepared = transformers.SegformerImageProcessor(size={"height": 512, "width": 512})(
        rgb, return_tensors="pt"
    )
    with torch.inference_mode():
        outputs = net(**prepared)
    scaled = torch.nn.functional.interpolate(outputs.logits, size=(PARSE_SIDE, PARSE_SIDE), mode="bilinear")
    labels = scaled.argmax(dim=1)[0].numpy()
    regions = _parse(folder)
    np.testing.assert_array_equal(regions.skin, labels == CELEBA.index("skin"))
    lips = [CELEBA.index(name) for name in ("mouth", "u_lip", "l_lip")]
    np.testing.assert_array_equal(regions.mouth, np.isin(labels, lips))


def test_a_part_is_built_with_it(folder, walk, known_face, tmp_path):
    bundle = loop_bundle(tmp_path, walk(3)[0])
    parser = SegformerParser(str(folder), "cpu")
    options = BuildOptions(mode="raw")
    part = build_part(bundle, PoolingEncoder(), parser, lambda: known_face, options, "m", lambda *_: None)
    assert part.frames == 3 and not part.masks[:, :50].any()


def test_other_weights_are_another_parser(folder, tmp_path):
    _tiny(tmp_path, seed=1)
    one, other = SegformerParser(str(folder), "cpu"), SegformerParser(str(tmp_path), "cpu")
    assert one.identity != other.identity
    assert one.identity == SegformerParser(str(folder), "cpu").identity


def test_a_model_of_other_classes_is_refused(tmp_path):
    _tiny(tmp_path, ("road", "sky", "skin"))
    with pytest.raises(EngineUnavailable, match="l_lip, mouth, neck, nose, u_lip"):
        SegformerParser(str(tmp_path), "cpu")


def test_a_folder_without_weights_and_damaged_ones_are_refused(tmp_path):
    with pytest.raises(EngineUnavailable, match=r"no config\.json and no model\.safetensors"):
        SegformerParser(str(tmp_path), "cpu")
    _tiny(tmp_path)
    (tmp_path / "model.safetensors").write_bytes(b"junk")
    with pytest.raises(EngineUnavailable, match="SegFormer"):
        SegformerParser(str(tmp_path), "cpu")


def test_a_model_that_cannot_be_fetched_is_said_to_be_missing(monkeypatch):
    monkeypatch.setenv("HF_HUB_OFFLINE", "1")
    monkeypatch.setattr("huggingface_hub.constants.HF_HUB_OFFLINE", True)
    with pytest.raises(EngineUnavailable, match="cannot be fetched"):
        SegformerParser("nobody/no-such-parser@0123", "cpu")
