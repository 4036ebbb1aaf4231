"""The registry of weights: pulling from servers on loopback, checking, licences, and carrying them by the store."""

import json
import zipfile
from collections.abc import Iterator
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Thread
from typing import Any

import pytest
import torch

from packshot.config import fingerprints, load_profile
from packshot.errors import SettingError, SourceError
from packshot.store import FolderStore
from packshot.weights import Weights, find_weights, named_by, read_lock, registry, revision_of
from packshot.weights_pull import keep_as_safetensors, pull, pull_from_store, push_to_store, verify, wanted_files


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
    assert sorted(p.name for p in models.iterdir()) == ["toy"], "nothing half done is left"


def test_archives_are_pulled(models: Path, served: tuple[Path, str]) -> None:
    folder, address = served
    for name in ("craft", "reader"):
        with zipfile.ZipFile(folder / f"{name}.zip", "w") as archive:
            archive.writestr(f"../{name}.pth", name)
    pull(entry(zips=(f"{address}/craft.zip", f"{address}/reader.zip")))
    assert set(read_lock(models / "toy")["files"]) == {"craft.pth", "reader.pth"}
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
    with serve_hub(hub, "maker/toy", revision) as address:
        monkeypatch.setenv("HF_HUB_DISABLE_XET", "1")
        monkeypatch.setattr("huggingface_hub.constants.ENDPOINT", address)
        import huggingface_hub.hf_api as hf_api

        monkeypatch.setattr(hf_api, "ENDPOINT", address, raising=False)
        monkeypatch.setattr(
            "huggingface_hub.constants.HUGGINGFACE_CO_URL_TEMPLATE",
            address + "/{repo_id}/resolve/{revision}/{filename}",
        )
        toy = entry(repo="maker/toy", files=("*.json", "*.bin", "*.safetensors"))
        pull(toy)
    lock = read_lock(models / "toy")
    assert lock["revision"] == revision and set(lock["files"]) == {"config.json", "model.safetensors"}
    from safetensors.torch import load_file

    assert torch.equal(load_file(models / "toy" / "model.safetensors")["layer.weight"], torch.arange(4.0))
    assert verify(entry(repo="maker/toy", revision="d" * 40)) == [
        f"revision {revision} was pulled, {'d' * 40} is pinned"
    ]


class serve_hub:
    """What the hub's client asks a model hub for, from a folder."""

    def __init__(self, folder: Path, repo: str, revision: str):
        import hashlib

        names = [p.name for p in folder.iterdir()]

        class Hub(SimpleHTTPRequestHandler):
            def do_HEAD(self) -> None:
                self.answer(False)

            def do_GET(self) -> None:
                self.answer(True)

            def answer(self, whole: bool) -> None:
                path = self.path.split("?")[0]
                if path.startswith(f"/api/models/{repo}"):
                    facts = {
                        "id": repo,
                        "modelId": repo,
                        "sha": revision,
                        "siblings": [{"rfilename": n} for n in names],
                    }
                    body = json.dumps(facts | {"private": False, "tags": [], "downloads": 0, "likes": 0}).encode()
                    if "/tree/" in path:
                        tree = [
                            {"type": "file", "path": n, "size": (folder / n).stat().st_size, "oid": "0" * 40}
                            for n in names
                        ]
                        body = json.dumps(tree).encode()
                    headers = {"Content-Type": "application/json"}
                elif path.startswith(f"/{repo}/resolve/{revision}/"):
                    body = (folder / path.rpartition("/")[2]).read_bytes()
                    headers = {"ETag": f'"{hashlib.sha256(body).hexdigest()}"', "X-Repo-Commit": revision}
                else:
                    self.send_error(404)
                    return
                self.send_response(200)
                for key, value in (headers | {"Content-Length": str(len(body))}).items():
                    self.send_header(key, value)
                self.end_headers()
                if whole:
                    self.wfile.write(body)

            def log_message(self, *arguments: Any) -> None:
                return None

        self.server = ThreadingHTTPServer(("127.0.0.1", 0), Hub)

    def __enter__(self) -> str:
        Thread(target=self.server.serve_forever, daemon=True).start()
        return f"http://127.0.0.1:{self.server.server_address[1]}"

    def __exit__(self, *_: object) -> None:
        self.server.shutdown()
        self.server.server_close()


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


def test_weights_travel_by_the_store(
    models: Path, served: tuple[Path, str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder, address = served
    torch.save({"weight": torch.ones(3)}, folder / "toy.pth")
    toy, store = entry(url=f"{address}/toy.pth", file="toy.pth"), FolderStore(tmp_path / "store")
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
    for name in names[1:]:
        assert revision_of(name), "a pinned revision is known without the weights"


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
