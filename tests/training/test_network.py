# pyright: reportMissingImports=false
from pathlib import Path

import numpy as np
import pytest

torch = pytest.importorskip("torch", reason="training needs PyTorch, the program does not")
pytest.importorskip("onnx")

from streaming.face.log_mel import BANDS  # noqa: E402
from streaming.face.viseme_net import VisemeNet  # noqa: E402
from streaming.speech.base import Phoneme  # noqa: E402
from training.visemes import labels  # noqa: E402
from training.visemes.augment import Examples  # noqa: E402
from training.visemes.corpus import Utterance  # noqa: E402
from training.visemes.export import TOLERANCE, export, streamed_difference  # noqa: E402
from training.visemes.network import Network  # noqa: E402
from training.visemes.sizes import LOOK_AHEADS  # noqa: E402
from training.visemes.train import Run, load, losses, train  # noqa: E402


@pytest.fixture
def network() -> Network:
    torch.manual_seed(0)
    return Network(24).eval()


def test_nothing_is_heard_before_it_sounds(network: Network) -> None:
    mel = torch.randn(1, 40, BANDS)
    later = mel.clone()
    later[:, 20:] += 3
    with torch.no_grad():
        one, other = network(mel)[0], network(later)[0]
    assert torch.equal(one[:, :10], other[:, :10]) and not torch.equal(one[:, 10], other[:, 10])


def test_the_file_streams_as_the_network_was_trained(network: Network, tmp_path: Path) -> None:
    path = tmp_path / "model.onnx"
    export(network, path)
    assert streamed_difference(network, path, 60) < TOLERANCE
    assert VisemeNet(path).look_ahead_steps == tuple(ms // 20 for ms in LOOK_AHEADS)


def test_training_learns_and_its_weights_come_back(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("training.visemes.train.WARM_STEPS", 1)
    sounds = (
        Phoneme("_", 0.0, 0.5),
        Phoneme("m", 0.5, 1.0),
        Phoneme("ɑ", 1.0, 2.0, 1.0),
        Phoneme("_", 2.0, 3.0),
    )
    mel = np.full((4, 300, BANDS), -20.0, np.float16)
    mel[:, 50:100, :10] = -4.0
    mel[:, 100:200] = -2.0
    targets = labels.targets(sounds, 301).astype(np.float16)
    examples = Examples([Utterance("one", mel, targets, labels.classes(sounds, 301))], 200, 1)
    batch = examples.batch(8)
    torch.manual_seed(0)
    before = losses(Network(), batch)[0].item()
    result = tmp_path / "weights.npz"
    trained = train(examples, Run(12, 3e-3, 8, 0), result)
    back = load(result)
    with torch.no_grad():
        assert losses(trained, batch)[0].item() < before - 0.1
        one, other = (net(torch.from_numpy(batch.mel))[0] for net in (trained, back))
    assert torch.equal(one, other)
    assert [path.name for path in tmp_path.iterdir()] == ["weights.npz"]
