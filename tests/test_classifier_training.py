"""Feature sets, augmentation, training and evaluation on a few small feature sets made by hand."""

import json
from dataclasses import replace

import numpy as np
import pytest
import torch

from packshot.classifier.about import weights_digest, write_about
from packshot.classifier.augment import Augmentation, augment, to_tensors
from packshot.classifier.calibrate import main as calibrate_command
from packshot.classifier.checkpoint import load_checkpoint
from packshot.classifier.evaluate import (
    as_markdown,
    classification_report,
    evaluate,
    network_log_probabilities,
)
from packshot.classifier.evaluate import main as evaluate_command
from packshot.classifier.feature_set import (
    FeatureRow,
    FeatureSet,
    balanced_rows,
    open_folder,
    read_feature_set,
    read_folder_about,
    read_folders,
    split_by_digest,
    write_shard,
)
from packshot.classifier.features import Features
from packshot.classifier.photo_head import PhotoHead
from packshot.classifier.photo_head import main as photo_head_command
from packshot.classifier.temperature import fit_temperature, softmax
from packshot.classifier.train import TrainSettings, train
from packshot.classifier.train import main as train_command
from packshot.errors import SettingError
from packshot.photo_net import WIDTH
from packshot.records import VERDICTS

ENGINES = {
    stage: {"name": name, "version": 1, "params": {}, "weights_revision": ""}
    for stage, name in (("ocr", "rapid"), ("segment", "grabcut"))
}
TWO = ("left", "right")


def row(number: int, verdict: str, side: int, digest: str | None = None) -> FeatureRow:
    """A photo that is bright, and has its mask, on one side."""
    rng = np.random.default_rng(number)
    image = rng.integers(0, 120, (64, 64, 3), dtype=np.uint8)
    logits = rng.integers(-40, 0, (256, 256, 3)).astype(np.int8)
    half = slice(0, 32) if side == 0 else slice(32, 64)
    image[:, half] += 120
    logits[:, half.start * 4 : half.stop * 4] += 60
    scale = np.full(3, 0.1, np.float32)
    embedding = rng.integers(0, 256, WIDTH).astype(np.uint8)
    features = Features(image, np.zeros((64, 64, 3), np.uint8), 1 / 255, logits, scale, embedding, 1 / 255)
    return FeatureRow(digest or f"{number:064x}", verdict, f"hand-made {number}", features)


def folder_of(tmp_path, rows, name="features"):
    folder = tmp_path / name
    open_folder(folder, {"engines": ENGINES, "source": {"kind": "hand-made"}})
    for number, start in enumerate(range(0, len(rows), 7)):
        write_shard(folder, number, rows[start : start + 7])
    return folder


def two_sides(n: int = 10) -> list[FeatureRow]:
    return [row(i, TWO[i % 2], i % 2) for i in range(n)]


@pytest.fixture
def sides(tmp_path) -> FeatureSet:
    return read_feature_set(folder_of(tmp_path, two_sides()), pooled=True, classes=TWO)


def test_rows_come_back_from_a_folder(tmp_path):
    rows = two_sides(10)
    found = read_feature_set(folder_of(tmp_path, rows), pooled=False, classes=TWO)
    assert len(found) == 10 and found.counts() == {"left": 5, "right": 5}
    assert found.digests.tolist() == [r.digest for r in rows]
    for wanted, image, text, logits in zip(rows, *to_tensors(found, np.arange(10)), strict=True):
        for ours, theirs in zip(wanted.features.dequantise(), (image, text, logits), strict=True):
            np.testing.assert_allclose(theirs.permute(1, 2, 0).numpy(), ours, atol=1e-6)


def test_pooled_logits_are_the_mean_of_the_whole_ones(tmp_path):
    folder = folder_of(tmp_path, two_sides(4))
    whole = to_tensors(read_feature_set(folder, pooled=False, classes=TWO), np.arange(4))[2]
    pooled = to_tensors(read_feature_set(folder, pooled=True, classes=TWO), np.arange(4))[2]
    torch.testing.assert_close(pooled, torch.nn.functional.avg_pool2d(whole, 4))


