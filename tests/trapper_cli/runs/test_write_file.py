import resource
import signal
from pathlib import Path

import pytest

from trapper_cli.runs.write_file import write_whole
from trapper_client.errors import Failure


def test_the_former_file_is_replaced_and_nothing_is_left_beside_it(tmp_path: Path) -> None:
    path = tmp_path / "results.json"
    write_whole(path, b"one")
    path.chmod(0o640)
    write_whole(path, b"two")
    assert path.read_bytes() == b"two"
    assert path.stat().st_mode & 0o777 == 0o640
    assert list(tmp_path.iterdir()) == [path]


def test_a_disk_that_takes_no_more_is_a_sentence_and_the_former_file_stays(tmp_path: Path) -> None:
    path = tmp_path / "results.json"
    write_whole(path, b"former")
    limits = resource.getrlimit(resource.RLIMIT_FSIZE)
    handler = signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
    resource.setrlimit(resource.RLIMIT_FSIZE, (1000, limits[1]))
    try:
        with pytest.raises(Failure, match=r"results\.json cannot be written: File too large\."):
            write_whole(path, b"x" * 5000)
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, limits)
        signal.signal(signal.SIGXFSZ, handler)
    assert path.read_bytes() == b"former"
    assert list(tmp_path.iterdir()) == [path]


def test_a_folder_that_is_gone_is_a_sentence(tmp_path: Path) -> None:
    with pytest.raises(Failure, match="cannot be written: No such file or directory"):
        write_whole(tmp_path / "gone" / "results.json", b"")
