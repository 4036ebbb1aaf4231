"""The run's gallery page."""
