import os
import random
import shutil
import signal
import subprocess
import sys
import threading

import pytest

from avatars import revision
from avatars.bundle import open_bundle, read_manifest
from avatars.errors import AvatarNotFound, AvatarUnwritable, BundleInvalid
from avatars.revision import revise
from tests.support.bundles import small_bundle

NAME = "musetalk.safetensors"


@pytest.fixture(params=["in one step", "one after the other"])
def bundle(request, tmp_path, monkeypatch):
    if request.param == "one after the other":
        monkeypatch.setattr(revision, "exchange", lambda *_: False)
    return small_bundle(tmp_path)


def _revise(folder, content=b"new"):
    return revise(folder, NAME, lambda path: _write(path, content), "musetalk")


def _write(path, content):
    path.write_bytes(content)


def test_a_part_is_added_and_then_replaced(bundle):
    atlas = bundle.part("atlas.npz").read_bytes()
    for content in (b"first", b"the second one"):
        revised = _revise(bundle.path, content)
        opened = open_bundle(bundle.path)
        assert opened.manifest == revised.manifest
        assert opened.manifest.engines == ("atlas", "musetalk")
        assert opened.part(NAME).read_bytes() == content
        assert opened.part("atlas.npz").read_bytes() == atlas
        assert opened.manifest.created == bundle.manifest.created
    assert [path.name for path in bundle.path.parent.iterdir()] == ["ada"]
    assert sorted(os.listdir(bundle.path)) == ["atlas.npz", "avatar.json", NAME, "poster.webp"]


def test_a_failure_leaves_the_avatar_as_it_was(bundle):
    def fail(path):
        path.write_bytes(b"half")
        raise RuntimeError("in between")

    with pytest.raises(RuntimeError, match="in between"):
        revise(bundle.path, NAME, fail, "musetalk")
    assert open_bundle(bundle.path).manifest == bundle.manifest
    assert [path.name for path in bundle.path.parent.iterdir()] == ["ada"]


def test_an_empty_part_is_refused(bundle):
    with pytest.raises(BundleInvalid, match="empty"):
        _revise(bundle.path, b"")
    assert open_bundle(bundle.path).manifest == bundle.manifest


def test_an_avatar_that_is_deleted_meanwhile_stays_deleted(bundle):
    def delete(path):
        path.write_bytes(b"x")
        shutil.rmtree(bundle.path)

    with pytest.raises((AvatarNotFound, BundleInvalid)):
        revise(bundle.path, NAME, delete, "musetalk")
    assert list(bundle.path.parent.iterdir()) == []


def test_an_avatar_that_is_changed_meanwhile_stays_as_changed(bundle):
    def other_one(path):
        path.write_bytes(b"mine")
        _revise(bundle.path, b"theirs")

    with pytest.raises(AvatarUnwritable, match="meanwhile"):
        revise(bundle.path, NAME, other_one, "musetalk")
    assert open_bundle(bundle.path).part(NAME).read_bytes() == b"theirs"


def test_files_are_copied_where_they_cannot_have_two_names(bundle, monkeypatch):
    def refuse(*_, **__):
        raise PermissionError("no links here")

    monkeypatch.setattr(os, "link", refuse)
    _revise(bundle.path)
    assert set(open_bundle(bundle.path).manifest.parts) == {"atlas.npz", "poster.webp", NAME}


def test_a_disk_that_refuses_is_an_error_that_says_so(bundle, monkeypatch):
    def refuse(*_, **__):
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr("tempfile.mkdtemp", refuse)
    with pytest.raises(AvatarUnwritable, match="Permission denied"):
        _revise(bundle.path)


def test_who_reads_meanwhile_always_sees_a_whole_avatar(tmp_path):
    bundle = small_bundle(tmp_path)
    _revise(bundle.path, b"0" * 1000)
    done, seen, problems = threading.Event(), set(), []

    def read():
        while not done.is_set():
            try:
                seen.add(open_bundle(bundle.path).manifest.parts[NAME].bytes)
                read_manifest(bundle.path)
            except (BundleInvalid, OSError, KeyError) as error:
                problems.append(error)

    readers = [threading.Thread(target=read) for _ in range(2)]
    for reader in readers:
        reader.start()
    for size in range(1001, 1060):
        _revise(bundle.path, b"1" * size)
    done.set()
    for reader in readers:
        reader.join()
    assert problems == [] and len(seen) > 1


WRITER = """
import sys
from pathlib import Path
from avatars.revision import revise
folder = Path(sys.argv[1])
print("ready", flush=True)
for size in range(2000, 100_000):
    revise(folder, "musetalk.safetensors", lambda path: path.write_bytes(b"x" * size), "musetalk")
"""


@pytest.mark.skipif(not hasattr(signal, "SIGKILL"), reason="needs POSIX signals")
def test_a_killed_writer_leaves_the_old_one_or_the_new_one(tmp_path):
    bundle = small_bundle(tmp_path)
    _revise(bundle.path, b"0" * 1000)
    chance, sizes = random.Random(5), set()
    for _ in range(5):
        writer = subprocess.Popen([sys.executable, "-c", WRITER, str(bundle.path)], stdout=subprocess.PIPE)
        assert writer.stdout is not None and writer.stdout.readline() == b"ready\n"
        with pytest.raises(subprocess.TimeoutExpired):
            writer.wait(chance.uniform(0.01, 0.1))
        writer.kill()
        writer.wait()
        writer.stdout.close()
        opened = open_bundle(bundle.path)
        assert opened.manifest.engines == ("atlas", "musetalk")
        assert opened.atlas().still.shape == (96, 128, 3)
        sizes.add(opened.manifest.parts[NAME].bytes)
    assert max(sizes) > 2000
