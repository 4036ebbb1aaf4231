"""A photo's embedding, and the head that weighs what it says of the verdict against the network's word."""

import json
from dataclasses import replace

import cv2
import numpy as np
import pytest

from packshot.classifier.data import SyntheticSource
from packshot.classifier.data import main as data_command
from packshot.classifier.embeddings import read_embeddings
from packshot.classifier.feature_set import read_feature_set
from packshot.classifier.photo_head import PhotoHead, fit_head, weigh
from packshot.errors import SettingError
from packshot.photo_net import WIDTH, PhotoNet, shared_photo_net
from packshot.records import VERDICTS
from packshot.synth import make_photo


def test_a_worn_copy_has_nearly_the_embedding_of_its_photo_and_another_photo_has_not():
    first, other = (make_photo(seed, "clean_photo_good_background", (320, 320), "test").image for seed in (5, 6))
    small = cv2.resize(first, (200, 200), interpolation=cv2.INTER_AREA)
    worn = cv2.imdecode(cv2.imencode(".jpg", small, [cv2.IMWRITE_JPEG_QUALITY, 60])[1], cv2.IMREAD_COLOR)
    one, again, another = (shared_photo_net()(np.ascontiguousarray(image)) for image in (first, worn, other))
    assert one.shape == (WIDTH,) and one.dtype == np.float32 and one.min() >= 0 and one.max() <= 6
    assert np.linalg.norm(one - again) < 0.6 * np.linalg.norm(one - another)


def test_threads_do_not_change_an_embedding():
    image = np.random.default_rng(0).integers(0, 256, (300, 120, 3), dtype=np.uint8)
    np.testing.assert_allclose(PhotoNet(2)(image), PhotoNet(1)(image), atol=1e-4)


def told_by_embeddings(n: int, seed: int = 0):
    """Three classes: the network tells 0 from the others, the embedding 1 from 2."""
    rng = np.random.default_rng(seed)
    labels = rng.integers(0, 3, n)
    said = np.log(np.where(labels[:, None] == 0, [[0.8, 0.1, 0.1]], [[0.1, 0.45, 0.45]]))
    embeddings = rng.uniform(0, 1, (n, WIDTH)).astype(np.float32)
    embeddings[:, :40] += 0.5 * (labels == 2)[:, None]
    return said, embeddings, labels


def test_a_head_learns_what_only_embeddings_tell():
    _, embeddings, labels = told_by_embeddings(400)
    head = fit_head(embeddings, labels, 3)
    said, embeddings, labels = told_by_embeddings(400, seed=1)
    head = weigh(head, said, embeddings, labels)
    said, embeddings, labels = told_by_embeddings(400, seed=2)
    alone, together = head.own(embeddings).argmax(axis=1), head.logits(said, embeddings).argmax(axis=1)
    assert (said.argmax(axis=1) == labels).mean() < 0.75 and (alone == labels).mean() < 0.9
    assert (together == labels).mean() > 0.95
    again = PhotoHead.from_json(json.loads(json.dumps(head.as_json())))
    np.testing.assert_allclose(again.logits(said, embeddings), head.logits(said, embeddings), atol=0.02)


def test_a_head_that_says_nothing_gets_next_to_no_share_and_few_photos_leave_it_equal():
    said, embeddings, labels = told_by_embeddings(600)
    noise = fit_head(embeddings, np.random.default_rng(3).integers(0, 3, 600), 3)
    network, own = weigh(noise, said, told_by_embeddings(600, seed=1)[1], labels).shares
    assert own < 0.3 * network
    network, own = weigh(noise, said[:2], embeddings[:2], labels[:2]).shares
    assert 0.4 < own < 2.5 and 0.4 < network < 2.5


def test_shares_of_the_network_alone_leave_its_word():
    said, embeddings, labels = told_by_embeddings(60)
    head = replace(fit_head(embeddings, labels, 3), shares=(1.0, 0.0))
    np.testing.assert_allclose(head.logits(said, embeddings), said)


def test_heads_of_other_embeddings_are_refused():
    _, embeddings, labels = told_by_embeddings(30)
    kept = fit_head(embeddings, labels, 3).as_json()
    for damage in ({"weight_float16": kept["weight_float16"][:400]}, {"bias": None}, {"shares": [1.0]}):
        with pytest.raises(SettingError, match="damaged"):
            PhotoHead.from_json(kept | damage)
    for other in ({"inputs": ["facts of an older head"]}, kept | {"embeddings": "another network's"}):
        with pytest.raises(SettingError, match="was not fitted to embeddings"):
            PhotoHead.from_json(other)


def test_embeddings_alone_are_made_and_read_like_those_of_features_and_train_no_network(tmp_path, capsys):
    folder = tmp_path / "looks"
    command = ["--synthetic", "6", "--long-side", "160", "--embeddings", "--workers", "1", "--out", str(folder)]
    assert data_command(command) == 0 and "6 photos made" in capsys.readouterr().out
    embeddings, labels, (source,) = read_embeddings([folder], VERDICTS)
    assert embeddings.shape == (6, WIDTH) and labels.tolist() == list(range(6)) and source["photos"] == 6
    image = SyntheticSource(6, long_side=160).photo(4).image
    np.testing.assert_allclose(embeddings[4], shared_photo_net()(image), atol=embeddings[4].max() / 255)
    with pytest.raises(SettingError, match="embeddings only"):
        read_feature_set(folder, pooled=True)
    with pytest.raises(SettingError, match="unknown verdicts"):
        read_embeddings([folder], VERDICTS[:3])
    with pytest.raises(SettingError, match="holds no features"):
        read_embeddings([tmp_path], VERDICTS)
