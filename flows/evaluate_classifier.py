"""Evaluate a classifier: labelled photos are read as for a training, judged, and compared with their verdicts."""

from typing import Any

from prefect import flow
from prefect.client.schemas.objects import State
from prefect.states import Completed
from pydantic import Field

from flows.classifier_pages import name_flow_run, show_page
from flows.fan_out import Effort
from flows.labelled_photos import Intake, LabelledPhotos
from packshot.classifier.about import read_about, weights_digest
from packshot.classifier.jobs import EVALUATIONS
from packshot.classifier.stored_features import check_features_fit
from packshot.engines.classify_three_input import ThreeInputParams
from packshot.preflight import check_store
from packshot.run import DONE
from packshot.store import open_store
from tasks._heartbeat import heartbeat
from tasks.evaluate import evaluate

PER_CLASS = 200


class EvaluateParameters(Effort, LabelledPhotos):
    """Which photos to evaluate on, and which classifier."""

    weights: str = Field(
        default="",
        description="A checkpoint, .safetensors with its .json beside it, as path or s3://…; by default those that the "
        "profile names.",
    )


@flow(name="evaluate-classifier", flow_run_name="evaluate-classifier · {parameters.source}")
def evaluate_classifier(parameters: EvaluateParameters) -> State[dict[str, Any]]:
    """Report, confusion matrix, reliability, and photos that were judged right and wrong, as figures and as a page."""
    store = open_store(parameters.store)
    check_store(store)
    with heartbeat(store):
        named = parameters.weights or parameters.loaded_profile().stages["classify"].params.get("weights", "")
        weights = ThreeInputParams(weights=named).weights_path
        about, digest = read_about(weights), weights_digest(weights)
        intake = Intake(store, EVALUATIONS, parameters, PER_CLASS)
        check_features_fit(weights, about, intake.profile)
        job = intake.begin(weights=f"{digest}@{about.temperature:.6g}")
        if job.record["status"] == DONE:
            return Completed(message=f"evaluation {job.id} was done already", data=job.record["result"])
        run, pictures, found = intake.pictures(parameters)
        name_flow_run(job, found["photos"])
        figures = evaluate(store.url, job.id, run.spec.run_id, pictures, str(weights))
        summary = {
            **found,
            **figures,
            "evaluation": job.id,
            "run_id": run.spec.run_id,
            "store": store.url,
            "weights": str(weights),
        }
        job.update(status=DONE, result=summary)
        message = (
            f"{sum(found['photos'].values()):,} photos: accuracy {summary['accuracy']:.3f}, "
            f"macro F1 {summary['macro_f1']:.3f}, calibration error {summary['calibration_error']:.3f}"
        )
        show_page(job, summary, message)
    return Completed(message=message, data=summary)