def test_other_engines_do_not_mix_in_a_folder(tmp_path):
    folder = folder_of(tmp_path, two_sides(2))
    open_folder(folder, {"engines": ENGINES, "source": {"kind": "hand-made"}})
    newer = ENGINES | {"ocr": ENGINES["ocr"] | {"version": 2}}
    with pytest.raises(SettingError, match="engines differ"):
        open_folder(folder, {"engines": newer, "source": {"kind": "hand-made"}})


def test_folders_of_the_same_engines_join(tmp_path):
    first = folder_of(tmp_path, two_sides(4), "first")
    second = folder_of(tmp_path, [row(i, TWO[0], 0) for i in range(4, 7)], "second")
    joined, about = read_folders([first, second], pooled=True, classes=TWO)
    assert joined.counts() == {"left": 5, "right": 2} and len(joined.logits) == 7
    assert about == {"engines": ENGINES, "sources": [{"kind": "hand-made"}] * 2}
    other = tmp_path / "other"
    open_folder(other, {"engines": {}, "source": {}})
    with pytest.raises(SettingError, match="cannot be mixed"):
        read_folders([first, other], pooled=True, classes=TWO)


def test_the_untrained_verdict_is_left_out_and_an_unknown_one_refused(tmp_path):
    rows = [row(0, VERDICTS[0], 0), row(1, "clean_photo_other_background", 0)]
    assert len(read_feature_set(folder_of(tmp_path, rows), pooled=True)) == 1
    with pytest.raises(SettingError, match="unknown verdicts: nonsense"):
        read_feature_set(folder_of(tmp_path, [row(0, "nonsense", 0)], "other"), pooled=True)
    with pytest.raises(SettingError, match="no row"):
        read_feature_set(folder_of(tmp_path, [], "empty"), pooled=True)
    with pytest.raises(SettingError, match="holds no features"):
        read_folder_about(tmp_path / "nowhere")


def test_a_split_is_stratified_and_keeps_equal_pictures_together(tmp_path):
    rows = [row(i, TWO[i % 2], i % 2, digest=f"{i // 4:064x}") for i in range(40)]
    rows += [row(100 + i, TWO[i % 2], 0) for i in range(60)]
    features = read_feature_set(folder_of(tmp_path, rows), pooled=True, classes=TWO)
    train_rows, validation = split_by_digest(features, 0.2, seed=0)
    assert sorted([*train_rows, *validation]) == list(range(100))
    assert not set(features.digests[train_rows]) & set(features.digests[validation])
    assert features[validation].counts()["left"] == pytest.approx(features[validation].counts()["right"], abs=8)
    again = features[np.arange(100)[::-1]]
    assert set(again.digests[split_by_digest(again, 0.2, seed=0)[1]]) == set(features.digests[validation])
    assert set(features.digests[split_by_digest(features, 0.2, seed=1)[1]]) != set(features.digests[validation])


def test_too_few_photos_are_explained(sides):
    assert len(balanced_rows(sides, 4, seed=0)) == 8
    with pytest.raises(SettingError, match="left has 5, right has 5"):
        balanced_rows(sides, 6, seed=0)
    only_left = sides[sides.labels == 0]
    with pytest.raises(SettingError, match="right has 0"):
        balanced_rows(only_left, 0, seed=0)
    with pytest.raises(SettingError, match="too few photos"):
        split_by_digest(sides[np.arange(4)], 0.2, seed=0)


def test_augmentation_moves_all_inputs_together(sides):
    batch = to_tensors(sides, np.arange(10))
    picture, _, logits = augment(batch, Augmentation(upside_down=True), torch.Generator().manual_seed(0))
    # Where the picture is bright, there is the mask, however both were turned and flipped.
    bright, masked = picture.mean(dim=1) > 0.5, logits.mean(dim=1) > 0
    assert (bright == masked).float().mean() > 0.95
    moved = ((batch[2].mean(dim=1) > 0) != masked).float().mean(dim=(1, 2))
    assert (moved > 0.5).any() and (moved < 0.3).any()


