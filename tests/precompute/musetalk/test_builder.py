import numpy as np
import pytest

from avatars import musetalk
from avatars.errors import AvatarNotFound
from avatars.store import AvatarStore
from precompute.musetalk.build import BuildOptions
from precompute.musetalk.builder import MuseTalkBuilder
from streaming.errors import EngineUnavailable
from tests.support.musetalk_part import PoolingSource, loop_bundle


@pytest.fixture
def store(tmp_path):
    return AvatarStore(tmp_path / "own")


def test_a_part_is_built_once(store):
    source = PoolingSource()
    builder = MuseTalkBuilder(source)
    assert builder.name == "musetalk"
    steps = []
    assert builder.build(store, "mira", progress=lambda step, done: steps.append(step))
    first = store.musetalk("mira")
    assert not builder.build(store, "mira")
    assert builder.build(store, "theo") and store.musetalk("theo").frames == 1
    assert source.opened == 1
    assert steps[0] == "Loading the network" and steps[-1] == "Done"

    unused = PoolingSource()
    other = MuseTalkBuilder(unused)
    assert not other.build(store, "mira") and unused.opened == 0
    assert other.build(store, "mira", force=True)
    np.testing.assert_array_equal(store.musetalk("mira").latents, first.latents)


@pytest.mark.parametrize("change", ["weights", "mode", "margin", "parser", "version", "damage"])
def test_it_is_built_anew_when_something_has_changed(store, change, monkeypatch):
    assert MuseTalkBuilder(PoolingSource()).build(store, "mira")
    builder = MuseTalkBuilder(PoolingSource())
    if change == "weights":
        builder = MuseTalkBuilder(PoolingSource("other weights"))
    elif change == "version":
        monkeypatch.setattr(musetalk, "PART_VERSION", 2)
    elif change == "damage":
        found = store.find_musetalk("mira")
        assert found is not None
        found.path.write_bytes(found.path.read_bytes()[:-5])
    elif change == "parser":
        monkeypatch.setattr(type(builder.parser), "identity", "mesh-2")
    else:
        builder = MuseTalkBuilder(
            PoolingSource(), BuildOptions(mode="raw") if change == "mode" else BuildOptions(margin=12)
        )
    assert builder.build(store, "mira")
    assert not builder.build(store, "mira")
    assert store.musetalk("mira").frames == 1


def test_the_mask_stays_as_it_was_chosen(store):
    assert MuseTalkBuilder(PoolingSource(), BuildOptions(mode="neck")).build(store, "mira")
    assert not MuseTalkBuilder(PoolingSource()).build(store, "mira")
    assert MuseTalkBuilder(PoolingSource()).build(store, "mira", force=True)
    assert store.musetalk("mira").mask_mode == "neck"
    assert MuseTalkBuilder(PoolingSource(), BuildOptions(mode="jaw")).build(store, "mira")
    assert store.musetalk("mira").mask_mode == "jaw"


def test_the_part_of_a_users_video_goes_into_its_bundle(store, walk, finder):
    bundle = loop_bundle(store.root, walk(4)[0])
    assert MuseTalkBuilder(PoolingSource(), finder=lambda: finder).build(store, "vera")
    manifest = store.get("vera").manifest
    assert manifest.engines == ("musetalk",) and store.musetalk("vera").frames == 4
    assert manifest.created == bundle.manifest.created


def test_missing_weights_and_avatars_are_said_to_be_missing(store):
    class Missing(PoolingSource):
        def identity(self):
            raise EngineUnavailable("Fetch them.")

    with pytest.raises(EngineUnavailable, match="Fetch"):
        MuseTalkBuilder(Missing()).build(store, "mira")
    with pytest.raises(AvatarNotFound):
        MuseTalkBuilder(PoolingSource()).build(store, "nobody")
    assert store.find_musetalk("mira") is None
