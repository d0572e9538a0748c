from datetime import UTC, datetime

import pytest
from pydantic import ValidationError

from avatars.manifest import PART_LIMITS, AvatarDetails, Manifest

DETAILS = {
    "id": "ada",
    "name": "Ada",
    "width": 128,
    "height": 96,
    "fps": 25,
    "frames": 50,
    "created": datetime(2026, 1, 2, tzinfo=UTC),
}
PART = {"sha256": "0" * 64, "bytes": 5}


def test_json_round_trip():
    manifest = Manifest.model_validate(DETAILS | {"parts": {"atlas.npz": PART}})
    assert Manifest.model_validate_json(manifest.model_dump_json()) == manifest
    assert '"created":"2026-01-02T00:00:00Z"' in manifest.model_dump_json()


@pytest.mark.parametrize(
    "change",
    [
        {"id": "../ada"},
        {"id": "Ada"},
        {"id": "ada\n"},
        {"id": "-ada"},
        {"id": "a" * 65},
        {"width": 127},
        {"width": 100_000},
        {"frames": 0},
        {"created": datetime(2026, 1, 2)},
        {"schema_version": 2},
        {"parts": {"../../x": PART}},
        {"parts": {"run.sh": PART}},
        {"parts": {"atlas.npz": {"sha256": "zz", "bytes": 5}}},
        {"unknown": 1},
        {"engines": ["other"]},
    ],
)
def test_what_is_not_valid_is_refused(change):
    with pytest.raises(ValidationError):
        Manifest.model_validate(DETAILS | {"parts": {"atlas.npz": PART}} | change)


def test_details_hold_everything_but_the_parts():
    assert set(Manifest.model_fields) - set(AvatarDetails.model_fields) == {"schema_version", "parts"}
    assert "atlas.npz" in PART_LIMITS