def test_no_augmentation_changes_nothing(sides):
    batch = to_tensors(sides, np.arange(3))
    still = Augmentation(flip=False, degrees=0, crop=0, colour=0, unread=0, dull=0)
    for before, after in zip(batch, augment(batch, still, torch.Generator().manual_seed(0)), strict=True):
        torch.testing.assert_close(before, after, atol=1e-4, rtol=0)


QUICK = TrainSettings(
    epochs=6,
    patience=6,
    batch=4,
    learning_rate=1e-3,
    augmentation=Augmentation(flip=False, degrees=0),
)


def test_training_learns_what_is_plain_to_see(tmp_path, sides):
    losses = []
    out = tmp_path / "sides.safetensors"
    train(sides, {"engines": ENGINES}, out, QUICK, lambda row: losses.append((row["loss"], row["accuracy"])))
    assert losses[-1][0] < losses[0][0] / 2 and losses[-1][1] == 1
    model, about = load_checkpoint(out)
    assert about.classes == TWO and about.feature_engines == ENGINES
    assert about.training["photos"] == {"train": 8, "validation": 2}
    lines = [json.loads(line) for line in out.with_suffix(".metrics.jsonl").read_text().splitlines()]
    assert [line["epoch"] for line in lines] == list(range(1, len(lines) + 1))
    best = max(range(len(lines)), key=lambda i: lines[i]["validation_accuracy"])
    assert about.training["best_epoch"] == best + 1
    assert about.metrics["validation"]["accuracy"] == lines[best]["validation_accuracy"]
    assert not out.with_suffix(".training").exists()


def test_a_killed_training_goes_on_to_the_same_weights(tmp_path, sides):
    class Killed(Exception):
        pass

    def kill_after_one(row):
        if row["epoch"] == 1:
            raise Killed

    sides = sides[np.arange(6)]
    whole, broken = tmp_path / "whole.safetensors", tmp_path / "broken.safetensors"
    settings = TrainSettings(
        epochs=3, patience=3, batch=4, validation_share=0.34, class_weights=True, label_smoothing=0.1
    )
    train(sides, {"engines": ENGINES}, whole, settings)
    with pytest.raises(Killed):
        train(sides, {"engines": ENGINES}, broken, settings, kill_after_one)
    assert not broken.exists()
    with pytest.raises(SettingError, match="settings differ"):
        train(sides, {"engines": ENGINES}, broken, QUICK)
    epochs = []
    train(sides, {"engines": ENGINES}, broken, settings, lambda row: epochs.append(row["epoch"]))
    assert epochs == [2, 3]
    assert broken.read_bytes() == whole.read_bytes()
    # The best epoch may be the first: the losses of the later ones tell that they too were the same.
    assert losses_of(broken) == losses_of(whole)


def test_a_training_can_start_from_a_checkpoint(tmp_path, sides):
    first, second = tmp_path / "first.safetensors", tmp_path / "second.safetensors"
    train(sides, {"engines": ENGINES}, first, QUICK)
    still = replace(QUICK, start=str(first), learning_rate=1e-12, epochs=1, patience=1)
    about = train(sides, {"engines": ENGINES}, second, still)
    assert about.training["started_from"] == weights_digest(first)
    before, after = (dict(load_checkpoint(path)[0].named_parameters()) for path in (first, second))
    for name, parameter in before.items():
        torch.testing.assert_close(after[name], parameter, atol=1e-6, rtol=0)
    with pytest.raises(SettingError, match="cannot start from .*lite.safetensors: it has the classes"):
        train(sides, {"engines": ENGINES}, tmp_path / "third.safetensors", replace(QUICK, start="shipped"))
    with pytest.raises(SettingError, match="no classifier weights at"):
        train(sides, {"engines": ENGINES}, tmp_path / "third.safetensors", replace(QUICK, start="nowhere.safetensors"))


def losses_of(out):
    rows = [json.loads(line) for line in out.with_suffix(".metrics.jsonl").read_text().splitlines()]
    assert [r["epoch"] for r in rows] == [1, 2, 3]
    return [(r["loss"], r["validation_loss"]) for r in rows]


