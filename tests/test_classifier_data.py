"""Features are made from photos by the real engines, whole shard by whole shard; photos are worn repeatably."""

import csv

import cv2
import numpy as np
import pytest

from packshot.classifier.data import SHARD_ROWS, SyntheticSource, main, read_labels
from packshot.classifier.degrade import degrade
from packshot.classifier.feature_set import read_feature_set, read_folder_about, shard_path
from packshot.errors import SourceError
from packshot.records import VERDICTS


def labelled_folder(tmp_path, verdicts):
    rng = np.random.default_rng(0)
    with open(tmp_path / "labels.csv", "w", newline="") as stream:
        writer = csv.writer(stream)
        writer.writerow(["file", "verdict"])
        for number, verdict in enumerate(verdicts):
            image = np.full((90, 120, 3), 255, np.uint8)
            cv2.circle(image, (60, 45), 30, rng.integers(0, 200, 3).tolist(), -1)
            cv2.imwrite(str(tmp_path / f"{number}.png"), image)
            writer.writerow([f"{number}.png", verdict])
    return tmp_path / "labels.csv"


def test_a_folder_of_labelled_photos_becomes_features(tmp_path, capsys):
    labels = labelled_folder(tmp_path, [VERDICTS[3], VERDICTS[4], "", VERDICTS[3]])
    command = ["--labels", str(labels), "--out", str(tmp_path / "features"), "--workers", "1"]
    assert main(command) == 0
    found = read_feature_set(tmp_path / "features", pooled=False)
    assert found.origins.tolist() == ["0.png", "1.png", "3.png"]
    assert found.labels.tolist() == [3, 4, 3]
    # The disc's mask covers the middle and not the corners, after the stretch to the square.
    assert (found.logits[:, 128, 128, 1:] > 0).all() and (found.logits[:, 5, 5] < 0).all()
    engines = read_folder_about(tmp_path / "features")["engines"]
    assert engines["ocr"]["name"] == "rapid" and engines["segment"]["name"] == "grabcut"
    assert "threads" not in engines["ocr"]["params"]

    written = shard_path(tmp_path / "features", 0).stat().st_mtime_ns
    assert main(command) == 0
    assert shard_path(tmp_path / "features", 0).stat().st_mtime_ns == written
    assert main([*command[:-2], "--ocr", "nonsense"]) == 2
    assert "no engine 'nonsense'" in capsys.readouterr().err


def test_labels_that_cannot_be_used_are_explained(tmp_path):
    with pytest.raises(SourceError, match="No such file"):
        read_labels(tmp_path / "none.csv")
    (tmp_path / "other.csv").write_text("photo,verdict\na.png,b\n")
    with pytest.raises(SourceError, match="no column 'file'"):
        read_labels(tmp_path / "other.csv")
    with pytest.raises(SourceError, match="no labelled row"):
        read_labels(labelled_folder(tmp_path, ["", ""]))
    source = read_labels(labelled_folder(tmp_path, [VERDICTS[0]]))
    (tmp_path / "0.png").write_bytes(b"no picture")
    with pytest.raises(SourceError, match="not a picture"):
        source.photo(0)


def test_synthetic_photos_repeat_and_take_turns():
    source = SyntheticSource(12)
    once, again = source.photo(5), SyntheticSource(12).photo(5)
    assert once.digest == again.digest and once.verdict == VERDICTS[5]
    assert source.photo(11).verdict == VERDICTS[5] and source.photo(11).digest != once.digest
    assert SyntheticSource(12, split="test").photo(5).digest != once.digest
    assert len(source) == 12 < SHARD_ROWS


def test_wear_keeps_a_photo_a_photo():
    image = np.full((600, 900, 3), 200, np.uint8)
    image[200:400, 300:600] = (30, 120, 60)
    sides, in_proportion = [], 0
    for seed in range(40):
        worn = degrade(image, np.random.default_rng(seed))
        assert worn.dtype == np.uint8 and worn.shape[2] == 3
        assert np.array_equal(worn, degrade(image, np.random.default_rng(seed)))
        height, width = worn.shape[:2]
        assert 0.9 < width / height < 1.63, "squashed to a square at most, never stretched"
        in_proportion += abs(width / height - 1.5) < 0.13
        middle, corner = worn[height // 2, width // 2], worn[4, 4]  # an edge is two pixels wide at most
        assert middle.astype(int).sum() < corner.astype(int).sum() - 150
        sides.append(width)
    assert min(sides) < 200 and max(sides) > 800
    assert 20 < in_proportion < 40


def test_thumbnails_are_no_larger_than_asked(capsys):
    thumbnails = [SyntheticSource(12, long_side=400, longest=140).photo(number).image for number in range(6)]
    sides = [max(image.shape) for image in thumbnails]
    assert 85 <= min(sides) < max(sides) <= 140
    for unfit in (["--longest", "20"], ["--longest", "140", "--no-worn"]):
        with pytest.raises(SystemExit):
            main(["--synthetic", "12", "--out", "nowhere", *unfit])
        assert "--longest takes 90 or more" in capsys.readouterr().err
