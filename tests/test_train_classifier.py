"""`packshot train` and `packshot evaluate` end to end on small pictures: broken links, runs, buckets, takedown."""

import json
from collections.abc import Iterator
from pathlib import Path

import pytest
import torch
from labelled_pictures import picture, serve_catalogue, write_folders
from loopback_server import LoopbackServer, answer
from stored_objects import put_all

from benchmarks.nothing import PROFILE
from flows.evaluate_classifier import EvaluateParameters, evaluate_classifier
from flows.train_classifier import Recipe, TrainParameters, train_classifier
from packshot.classifier.augment import Augmentation
from packshot.classifier.checkpoint import load_checkpoint
from packshot.classifier.jobs import TRAININGS, list_jobs, open_job
from packshot.classifier.train import TrainSettings
from packshot.engines.classify_three_input import ThreeInputParams
from packshot.errors import SettingError, SourceError
from packshot.forget import forget
from packshot.gc import collect_garbage
from packshot.records import VERDICTS
from packshot.run import list_runs, open_run
from packshot.store import FolderStore, open_store

QUICK = {
    "profile": PROFILE,
    "threads": 1,
    "epochs": 1,
    "batch": 16,
    "retries": 0,
    "bfloat16": True,
    "validation_share": 0.25,
}


@pytest.fixture(autouse=True)
def one_thread() -> Iterator[None]:
    """So small a network gains nothing from several, which wait for each other where the machine is busy."""
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(before)


@pytest.fixture
def server() -> Iterator[LoopbackServer]:
    running = LoopbackServer()
    yield running
    running.close()


def on_loopback(**more: object) -> dict[str, object]:
    overrides = {"fetch.allow_private": True, "fetch.attempts": 1, "fetch.backoff_s": 0.0}
    return QUICK | {"allow_http": True, "overrides": overrides} | more


def test_the_parameters_are_those_of_the_recipe() -> None:
    settings = Recipe().settings(seed=0)
    assert settings == TrainSettings() and settings.augmentation == Augmentation()
    changed = Recipe(epochs=3, degrees=9.0, class_weights=True, start="shipped").settings(seed=5)
    assert (changed.epochs, changed.augmentation.degrees, changed.class_weights, changed.seed) == (3, 9.0, True, 5)
    assert changed.start == "shipped"


def test_broken_links_are_left_out_and_replaced_by_others_of_their_class(
    server: LoopbackServer, tmp_path: Path, prefect_server: str
) -> None:
    # Of class 1 most links are broken, of class 2 all but three: fewer than are asked for.
    catalogue = serve_catalogue(server, tmp_path / "pictures_market", 16, {1: range(10), 2: range(13)})
    store = str(tmp_path / "store")
    summary = train_classifier(
        TrainParameters(source=str(catalogue), store=store, per_class=6, reserve=5, **on_loopback())
    )
    counts = dict.fromkeys(VERDICTS, 6) | {VERDICTS[2]: 3}
    assert summary["photos"] == counts and summary["short"] == {VERDICTS[2]: 3}
    assert summary["left_out"] == {"fetch:http_404": summary["left_out"]["fetch:http_404"]}
    assert summary["left_out"]["fetch:http_404"] >= 13
    asked = {label: [p for p in server.paths() if p.startswith(f"/{label}/")] for label in range(6)}
    assert len(asked[0]) == 6, "a class without a broken link needs no reserve"
    assert len(asked[2]) == 16, "and one with too many is asked for to the last"
    about = load_checkpoint(Path(summary["weights"]))[1]
    assert about.training["sources"][0]["photos"] == counts
    run = open_run(store, summary["run_id"])
    assert run.read_json("run.json")["status"] == "done" and run.read_json("plan.json")["sample"]["complete"]
    assert run.store.get(f"{run.prefix}/report/index.html")

    # The run that was made can itself be evaluated, or trained on: nothing is fetched or read again.
    before = len(server.asked)
    again = evaluate_classifier(
        EvaluateParameters(
            source=summary["run_id"], store=store, per_class=2, weights=summary["weights"], profile=PROFILE
        )
    )
    assert again["photos"] == dict.fromkeys(VERDICTS, 2) and len(server.asked) == before
    report = Path(again["report"])
    figures = json.loads((report.parent / "report.json").read_text())
    assert sum(map(sum, figures["confusion"])) == 12 == len(figures["called"])
    for name in ("confusion.png", "reliability.png", "right.png", "wrong.png"):
        assert (report.parent / name).read_bytes().startswith(b"\x89PNG")
    page = report.read_text()
    assert page.count('class="card"') >= 6 and "calibration error" in page and "<script" not in page