def test_training_stops_early_and_lowers_the_rate(tmp_path, sides):
    """With a learning rate that changes nothing, no epoch after the first is better."""
    rows = []
    still = TrainSettings(epochs=9, patience=3, learning_rate=1e-12, augmentation=QUICK.augmentation)
    about = train(sides, {"engines": ENGINES}, tmp_path / "still.safetensors", still, rows.append)
    assert about.training["epochs"] == about.training["best_epoch"] + 3 < 9
    assert [r["learning_rate"] for r in rows[-4:]] == pytest.approx([1e-12, 1e-12, 1e-12, 0.8e-12])


def test_settings_out_of_range_are_refused():
    for wrong in ({"batch": 1}, {"epochs": 0}, {"label_smoothing": 1.0}, {"learning_rate": 0.0}, {"rate_factor": 2.0}):
        with pytest.raises(SettingError):
            TrainSettings(**wrong)


def test_report_counts_by_hand():
    labels = np.array([0, 0, 0, 1, 1, 2])
    called = np.array([0, 0, 1, 1, 1, 0])
    probabilities = np.full((6, 3), 0.1)
    probabilities[np.arange(6), called] = 0.8
    report = classification_report(probabilities, labels, ("a", "b", "c"))
    assert report["confusion"] == [[2, 1, 0], [0, 2, 0], [1, 0, 0]]
    assert report["accuracy"] == pytest.approx(4 / 6)
    assert report["classes"]["a"] == pytest.approx({"precision": 2 / 3, "recall": 2 / 3, "f1": 2 / 3, "photos": 3})
    assert report["classes"]["c"]["f1"] == 0
    assert report["macro_f1"] == pytest.approx((2 / 3 + 0.8 + 0) / 3)
    assert report["calibration_error"] == pytest.approx(0.8 - 4 / 6)
    page = as_markdown(report, "by hand")
    assert "| a | 2 | 1 | 0 |" in page and "accuracy **0.667**" in page


def test_temperature_undoes_overconfidence():
    rng = np.random.default_rng(0)
    logits = rng.normal(0, 2, (4000, 4))
    labels = np.array([rng.choice(4, p=p) for p in softmax(logits)])
    assert fit_temperature(logits, labels) == pytest.approx(1, abs=0.1)
    assert fit_temperature(logits * 3, labels) == pytest.approx(3, abs=0.3)


def test_commands_train_and_evaluate(tmp_path, capsys):
    rows = [row(i, VERDICTS[i % 6], i % 2) for i in range(36)]
    folder, out = folder_of(tmp_path, rows), tmp_path / "six.safetensors"
    assert train_command(["--features", str(folder), "--out", str(out), "--epochs", "1", "--threads", "2"]) == 0
    assert "validation accuracy" in capsys.readouterr().out
    report = ["--weights", str(out), "--features", str(folder), "--out", str(tmp_path / "report")]
    assert evaluate_command(report) == 0
    figures = json.loads((tmp_path / "report.json").read_text())
    assert figures["photos"] == 36 and len(figures["called"]) == 36
    assert np.array(figures["confusion"]).sum() == 36
    assert (tmp_path / "report.md").read_text().strip() in capsys.readouterr().out
    assert train_command(["--features", str(folder), "--out", str(out), "--per-class", "7"]) == 2
    assert "has 6" in capsys.readouterr().err


def test_evaluation_refuses_features_of_other_engines(tmp_path, sides):
    out = tmp_path / "sides.safetensors"
    train(sides, {"engines": ENGINES}, out, TrainSettings(epochs=1))
    folder = tmp_path / "others"
    open_folder(folder, {"engines": ENGINES | {"ocr": ENGINES["ocr"] | {"name": "easyocr"}}})
    with pytest.raises(SettingError, match="trained on features of"):
        evaluate(out, folder)


