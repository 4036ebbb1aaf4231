"""Measurements: `python -m benchmarks.NAME`. What they print is what the README may claim."""