def test_a_class_whose_links_are_all_broken_is_told_of(
    server: LoopbackServer, tmp_path: Path, prefect_server: str
) -> None:
    catalogue = serve_catalogue(server, tmp_path / "c.jsonl", 4, {4: range(4)})
    parameters = TrainParameters(source=str(catalogue), store=str(tmp_path / "store"), per_class=3, **on_loopback())
    with pytest.raises(SettingError, match=rf"no photo of {VERDICTS[4]} can be used.*4 fetch:http_404"):
        train_classifier(parameters)
    # With other links for them, only those are fetched: what was done is not lost.
    for i in range(4):
        server.routes[f"/again/{i}.png"] = answer(body=picture(4000 + i, 4), Content_Type="image/png")
    catalogue.write_text(catalogue.read_text().replace("/4/", "/again/"))
    server.asked.clear()
    summary = train_classifier(parameters.model_copy(update={"resume": False}))
    assert summary["photos"] == dict.fromkeys(VERDICTS, 3)
    assert len(server.asked) == 3 and all(path.startswith("/again/") for path in server.paths())


def test_wrong_settings_are_told_of_before_anything_starts(tmp_path: Path, prefect_server: str) -> None:
    folder, store = write_folders(tmp_path / "photos", 3), str(tmp_path / "store")

    def train(**more: object) -> None:
        train_classifier(TrainParameters(**{"source": str(folder), "store": store} | QUICK | more))

    with pytest.raises(SettingError, match=r"\(3\).*--per-class 3"):
        train(per_class=4)
    (folder / "nonsense").mkdir()
    (folder / "nonsense" / "x.png").write_bytes(picture(1, 1))
    with pytest.raises(SettingError, match="'nonsense' .1 rows."):
        train(per_class=3)
    with pytest.raises(SourceError, match="does not exist"):
        train(source=str(tmp_path / "nowhere.csv"))
    with pytest.raises(SettingError, match="synthetic:N"):
        train(source="synthetic:some")
    with pytest.raises(SettingError, match="no earlier trainings"):
        train(resume=True)
    shipped = EvaluateParameters(source=str(folder), store=store, profile=PROFILE)
    with pytest.raises(SettingError, match="learnt from ocr"):
        evaluate_classifier(shipped)
    with pytest.raises(SettingError, match="no classifier weights"):
        evaluate_classifier(shipped.model_copy(update={"weights": str(tmp_path / "none.safetensors")}))
    assert not list(FolderStore(Path(store)).keys("artifacts/"))


def test_a_bucket_holds_all_of_it_and_a_profile_can_name_its_weights(
    s3_bucket: str, tmp_path: Path, prefect_server: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PACKSHOT_MODELS", str(tmp_path / "models"))
    folder = write_folders(tmp_path / "photos", 4)
    source, store = f"s3://{s3_bucket}/{tmp_path.name}-source", f"s3://{s3_bucket}/{tmp_path.name}"
    put_all(open_store(source), {p.relative_to(folder).as_posix(): p.read_bytes() for p in folder.rglob("*.png")})
    summary = train_classifier(TrainParameters(source=source, store=store, per_class=4, **QUICK))
    assert summary["weights"] == f"{store}/trainings/{summary['training']}/classifier.safetensors"
    path = ThreeInputParams(weights=summary["weights"]).weights_path
    assert load_checkpoint(path)[1].metrics["validation"]["accuracy"] == summary["validation_accuracy"]
    kept = {key.rpartition("/")[2] for key in open_store(store).keys(f"trainings/{summary['training']}/")}
    assert {"classifier.safetensors", "classifier.json", "classifier.metrics.jsonl", "job.json", "index.html"} <= kept
    assert "state.json" not in kept, "what only an unfinished training needs is gone"


def test_features_are_made_once_kept_by_gc_and_forgotten_on_demand(tmp_path: Path, prefect_server: str) -> None:
    folder, store = write_folders(tmp_path / "photos", 4), FolderStore(tmp_path / "store")
    parameters = TrainParameters(source=str(folder), store=store.url, per_class=4, **QUICK)
    first = train_classifier(parameters)
    made = {key: store.path(key).stat().st_mtime_ns for key in store.keys("artifacts/features/")}
    assert len(made) == 24
    again = train_classifier(parameters)
    assert train_classifier(parameters.model_copy(update={"resume": True})) == again
    # Killed after its last epoch, before its report: no epoch is run again.
    job, written = open_job(store, TRAININGS, again["training"]), Path(again["weights"]).stat().st_mtime_ns
    job.update(status="running")
    assert train_classifier(parameters) == again and Path(again["weights"]).stat().st_mtime_ns == written
    assert again["training"] != first["training"], "over a finished training the same command begins a new one"
    assert Path(again["weights"]).read_bytes() == Path(first["weights"]).read_bytes()
    assert {key: store.path(key).stat().st_mtime_ns for key in store.keys("artifacts/features/")} == made
    collect_garbage(store, delete=True, settle_seconds=-1)
    assert set(store.keys("artifacts/features/")) == made.keys()

    digest = next(iter(made)).rpartition("/")[2].removesuffix(".npz")
    forget(store, digest, delete=True)
    left = b"".join(store.get(key) or b"" for key in store.keys("runs/"))
    assert digest.encode() not in left and not [key for key in store.keys("artifacts/") if digest in key]
    assert not list(store.keys(f"trainings/{first['training']}/report/"))
    assert Path(first["weights"]).exists()
    assert [open_job(store, TRAININGS, name).record["status"] for name in list_jobs(store, TRAININGS)] == ["done"] * 2
    assert len(list_runs(store)) == 2
