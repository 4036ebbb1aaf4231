"""The DAG: what happens to a shard's photos, top to bottom. A batch passes every stage before the next one starts."""

from typing import Any

from prefect import flow
from prefect.client.schemas.objects import State
from prefect.runtime import deployment
from prefect.states import Completed, Failed

from flows.names import shard_run_name
from flows.progress_artifact import ProgressArtifact
from flows.shard_parameters import ShardParameters
from packshot.run import open_run
from packshot.shard import finish_shard
from packshot.weights_pull import bring_weights
from tasks._heartbeat import heartbeat
from tasks._policy import Dag, gpu_slot
from tasks.caption import caption
from tasks.classify import classify
from tasks.deliver import deliver
from tasks.detect import detect
from tasks.fetch import fetch
from tasks.inpaint import inpaint
from tasks.mask import mask
from tasks.ocr import ocr
from tasks.repair import repair
from tasks.segment import segment


@flow(name="process-shard", flow_run_name=shard_run_name)
def process_shard(parameters: ShardParameters) -> State[dict[str, Any]]:
    """Work on one shard of a run. Ends as failed while failures are left that may pass another time."""
    run, shard = open_run(parameters.store, parameters.run_id), parameters.shard
    shown = ProgressArtifact(f"Batches of shard {shard}") if deployment.id else None  # else the parent shows it
    batches = run.batches(shard)
    with heartbeat(run.store), gpu_slot():
        bring_weights(run.spec.profile, run.stages, run.store)
        for batch in batches:
            stage = Dag(run, batch, parameters.retries, parameters.retry_delay_seconds)
            photos = stage(fetch)
            texts = stage(ocr, photos)
            masks = stage(segment, photos)
            stage(classify, texts, masks)
            phrases = stage(caption, texts, masks)
            boxes = stage(detect, texts, masks, phrases)
            cutouts = stage(mask, texts, masks, boxes)
            stage(repair, boxes, cutouts)
            placed = stage(inpaint, cutouts, phrases, boxes)
            stage(deliver, cutouts, boxes, placed)
            if shown:
                shown.update(batch.number + 1, len(batches))
    summary = finish_shard(run, shard)
    if summary["retryable"]:
        return Failed(message=f"shard {shard}: {summary['retryable']} photos should be tried again", data=summary)
    if summary["unsettled"]:
        return Failed(message=f"shard {shard}: {summary['unsettled']} photos were not worked on", data=summary)
    return Completed(message=f"shard {shard}: every photo is settled", data=summary)
