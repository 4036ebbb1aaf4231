"""Train the classifier: sample labelled photos, fetch and read them, make features once, run the epochs, evaluate."""

from typing import Any

from prefect import flow
from prefect.client.schemas.objects import State
from prefect.states import Completed
from pydantic import BaseModel, ConfigDict, Field

from flows.classifier_pages import name_flow_run, show_page
from flows.fan_out import Effort
from flows.labelled_photos import Intake, LabelledPhotos
from flows.progress_artifact import ProgressArtifact
from packshot.classifier.augment import Augmentation
from packshot.classifier.jobs import TRAININGS
from packshot.classifier.train import TrainSettings
from packshot.classifier.training_run import weights_address
from packshot.preflight import check_store
from packshot.run import DONE
from packshot.store import open_store
from tasks._heartbeat import heartbeat
from tasks.evaluate import evaluate_validation
from tasks.train import train

PER_CLASS = 500
"""METHOD.md's number of photos a class."""


class Recipe(BaseModel):
    """How the network is trained; the defaults are METHOD.md's."""

    model_config = ConfigDict(extra="forbid")

    epochs: int = Field(default=15, ge=1, le=10_000, description="At most so many passes over the photos.")
    patience: int = Field(default=3, ge=1, le=10_000, description="Stop after so many without better validation.")
    batch: int = Field(default=16, ge=2, le=4096, description="Photos that the network learns from at a time.")
    learning_rate: float = Field(default=4e-4, gt=0, le=1, description="Adam's.")
    rate_factor: float = Field(default=0.8, gt=0, le=1, description="What the learning rate is multiplied with, …")
    rate_patience: int = Field(default=2, ge=1, description="… after so many epochs without better validation.")
    cosine: bool = Field(default=False, description="The learning rate falls along a cosine over all epochs instead.")
    start: str = Field(
        default="", max_length=1000, description="Weights to begin with: shipped, a path or s3://… Empty: random ones."
    )
    validation_share: float = Field(default=0.2, gt=0, lt=1, description="Share of the photos to validate on.")
    label_smoothing: float = Field(default=0.0, ge=0, lt=1, description="Share of certainty given to all classes.")
    class_weights: bool = Field(default=False, description="Weigh classes by the inverse of their frequency.")
    pool_logits_first: bool = Field(
        default=True, description="Average the mask logits to 64×64 first: several times as fast on a CPU."
    )
    photo_head: bool = Field(default=True, description="Give a network that knows real photos a say in the verdict.")
    bfloat16: bool = Field(default=False, description="Compute in bfloat16: faster on CPUs that have it.")
    flip: bool = Field(default=True, description="Augmentation: mirror left and right.")
    upside_down: bool = Field(default=False, description="Augmentation: mirror top and bottom.")
    quarter_turns: bool = Field(default=False, description="Augmentation: turn by quarters.")
    degrees: float = Field(default=6.0, ge=0, le=180, description="Augmentation: turn by at most so many degrees.")
    crop: float = Field(default=0.12, ge=0, lt=1, description="Augmentation: cut off at most so much of a side.")
    colour: float = Field(default=0.2, ge=0, lt=1, description="Augmentation: change colours by at most so much.")
    unread: float = Field(default=0.15, ge=0, le=1, description="Augmentation: share of photos that lose some text.")
    dull: float = Field(default=0.2, ge=0, le=1, description="Augmentation: share of photos blurred or made noisy.")
    threads: int = Field(default=2, ge=1, le=256, description="CPU threads that the network computes on.")

    def settings(self, seed: int) -> TrainSettings:
        values = self.model_dump(include=set(Recipe.model_fields) - {"threads"})
        changes = Augmentation(**{name: values.pop(name) for name in Augmentation.__slots__})
        return TrainSettings(**values, seed=seed, augmentation=changes)


class TrainParameters(Effort, Recipe, LabelledPhotos):
    """Which photos to train on, and how."""


@flow(name="train-classifier", flow_run_name="train-classifier · {parameters.source}")
def train_classifier(parameters: TrainParameters) -> State[dict[str, Any]]:
    """Train the three-input classifier on labelled photos. What is done is found done: a killed training goes on."""
    store = open_store(parameters.store)
    check_store(store)
    with heartbeat(store):
        recipe = parameters.model_dump(mode="json", include=set(Recipe.model_fields) - {"threads"})
        intake = Intake(store, TRAININGS, parameters, PER_CLASS)
        job = intake.begin(**recipe)
        if job.record["status"] == DONE:
            return Completed(message=f"training {job.id} was done already", data=job.record["result"])
        run, pictures, found = intake.pictures(parameters)
        name_flow_run(job, found["photos"])
        shown = ProgressArtifact(f"Epochs of {job.id}")
        settings = parameters.settings(parameters.seed)
        made = train(
            store.url,
            job.id,
            run.spec.run_id,
            pictures,
            settings,
            parameters.threads,
            lambda row: shown.update(row["epoch"], settings.epochs),
        )
        shown.update(1, 1)
        weights = weights_address(store, job.id)
        page = evaluate_validation(store.url, job.id, run.spec.run_id, pictures)
        validation = made.metrics["validation"]
        summary = {
            **found,
            "training": job.id,
            "run_id": run.spec.run_id,
            "store": store.url,
            "weights": weights,
            "report": page,
            "epochs": made.training["epochs"],
            "best_epoch": made.training["best_epoch"],
            "temperature": made.temperature,
            **{f"validation_{name}": validation[name] for name in ("accuracy", "macro_f1", "calibration_error")},
        }
        job.update(status=DONE, result=summary)
        message = (
            f"{sum(found['photos'].values()):,} photos, best epoch {summary['best_epoch']} of {summary['epochs']}: "
            f"validation accuracy {summary['validation_accuracy']:.3f}, macro F1 {summary['validation_macro_f1']:.3f}"
        )
        show_page(job, summary, message)
    return Completed(message=message, data=summary)
