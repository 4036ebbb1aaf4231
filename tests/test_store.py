"""The store's contract, on a folder and on a real S3 server."""

import errno
import os
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
import pytest
from stored_objects import put_all

from packshot.artifacts import Raster, read_figures
from packshot.errors import SettingError, StoreError
from packshot.store import FolderStore, S3Store, Store, open_store


@pytest.fixture(params=["folder", "s3"])
def store(request: pytest.FixtureRequest, tmp_path: Path) -> Store:
    if request.param == "folder":
        return FolderStore(tmp_path / "store")
    return S3Store(request.getfixturevalue("s3_bucket"), f"tests/{tmp_path.name}")


def test_what_is_put_comes_back_and_a_second_put_replaces_it(store: Store) -> None:
    assert store.get("a/b.json") is None
    store.put("a/b.json", b"first")
    store.put("a/b.json", b"second")
    assert store.get("a/b.json") == b"second"


def test_an_empty_object_is_there(store: Store) -> None:
    store.put("a/empty", b"")
    assert store.get("a/empty") == b""
    assert store.existing(["a/empty"]) == {"a/empty"}


def test_many_at_once(store: Store) -> None:
    objects = {f"many/{i % 7}/{i:04d}": f"value {i}".encode() for i in range(200)}
    put_all(store, objects)
    assert store.get_many([*objects, "many/none"]) == objects
    assert set(store.keys("many/")) == set(objects)


def test_existing_tells_present_from_absent_keys(store: Store) -> None:
    put_all(store, {f"artifacts/ab/{i:03d}.json": b"x" for i in range(0, 60, 2)})
    store.put("artifacts/cd/solo", b"x")
    asked = [f"artifacts/ab/{i:03d}.json" for i in range(60)] + ["artifacts/cd/solo", "artifacts/zz/none"]
    there = {f"artifacts/ab/{i:03d}.json" for i in range(0, 60, 2)} | {"artifacts/cd/solo"}
    assert store.existing(asked) == there
    assert store.existing([]) == set()


def test_existing_looks_beyond_the_first_page_of_a_listing(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(S3Store, "PAGE", 10)
    put_all(store, {f"pages/{i:03d}": b"x" for i in range(45)})
    asked = {f"pages/{i:03d}" for i in (0, 5, 9, 10, 11, 33, 44)}
    assert store.existing(asked | {"pages/012x", "pages/999"}) == asked


def test_children_are_names_and_folders(store: Store) -> None:
    put_all(store, {"runs/b/run.json": b"", "runs/a/run.json": b"", "runs/a/x/y": b"", "runs/note": b""})
    assert store.children("runs/") == ["a", "b", "note"]
    assert store.children("runs/a/") == ["run.json", "x"]
    assert store.children("nowhere/") == []


def test_delete(store: Store) -> None:
    put_all(store, {"d/1": b"", "d/2": b""})
    store.delete(["d/1", "d/never-there"])
    assert list(store.keys("d/")) == ["d/2"]
    store.delete([])


def test_a_file_is_stored_as_it_is(store: Store, tmp_path: Path) -> None:
    path = tmp_path / "large"
    path.write_bytes(os.urandom(3_000_000))
    store.put_file("runs/r/large", path)
    assert store.get("runs/r/large") == path.read_bytes()
    with store.local_copy("runs/r/large") as copy:
        assert copy.read_bytes() == path.read_bytes()
    with store.local_copy("runs/r/none") as copy:
        assert copy is None


def test_writers_at_the_same_key_leave_one_whole_object(store: Store) -> None:
    values = [bytes([i]) * 50_000 for i in range(16)]
    with ThreadPoolExecutor(16) as pool:
        list(pool.map(lambda value: store.put("race/key", value), values))
    assert store.get("race/key") in values
    assert list(store.keys("race/")) == ["race/key"]


def test_a_key_cannot_leave_the_folder(tmp_path: Path) -> None:
    store = FolderStore(tmp_path / "store")
    for key in ("../outside", "/etc/passwd", "a/../../b"):
        with pytest.raises(StoreError, match="leave the store"):
            store.put(key, b"")
    assert list(tmp_path.iterdir()) == [tmp_path / "store"]


def test_a_full_disk_is_named_and_leaves_nothing_half_written(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    store = FolderStore(tmp_path)

    def full(source: str, target: str) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(os, "replace", full)
    with pytest.raises(StoreError, match="the disk is full"):
        store.put("a/b", b"x")
    assert not any(path.is_file() for path in tmp_path.rglob("*"))


def test_a_folder_that_cannot_be_made_is_told_of(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(StoreError, match="cannot be made"):
        FolderStore(tmp_path / "file" / "store")


def test_a_missing_bucket_and_wrong_keys_are_told_of(s3_bucket: str, monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(StoreError, match="there is no bucket 'never-made'"):
        S3Store("never-made")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "wrong")
    with pytest.raises(StoreError, match=r"AWS_SECRET_ACCESS_KEY"):
        S3Store(s3_bucket)


def test_no_server_is_told_of(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AWS_ENDPOINT_URL", "http://127.0.0.1:9")
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "x")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "x")
    with pytest.raises(StoreError, match="AWS_ENDPOINT_URL"):
        S3Store("photos")


def test_open_store_takes_folders_and_buckets_only(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PACKSHOT_STORE", str(tmp_path / "from-env"))
    assert open_store().url == str(tmp_path / "from-env")
    assert open_store(str(tmp_path / "given")).url == str(tmp_path / "given")
    with pytest.raises(SettingError, match="names no bucket"):
        open_store("s3://")
    with pytest.raises(SettingError, match="a folder or s3"):
        open_store("ftp://host/dir")


def test_figures_are_found_in_the_beginning_of_a_picture(store: Store) -> None:
    noise = np.random.default_rng(0).integers(0, 255, (90, 80, 4), np.uint8)
    figures = {"cutout_confidence": 0.93, "attempts": 2, "why": "край"}
    picture = Raster(noise, figures)
    put_all(store, {"a.png": picture.encode(), "b.png": Raster(noise).encode()})
    heads = store.beginnings(["a.png", "b.png", "c.png"], 1024)
    assert {key: len(head) for key, head in heads.items()} == {"a.png": 1024, "b.png": 1024}
    assert read_figures(heads["a.png"]) == figures
    assert read_figures(heads["b.png"]) == {}
    again = Raster.decode(store.get("a.png") or b"")
    assert again.figures == figures
    assert np.array_equal(again.pixels, noise)
