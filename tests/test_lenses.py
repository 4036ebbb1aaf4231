"""Lenses are told from dials by what goes on around them."""

import numpy as np

from packshot.lenses import _has_straps


def test_straps_go_on_opposite_sides():
    watch, rack = np.zeros((300, 300), bool), np.zeros((300, 300), bool)
    watch[130:170] = True
    rack[110:125, :150] = rack[180:195, :150] = True
    assert _has_straps(watch, 150, 150, 60)
    assert _has_straps(watch.T.copy(), 150, 150, 60)
    assert not _has_straps(rack, 150, 150, 60)
    assert not _has_straps(np.zeros_like(rack), 150, 150, 60)
