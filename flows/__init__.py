"""What users start. `process_shard.py` is the DAG: read it first."""