def test_a_trained_network_is_calibrated_on_other_photos(tmp_path, sides, capsys):
    out, folder = tmp_path / "sides.safetensors", folder_of(tmp_path, two_sides(12), "others")
    train(sides, {"engines": ENGINES}, out, replace(QUICK, epochs=2))
    weights, about = out.read_bytes(), load_checkpoint(out)[1]
    assert PhotoHead.from_json(about.head).shares != (3.0, 1.0)
    about.temperature = 3.0
    about.head |= {"shares": [3.0, 1.0]}
    write_about(out, about)
    command = ["--weights", str(out), "--features", str(folder)]
    assert calibrate_command(command) == 0 and "12 photos: macro F1" in capsys.readouterr().out
    about = load_checkpoint(out)[1]
    assert PhotoHead.from_json(about.head).shares != (3.0, 1.0)
    assert about.temperature != 3.0 and out.read_bytes() == weights
    assert about.metrics["calibration"]["photos"] == about.training["calibration"]["photos"] == 12
    about.head = None
    write_about(out, about)
    assert calibrate_command(command) == 0 and load_checkpoint(out)[1].head is None
    assert photo_head_command(["--weights", str(out), "--embeddings", str(folder)]) == 0
    about = load_checkpoint(out)[1]
    assert about.head["shares"] == [1.0, 1.0] and about.training["photo_head"]["photos"] == 12
    assert calibrate_command(command) == 0 and load_checkpoint(out)[1].head["shares"] != [1.0, 1.0]
    assert calibrate_command([*command, "--equal"]) == 0 and load_checkpoint(out)[1].head["shares"] == [1.0, 1.0]


def test_prediction_does_not_depend_on_the_batch(tmp_path, sides):
    torch.manual_seed(0)
    from packshot.classifier.model import ThreeInputNet

    model = ThreeInputNet(2, pool_logits_first=True)
    alone, together = (network_log_probabilities(model, sides, True, batch) for batch in (1, 64))
    np.testing.assert_allclose(alone, together, atol=1e-5)
    assert model.training


def test_a_verdict_is_averaged_over_mirrored_and_closer_views(sides):
    torch.manual_seed(0)
    from packshot.classifier.augment import to_tensors
    from packshot.classifier.model import ThreeInputNet
    from packshot.classifier.views import CLOSER, averaged_log_probabilities, views_of

    batch = to_tensors(sides, np.arange(4))
    views = views_of(batch, mirrored=True)
    assert len(views) == 8 and len(views_of(batch, mirrored=False)) == 4
    for shown in views:
        assert [part.shape for part in shown] == [part.shape for part in batch]
    for whole, mirrored in zip(views[::2], views[1::2], strict=True):
        for a, b in zip(whole, mirrored, strict=True):
            torch.testing.assert_close(a, b.flip(3))
    ramp = torch.linspace(0, 1, 64).expand(1, 3, 64, 64).contiguous()
    seen = [float(x[0].std()) / float(ramp.std()) for x, _, _ in views_of((ramp, ramp, ramp), True)[2:]]
    assert seen == pytest.approx([CLOSER] * 6, abs=0.01)

    model = ThreeInputNet(2, pool_logits_first=True).eval()
    with torch.inference_mode():
        said = averaged_log_probabilities(model, batch, mirrored=True)
        views_said = torch.stack([torch.log_softmax(model(*view).double(), dim=1) for view in views])
        torch.testing.assert_close(said, views_said.mean(dim=0), atol=1e-5, rtol=0)


def test_augmentation_loses_text_and_sharpness_of_the_asked_share_only(sides):
    batch = tuple(torch.rand((40, 3, 64, 64), generator=torch.Generator().manual_seed(1)) for _ in range(3))
    still = {"flip": False, "degrees": 0, "crop": 0, "colour": 0}
    for name, place, share in (("unread", 1, 0.5), ("dull", 0, 0.5)):
        settings = Augmentation(**still, **{"unread": 0, "dull": 0, name: share})
        after = augment(batch, settings, torch.Generator().manual_seed(0))
        changed = [(a - b).abs().amax(dim=(1, 2, 3)) > 1e-3 for a, b in zip(after, batch, strict=True)]
        assert 10 < int(changed[place].sum()) < 30
        assert not any(bool(changed[other].any()) for other in range(3) if other != place)
    lost = augment(batch, Augmentation(**still, unread=1, dull=0), torch.Generator().manual_seed(0))[1]
    assert 0.35 < float((lost == 0).float().mean()) < 0.65
