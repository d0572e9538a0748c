import hashlib
from pathlib import Path

import pytest
from structlog.testing import capture_logs

from streaming.errors import EngineUnavailable
from streaming.face.musetalk import weights


def put(folder: Path, *names: str) -> Path:
    for name in names:
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_bytes(name.encode())
    return folder


LIVE_FILES = (
    "musetalkV15/musetalk.json",
    "musetalkV15/unet.pth",
    "whisper/config.json",
    "whisper/model.safetensors",
    "taesd/config.json",
    "taesd/diffusion_pytorch_model.safetensors",
)


def test_a_folder_is_taken_part_by_part(tmp_path: Path) -> None:
    folder = put(tmp_path, *LIVE_FILES)
    found = weights.find_weights(str(folder), weights.LIVE)
    assert set(found) == set(weights.LIVE)
    assert found["unet"].config == folder / "musetalkV15/musetalk.json"
    assert found["unet"].sha256 == hashlib.sha256(b"musetalkV15/unet.pth").hexdigest()
    assert weights.missing_weights(str(folder)) == ("vae",)
    with pytest.raises(EngineUnavailable, match=r"missing: sd-vae/config\.json and sd-vae/diffusion"):
        weights.find_weights(str(folder))


def test_the_layout_of_upstream_is_understood(tmp_path: Path) -> None:
    names = ("sd-vae-ft-mse/config.json", "sd-vae-ft-mse/diffusion_pytorch_model.bin")
    folder = put(tmp_path, *names, "whisper/config.json", "whisper/pytorch_model.bin")
    put(folder, "musetalkV15/musetalk.json", "musetalkV15/unet.safetensors")
    assert weights.missing_weights(str(folder)) == ("taesd",)
    found = weights.find_weights(str(folder), ("unet", "vae", "whisper"))
    assert [files.weights.suffix for files in found.values()] == [".safetensors", ".bin", ".bin"]


def test_everything_that_a_folder_lacks_is_named_at_once(tmp_path: Path) -> None:
    with pytest.raises(EngineUnavailable) as caught:
        weights.find_weights(str(tmp_path / "nothing"))
    assert all(part.folders[0] in caught.value.message for part in weights.PARTS.values())


def test_other_weights_in_a_folder_are_told_of(tmp_path: Path) -> None:
    with capture_logs() as logs:
        weights.find_weights(str(put(tmp_path, *LIVE_FILES)), ("unet",))
    assert any("not the published" in entry["event"] and entry["log_level"] == "warning" for entry in logs)


def test_the_published_file_is_known_by_its_checksum(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    known = {("unet", "unet.pth"): hashlib.sha256(b"musetalkV15/unet.pth").hexdigest()}
    monkeypatch.setattr(weights, "CHECKSUMS", known)
    with capture_logs() as logs:
        weights.find_weights(str(put(tmp_path, *LIVE_FILES)), ("unet",))
    assert [entry["published"] for entry in logs] == [True]


def test_a_file_is_read_for_its_checksum_once_unless_it_changes(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Networks are loaded again after an idle time, and 3.4 GB take seconds."""
    file = put(tmp_path, "weights") / "weights"
    first = weights.sha256(file)
    read: list[object] = []
    monkeypatch.setattr(
        weights, "digest_of", lambda path: read.append(path) or hashlib.sha256(b"new").hexdigest()
    )
    assert weights.sha256(file) == first and not read
    file.write_bytes(b"something else")
    assert weights.sha256(file) == hashlib.sha256(b"new").hexdigest() and len(read) == 1


def test_a_pointer_is_not_taken_for_the_weights(tmp_path: Path) -> None:
    folder = put(tmp_path, *LIVE_FILES)
    (folder / "musetalkV15/unet.pth").write_text("version https://git-lfs.github.com/spec/v1\noid sha256:0\n")
    with pytest.raises(EngineUnavailable, match="pointer of Git LFS"):
        weights.find_weights(str(folder), ("unet",))


def test_every_network_is_pinned_to_a_commit_and_its_weights_to_a_checksum() -> None:
    for name, part in weights.PARTS.items():
        assert len(part.commit) == 40 and int(part.commit, 16)
        checksum = weights.CHECKSUMS[name, Path(part.weights).name]
        assert len(checksum) == 64 and int(checksum, 16)


def test_the_hub_is_asked_for_files_of_the_pinned_commits(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    hub = pytest.importorskip("huggingface_hub", reason="huggingface_hub is not installed")
    asked: list[tuple[str, str, str]] = []

    def download(repository: str, file: str, *, revision: str) -> str:
        asked.append((repository, file, revision))
        return str(put(tmp_path, f"{repository}/{file}") / repository / file)

    monkeypatch.setattr(hub, "hf_hub_download", download)
    monkeypatch.setattr(weights, "CHECKSUMS", {})
    found = weights.find_weights()
    assert set(found) == set(weights.PARTS)
    assert asked == [
        (part.repository, file, part.commit)
        for part in weights.PARTS.values()
        for file in (part.config, part.weights)
    ]


def test_what_comes_damaged_from_the_hub_is_removed_and_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    hub = pytest.importorskip("huggingface_hub", reason="huggingface_hub is not installed")
    blob = tmp_path / "blob"
    blob.write_bytes(b"half of it")
    link = tmp_path / "diffusion_pytorch_model.safetensors"
    link.symlink_to(blob)
    config = put(tmp_path, "config.json") / "config.json"

    def download(_repository: str, file: str, **_settings: str) -> str:
        return str(config if file.endswith("json") else link)

    monkeypatch.setattr(hub, "hf_hub_download", download)
    with pytest.raises(EngineUnavailable, match="came damaged"):
        weights.find_weights("", ("taesd",))
    assert not blob.exists() and not link.is_symlink()


def test_without_a_connection_it_says_what_to_do(monkeypatch: pytest.MonkeyPatch) -> None:
    hub = pytest.importorskip("huggingface_hub", reason="huggingface_hub is not installed")

    def download(*_arguments: object, **_settings: object) -> str:
        raise hub.errors.LocalEntryNotFoundError("offline")

    monkeypatch.setattr(hub, "hf_hub_download", download)
    with pytest.raises(
        EngineUnavailable, match=r"hf download TMElyralab/MuseTalk .*LIPSTREAM_MUSETALK_FOLDER"
    ):
        weights.find_weights()


def test_what_the_cache_lacks_is_told_without_fetching(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    hub = pytest.importorskip("huggingface_hub", reason="huggingface_hub is not installed")

    def cached(repository: str, _file: str, *, revision: str) -> str | None:
        return "here" if repository == weights.PARTS["vae"].repository and revision else None

    monkeypatch.setattr(hub, "try_to_load_from_cache", cached)
    assert weights.missing_weights() == ("unet", "whisper", "taesd")
