"""A small made-up avatar: a grey head whose mouth, eyes and motion are easy to tell apart in pixels."""

import numpy as np

from avatars.atlas import MOTIONS, MouthAtlas

WIDTH, HEIGHT = 128, 96
MOUTH = (40, 56, 48, 32)
EYES = (32, 24, 64, 16)
APERTURES = (0.0, 0.5, 1.0)
WIDTHS = (-1.0, 0.0, 1.0)


def small_atlas(**changes) -> MouthAtlas:
    """Apertures brighten the mouth's middle; press, bite and tongue are red, green and blue."""
    rng = np.random.default_rng(7)
    coarse = rng.integers(90, 160, (HEIGHT // 8, WIDTH // 8, 3))
    still = np.repeat(np.repeat(coarse, 8, 0), 8, 1).astype(np.uint8)
    x, y, w, h = MOUTH
    rest = still[y : y + h, x : x + w]
    ex, ey, ew, eh = EYES
    open_eyes = still[ey : ey + eh, ex : ex + ew]

    def painted(picture, colour):
        out = picture.copy()
        out[4:-4, 4:-4] = colour
        return out

    def mouth(a, j):
        return rest if APERTURES[a] == 0 and WIDTHS[j] == 0 else painted(rest, (40 + 60 * a, 80 + 40 * j, 60))

    red, green, blue = (0, 0, 200), (0, 200, 0), (200, 0, 0)
    eyes = np.array(
        [[open_eyes if (lid, gaze) == (0, 0) else painted(open_eyes, (20 + 60 * lid, 30 + 90 * gaze, 10))
          for gaze in range(2)] for lid in range(4)]
    )  # fmt: skip
    nodes = 9
    motion = np.zeros((len(MOTIONS), nodes, nodes, 2), np.float32)
    motion[0, ..., 0] = motion[1, ..., 1] = 1
    landmarks = rng.uniform(20, 80, (468, 2)).astype(np.float32)
    landmarks[33], landmarks[263] = (40, 32), (88, 32)
    fields = {
        "still": still,
        "mouth_rect": np.array(MOUTH, np.int32),
        "apertures": np.array(APERTURES, np.float32),
        "widths": np.array(WIDTHS, np.float32),
        "mouths": np.array([[mouth(a, j) for j in range(3)] for a in range(3)]),
        "press_levels": np.array([0.5, 1], np.float32),
        "press_widths": np.array([0], np.float32),
        "press": np.array([[painted(rest, (0, 0, 100))], [painted(rest, red)]]),
        "bite_levels": np.array([1], np.float32),
        "bite_widths": np.array([-1, 1], np.float32),
        "bite": np.array([[painted(rest, (0, 100, 0)), painted(rest, green)]]),
        "tongue_levels": np.array([0.5, 1], np.float32),
        "tongue_aperture": np.array([0.25], np.float32),
        "tongue": np.array([painted(rest, (100, 0, 0)), painted(rest, blue)]),
        "eye_rect": np.array(EYES, np.int32),
        "lids": np.array([0, 0.36, 0.72, 1], np.float32),
        "gazes": np.array([[0, 0], [1, 0]], np.float32),
        "eyes": eyes,
        "motion": motion,
        "landmarks": landmarks,
    }
    return MouthAtlas(**(fields | changes))


def atlas_on(still: np.ndarray, landmarks: np.ndarray) -> MouthAtlas:
    """An atlas of a still of any size on which nothing ever moves."""
    small = small_atlas()
    rects = {name: small.mouth_rect for name in ("mouths", "press", "bite", "tongue")}
    patches = {}
    for name, rect in (rects | {"eyes": small.eye_rect}).items():
        x, y, w, h = (int(n) for n in rect)
        shape = getattr(small, name).shape
        patches[name] = np.broadcast_to(still[y : y + h, x : x + w], shape).copy()
    return small_atlas(still=still, landmarks=landmarks.astype(np.float32), **patches)
