"""What a shard's flows are asked: fetch-shard and process-shard take the same."""

from pydantic import BaseModel, ConfigDict, Field


class ShardParameters(BaseModel):
    """One shard of a run. process-catalogue fills this in; by hand, Retry on the shard's own flow run is simpler."""

    model_config = ConfigDict(extra="forbid")

    store: str = Field(min_length=1, description="The run's store: a folder or s3://bucket/prefix.")
    run_id: str = Field(min_length=1, description="The run's id, as `packshot status` shows it.")
    shard: int = Field(ge=0, description="The shard's number, from 0.")
    retries: int = Field(default=1, ge=0, le=10, description="How often a batch with passing failures is tried again.")
    retry_delay_seconds: float = Field(default=5, ge=0, le=3600, description="Pause before a batch is tried again.")
