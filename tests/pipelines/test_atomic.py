"""A file is the old one or the new one, whole, whatever goes wrong."""

import os
import stat
from pathlib import Path

import pytest
from full_disk import files_no_longer_than, without_permission

from pipelines.atomic import new_part_file, put_in_place, replacing, write_atomically

OLD, NEW = b"old" * 100, b"new" * 50_000


@pytest.fixture
def target(tmp_path: Path) -> Path:
    path = tmp_path / "räume 1.bin"
    path.write_bytes(OLD)
    return path


def names(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.iterdir())


def test_the_new_file_takes_the_old_ones_place(target: Path) -> None:
    write_atomically(target, NEW)
    assert target.read_bytes() == NEW
    assert names(target.parent) == [target.name]


def test_a_full_disk_leaves_the_old_file_and_nothing_else(target: Path) -> None:
    with files_no_longer_than(70_000), pytest.raises(OSError, match="large"):
        write_atomically(target, NEW)
    assert target.read_bytes() == OLD
    assert names(target.parent) == [target.name]


def test_an_error_in_the_block_leaves_the_old_file_and_nothing_else(target: Path) -> None:
    def write_half() -> None:
        with replacing(target) as file:
            file.write(NEW)
            file.flush()
            assert target.read_bytes() == OLD
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        write_half()
    assert target.read_bytes() == OLD
    assert names(target.parent) == [target.name]


def test_a_folder_that_may_not_be_written_is_an_error_and_the_old_file_stays(target: Path) -> None:
    with without_permission(target.parent), pytest.raises(PermissionError):
        write_atomically(target, NEW)
    assert target.read_bytes() == OLD


def test_the_bytes_are_on_the_disk_before_the_name_changes(target: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    sizes_synced: list[int] = []
    real = os.fsync

    def fsync(handle: int) -> None:
        if not stat.S_ISDIR(os.fstat(handle).st_mode):
            assert target.read_bytes() == OLD
            sizes_synced.append(os.fstat(handle).st_size)
        real(handle)

    monkeypatch.setattr(os, "fsync", fsync)
    write_atomically(target, NEW)
    assert sizes_synced == [len(NEW)]


def test_a_symbolic_link_stays_a_link_and_its_file_is_replaced(target: Path) -> None:
    link = target.parent / "link"
    link.symlink_to(target)
    write_atomically(link, NEW)
    assert link.is_symlink()
    assert target.read_bytes() == NEW


def test_the_permissions_of_the_old_file_are_kept(target: Path) -> None:
    target.chmod(0o640)
    write_atomically(target, NEW)
    assert target.stat().st_mode & 0o777 == 0o640


@pytest.mark.parametrize("make", ["mkfifo", "mkdir"])
def test_what_is_no_plain_file_is_not_replaced(tmp_path: Path, make: str) -> None:
    path = tmp_path / "thing"
    getattr(os, make)(path)
    with pytest.raises(OSError, match="is a"):
        write_atomically(path, NEW)
    with pytest.raises(OSError, match="is a"):
        new_part_file(path)
    assert names(tmp_path) == ["thing"]
    assert not path.is_file()


def test_a_growing_file_has_a_visible_name_that_no_earlier_one_is_lost_to(tmp_path: Path) -> None:
    call = tmp_path / "call.mkv"
    first = new_part_file(call)
    first.write_bytes(b"left by a crash")
    second = new_part_file(call)
    assert (first.name, second.name) == ("call.part.mkv", "call.part-2.mkv")
    second.write_bytes(NEW)
    put_in_place(second, call)
    assert call.read_bytes() == NEW
    assert first.read_bytes() == b"left by a crash"
    assert names(tmp_path) == ["call.mkv", "call.part.mkv"]
