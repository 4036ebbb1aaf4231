"""packshot: verdicts, cutouts and placed photos for a marketplace's catalogue.

The library: everything that is not orchestration. It never imports Prefect, and
importing it loads no model library.
"""

__version__ = "0.1.0"
