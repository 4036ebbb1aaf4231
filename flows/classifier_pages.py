"""What Prefect's UI shows of a training or an evaluation: a name, tags, and a page with a link to the report."""

import re
from typing import Any

from prefect import get_client, get_run_logger
from prefect.artifacts import create_markdown_artifact
from prefect.runtime import flow_run

from packshot.classifier.evaluate import as_markdown
from packshot.classifier.evaluation_run import read_report
from packshot.classifier.jobs import Job
from packshot.report.summary import link, markdown_text


def name_flow_run(job: Job, photos: dict[str, int]) -> None:
    """`train-classifier · spring-labels · 3,000 photos`, tagged with the job and its run."""
    if not flow_run.id:
        return
    try:
        with get_client(sync_client=True) as client:
            found = client.read_flow_run(flow_run.id)
            name = f"{flow_run.flow_name} · {job.id.rsplit('-', 1)[0]} · {sum(photos.values()):,} photos"
            client.update_flow_run(found.id, name=name, tags=sorted({*found.tags, job.id, job.run_id}))
    except Exception as error:  # a name is not worth a training
        get_run_logger().warning("the flow run could not be named: %s", error)


def show_page(job: Job, summary: dict[str, Any], headline: str) -> None:
    """The report as a Markdown page, under Artifacts and in the flow run."""
    lines = [f"## {markdown_text(job.id)}", headline, link(job.store, f"{job.prefix}/report/index.html")]
    if "validation_accuracy" in summary:
        lines.append(f"Weights: `{summary['weights']}`")
    lines += told(summary)
    try:
        create_markdown_artifact(
            "\n\n".join(lines) + "\n\n" + as_markdown(read_report(job), "Report"),
            key=re.sub(r"[^a-z0-9-]+", "-", f"{job.kind.removesuffix('s')}-{job.id}".lower()),
            description=headline,
        )
    except Exception as error:  # a page is not worth a training; the store holds the same
        get_run_logger().warning("the report could not be shown: %s", error)


def told(summary: dict[str, Any]) -> list[str]:
    """What is short and what was left out, in words."""
    lines = []
    if summary["short"]:
        short = ", ".join(f"{verdict} {count}" for verdict, count in summary["short"].items())
        lines.append(f"Fewer photos than asked: {short}.")
    if summary["left_out"]:
        codes = ", ".join(f"{count} {code}" for code, count in sorted(summary["left_out"].items()))
        lines.append(f"Photos left out: {codes}.")
    if summary["repeated"]:
        lines.append(f"Photos that repeat a picture of their verdict: {summary['repeated']}.")
    return lines
