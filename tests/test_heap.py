"""Freed memory is kept: large arrays made again cost no new pages."""

import subprocess
import sys

import pytest

FAULTS = """
import resource, sys
import numpy as np
from packshot.heap import keep_freed_memory
if sys.argv[1] == "keep":
    keep_freed_memory()
np.ones(8 << 20)
before = resource.getrusage(resource.RUSAGE_SELF).ru_minflt
for _ in range(20):
    np.ones(8 << 20)  # 64 MiB each
print(resource.getrusage(resource.RUSAGE_SELF).ru_minflt - before)
"""


@pytest.mark.skipif(sys.platform != "linux", reason="mallopt is glibc's")
def test_large_arrays_made_again_fault_in_no_pages():
    faults = {
        way: int(subprocess.run([sys.executable, "-c", FAULTS, way], capture_output=True, check=True, text=True).stdout)
        for way in ("keep", "default")
    }
    assert faults["keep"] * 20 < faults["default"], faults
