"""What benchmarks.pictures says of a photo: the figures of its placement, and what the gate let pass."""

import argparse

import numpy as np
import pytest

from benchmarks import pictures
from benchmarks.large import NO_GATE
from benchmarks.pictures import judge, table
from packshot.fidelity import OF_CUTOUT, Gates

OPTIONS = argparse.Namespace(split="test", seed=0, profile="lite", place=True)


@pytest.fixture(scope="module")
def rows():
    """The same photo with open gates, and with one that nothing passes. Engines are kept: the second has its own."""
    made = []
    for overrides in (NO_GATE, NO_GATE | {"gates.cutout_confidence": "1"}):
        pictures._ENGINES.clear()
        made.append(judge((0, OPTIONS, overrides)))
    return made


def test_a_placed_photo_has_the_figures_of_its_gates(rows):
    (row, cutout), _ = rows
    assert row.error is None and cutout[..., 3].any() and row.figures.iou > 0.5
    assert set(row.gated) == set(OF_CUTOUT)
    assert row.placed["changed_pixels"] == 0 and row.placed["expansion"] is not None
    assert any("100.0% usable, 100.0% of these exact" in line for line in table([row], Gates()))


def test_a_refused_photo_keeps_its_cutout_and_passes_only_without_a_gate(rows):
    (passed, before), (refused, cutout) = rows
    assert refused.error == "gate_failed" and not refused.placed
    assert np.array_equal(before, cutout) and refused.figures == passed.figures
    assert not refused.passes(Gates()) and refused.passes(None)
    strict = Gates(cutout_confidence=1.0)
    assert not passed.passes(strict) and passed.passes(Gates(cutout_confidence=0.0, covered_outline=1.0))
