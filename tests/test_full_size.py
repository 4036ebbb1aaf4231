"""The published networks at full size with random weights: they load, run one photo at its real size, and stay under
12 GiB. Takes minutes; what it measured stands in docs/full.md."""

import pytest

from benchmarks.full import full_size


@pytest.mark.slow
@pytest.mark.timeout(1800)
@pytest.mark.parametrize("name", ["sam", "inpaint"])
def test_full_size_networks_run_on_a_cpu_in_12_gib(name: str) -> None:
    figures = full_size(name)
    assert figures["peak_gib"] < 12, figures
