"""Videos of every kind, through the stages that make avatars: a good loop, or a refusal that helps."""

import re

import cv2
import numpy as np
import pytest
from skimage.data import chelsea

from avatars.store import AvatarStore
from precompute.create import temporary_desk
from precompute.errors import AvatarRejected
from precompute.loop_track import look
from precompute.mesh_points import LIP_LOWER_INNER, LIP_UPPER_INNER, UPPER_FACE
from precompute.order import AvatarOrder
from precompute.stages.plan import run_all, stages_of
from precompute.stages.video_loop import loop_landmarks, loop_pictures, stretch_of
from tests.support import video_inputs
from tests.support.videos import swaying

SIZE = 192
WIDTH, HEIGHT = 240, 180
FAR = 0.05
"""Mean distance of landmarks from where they must be, over the eye span."""
ASKS = re.compile(r"\b(Send|Cut|Export|Copy|make the avatar)\b")

_NOTHING = video_inputs.Material(
    [np.zeros((HEIGHT, WIDTH, 3), np.uint8)] * 4, np.zeros((4, 2)), 10.0, np.zeros((40, 40, 3), np.uint8)
)
GOODS = list(video_inputs.goods(_NOTHING))
REFUSALS = list(video_inputs.refusals(_NOTHING, _NOTHING.other))


@pytest.fixture(scope="module")
def material(closed, smiling, finder):
    calm = list(swaying(closed, 3.3, width=WIDTH, height=HEIGHT))
    sights = look(calm, finder, lambda done: None)
    return video_inputs.Material(
        calm,
        sights.meshes[:, [LIP_UPPER_INNER, LIP_LOWER_INNER]].mean(axis=1),
        float(np.median(np.ptp(sights.meshes[..., 0], axis=1))),
        np.asarray(smiling[:300, 80:380], np.uint8),
    )


@pytest.fixture(scope="module")
def skin(material, finder):
    """The mean colour of the calm person's face."""
    frame = material.calm[40]
    return face_colour(frame, finder.mesh(frame, finder.detect(frame)[0]).points[:, :2])


@pytest.fixture
def store(tmp_path):
    return AvatarStore(tmp_path / "own")


def face_colour(picture, points):
    oval = np.zeros(picture.shape[:2], np.uint8)
    cv2.fillConvexPoly(oval, cv2.convexHull(np.rint(points).astype(np.int32)), 1)
    return picture[oval > 0].mean(axis=0)


@pytest.mark.parametrize("name", GOODS)
def test_a_good_video_gives_a_good_loop(name, material, skin, store, finder, tmp_path):
    good = video_inputs.goods(material)[name]
    order = AvatarOrder(avatar="somebody", kind="video", size=SIZE)
    with temporary_desk(order, good.write(tmp_path), store) as desk:
        desk.faces = finder
        run_all(desk, [stage for stage in stages_of(order, ()) if stage.name in ("look", "loop")])
        stretch, landmarks = stretch_of(desk), loop_landmarks(desk)
        pictures = list(loop_pictures(desk))
    assert stretch.end - stretch.begin == len(pictures) == len(landmarks) >= good.seconds * 25
    told = " ".join(str(part) for part in stretch.left_out)
    assert all(word in told for word in good.leaves_out), told
    for index in (0, len(pictures) // 2, len(pictures) - 1):
        picture = pictures[index]
        faces = finder.detect(picture)
        assert picture.shape == (SIZE, SIZE, 3) and len(faces) == 1
        mesh = finder.mesh(picture, faces[0])
        away = np.linalg.norm(mesh.points[:, :2] - landmarks[index], axis=1)[list(UPPER_FACE)].mean()
        assert away < FAR * mesh.eye_span and 0.14 * SIZE < mesh.eye_span < 0.3 * SIZE
        assert np.abs(face_colour(picture, landmarks[index]) - skin).max() < good.colours


@pytest.mark.parametrize("name", REFUSALS)
def test_a_video_that_will_not_do_is_refused_by_name_and_told_what_to_do(
    name, material, store, finder, tmp_path
):
    refused = video_inputs.refusals(material, np.ascontiguousarray(chelsea()[:300, :450, ::-1]))[name]
    order = AvatarOrder(avatar="somebody", kind="video", size=SIZE)
    path = refused.write(tmp_path)
    with temporary_desk(order, path, store) as desk, pytest.raises(AvatarRejected) as caught:
        desk.faces = finder
        run_all(desk, stages_of(order, ()))
    error = caught.value
    assert (error.code, refused.says in error.message) == (refused.code, True), (error.code, error.message)
    assert ASKS.search(error.message) and error.message.endswith(".")
    assert not store.exists("somebody") and not store.root.exists()
