"""The facts head: the network's word weighed with measured facts."""

import json
from dataclasses import replace

import numpy as np
import pytest

from packshot.artifacts import Segmentation, Texts
from packshot.classifier.fact_vector import NAMES, fact_vector
from packshot.classifier.facts import measure_facts
from packshot.classifier.facts_head import FactsHead, cross_fitted, fit_head
from packshot.errors import SettingError


def photo_facts():
    image = np.full((60, 80, 3), 255, np.uint8)
    logits = np.full((3, 256, 256), -5.0, np.float32)
    return measure_facts(image, Texts([]), Segmentation.from_logits(logits, np.array([0.1, 0.1, 0.1]), (60, 80)))


def value(vector: np.ndarray, name: str) -> float:
    return float(vector[NAMES.index(name)])


def test_facts_become_numbers_and_the_unknown_stays_unknown():
    facts = photo_facts()
    vector = fact_vector(facts)
    assert vector.dtype == np.float32 and vector.shape == (len(NAMES),) and len(set(NAMES)) == len(NAMES)
    assert value(vector, "log text_lines") == 0 and value(vector, "log width") == pytest.approx(np.log(81))
    assert value(vector, "width of height") == pytest.approx(80 / 60)
    assert np.isnan(value(vector, "smallest_text_share")) and np.isnan(value(vector, "log number of product_cut"))
    assert value(vector, "background even") == 1 and value(vector, "background busy") == 0
    assert value(vector, "background_colours white") == 1
    more = replace(facts, text_lines=4, small_lines=2, product_cut=["left"], price_words=["скидка", "руб"])
    changed = fact_vector(more)
    assert value(changed, "small_lines of text_lines") == 0.5
    assert value(changed, "log number of product_cut") == pytest.approx(np.log(2))
    assert value(changed, "log number of price_words") == pytest.approx(np.log(3))


def told_apart_by_facts(n: int, seed: int = 0):
    """Three classes: the network tells 0 from the others, a fact 1 from 2; another fact is lacking in every third."""
    rng = np.random.default_rng(seed)
    labels = rng.integers(0, 3, n)
    said = np.log(np.where(labels[:, None] == 0, [[0.8, 0.1, 0.1]], [[0.1, 0.45, 0.45]]))
    facts = rng.normal(0, 1, (n, len(NAMES)))
    facts[:, 3] = 50 + 10 * (labels == 2) + rng.normal(0, 1, n)
    facts[::3, 5] = np.nan
    return said, facts, labels


def test_a_head_learns_what_only_facts_tell():
    head = fit_head(*told_apart_by_facts(400))
    said, facts, labels = told_apart_by_facts(400, seed=1)
    assert (head.logits(said, facts).argmax(axis=1) == labels).mean() > 0.98
    assert head.unknown == (5,)
    again = FactsHead.from_json(json.loads(json.dumps(head.as_json())))
    np.testing.assert_allclose(again.logits(said, facts), head.logits(said, facts))


def test_few_photos_leave_the_networks_word_as_it_is():
    said, facts, labels = told_apart_by_facts(3)
    head = fit_head(said, facts, labels)
    moved = np.array(head.weight)[:, :3] - np.eye(3)
    assert np.abs(moved).max() < 0.5


def test_cross_fitting_does_not_flatter():
    """Facts that say nothing: judged on its own photos a head looks good, by heads fitted on others it does not."""
    rng = np.random.default_rng(0)
    labels = rng.integers(0, 3, 150)
    said, facts = np.full((150, 3), np.log(1 / 3)), rng.normal(0, 1, (150, len(NAMES)))
    own = fit_head(said, facts, labels).logits(said, facts).argmax(axis=1)
    honest = cross_fitted(said, facts, labels).argmax(axis=1)
    assert (own == labels).mean() > 0.6 and (honest == labels).mean() < 0.45


def test_heads_of_other_facts_and_photos_without_facts_are_refused():
    said, facts, labels = told_apart_by_facts(30)
    kept = fit_head(said, facts, labels).as_json()
    with pytest.raises(SettingError, match="other facts"):
        FactsHead.from_json(kept | {"inputs": list(NAMES[:-1])})
    facts[4] = np.nan
    with pytest.raises(SettingError, match="no facts"):
        fit_head(said, facts, labels)
