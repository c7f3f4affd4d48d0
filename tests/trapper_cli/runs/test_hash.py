import hashlib
from pathlib import Path

from trapper_cli.runs.hash import hash_photos
from trapper_cli.runs.scan import scan_folder

JPEG = b"\xff\xd8\xff\xe0"


def test_every_photo_is_known_by_its_bytes_and_a_lost_one_is_told(tmp_path: Path) -> None:
    for number in range(20):
        (tmp_path / f"{number}.jpg").write_bytes(JPEG + bytes([number % 3]) * 1000)
    photos = scan_folder(tmp_path).photos
    (tmp_path / "7.jpg").unlink()
    steps: list[int] = []
    hashes, failures = hash_photos(photos, lambda: steps.append(1))
    assert len(steps) == 20
    assert [each.relative for each in failures] == ["7.jpg"]
    assert hashes["4.jpg"] == hashlib.sha256(JPEG + b"\x01" * 1000).hexdigest() == hashes["1.jpg"]
    assert len(hashes) == 19
    assert len(set(hashes.values())) == 3
