"""Prefect tasks: one thin file a stage. What they do is in `packshot`; how they run is in `_policy`."""
