import hashlib

from avatars.digest import digest_of


def test_a_file_is_named_by_what_is_in_it(tmp_path):
    file = tmp_path / "file"
    file.write_bytes(b"lips" * 100_000)
    assert digest_of(file) == hashlib.sha256(b"lips" * 100_000).hexdigest()
