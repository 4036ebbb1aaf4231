"""Write the card that goes with weights: data, commands, figures and limits, from the files that the commands wrote.

python -m packshot.classifier.model_card --weights FILE.safetensors --report NAME=REPORT.json … --out MODEL_CARD.md
"""

import argparse
import json
import sys
from pathlib import Path
from typing import Any

from packshot.classifier.about import Checkpoint, read_about, weights_digest
from packshot.classifier.evaluate import as_markdown
from packshot.errors import PackshotError
from packshot.photo_net import WEIGHTS

_ABOUT = "Write the card that goes with weights."
_LIMITS = """## Limits
- It learnt from drawn photos, not from a marketplace's; only what makes a photo's embedding knows real ones. What it
  learnt may not hold on them: see the figures on real photos, where there are some. Train on your own labelled rows
  before you act on its verdicts.
- The picture reaches the network at 64×64: it sees layout, colours and where text lies, not what the text says
  nor how small or faint it is; the reasons beside each verdict do. Clauses of the rubric that depend on words (price,
  foreign language, jargon, empty claims) are guessed from looks.
- Human labels confuse good with bad infographics, and image with bad backgrounds; so does this.
- `clean_photo_other_background` is not among its classes: such photos get one of the six.
- Probabilities are calibrated on synthetic validation photos (temperature scaling); on real ones they are
  overconfident.
- It accepts features of the engines named above only.
"""


def model_card(weights: Path, reports: dict[str, dict[str, Any]], commands: list[str]) -> str:
    """Markdown. `reports`: by name, what `evaluate` wrote; `commands`: how to make it all again."""
    about = read_about(weights)
    training = about.training
    lines = [
        f"# {weights.name}",
        "",
        f"The three-input network (METHOD.md, section 1) for {len(about.classes)} verdicts"
        f"{', logits pooled first' if about.pool_logits_first else ''}: {training['parameters']['total']:,} "
        f"parameters, {training['parameters']['trainable']:,} of them trainable, "
        f"{weights.stat().st_size / 1e6:.1f} MB.",
        "",
        f"- SHA-256: `{weights_digest(weights)}`",
        f"- learnt from {training['photos']['train']} photos, validated on {training['photos']['validation']}: "
        f"`{json.dumps(training['sources'])}`",
        *([f"- began with the weights `{training['started_from']}`"] if training.get("started_from") else []),
        *(
            [f"- lies {made['share']:.2f} of the way from the weights `{made['with']}` to what was learnt"]
            if (made := training.get("averaged"))
            else []
        ),
        f"- best epoch {training['best_epoch']} of {training['epochs']}; temperature {about.temperature:.3f}",
        *_calibration_line(about),
        *(_engine_line(stage, e) for stage, e in about.feature_engines.items()),
        f"- settings: `{json.dumps(training['settings'])}`",
        "",
        "## Figures",
        "",
        "| photos | how many | accuracy | macro F1 | cross-entropy | calibration error |",
        "|---|---|---|---|---|---|",
        *(_figures_line(name, r) for name, r in {**about.metrics, **reports}.items()),
        "",
        "## Made by",
        "",
        "```",
        *commands,
        "```",
        "",
        _LIMITS,
        *(as_markdown(report, name).replace("# ", "## ", 1) for name, report in reports.items()),
    ]
    return "\n".join(lines)


def _engine_line(stage: str, engine: dict[str, Any]) -> str:
    return f"- {stage}: {engine['name']} version {engine['version']}, `{json.dumps(engine['params'])}`"


def _calibration_line(about: Checkpoint) -> list[str]:
    fitted = about.training.get("calibration")
    on = "its validation photos"
    if fitted is not None:
        on = f"{fitted['photos']} photos that the network has not learnt from: `{json.dumps(fitted['sources'])}`"
    if about.head is None:
        return [f"- temperature fitted on {on}"]
    learnt = about.training.get("photo_head") or {
        "photos": about.training["photos"]["train"],
        "sources": about.training["sources"],
    }
    network, own = about.head["shares"]
    shares = f"the network's word counts {network:.2f}, the head's {own:.2f}; shares and temperature"
    if network == own:
        shares = "network and head count alike; the temperature"
    return [
        f"- the photo head, a linear layer over what {WEIGHTS.name} ({WEIGHTS.stat().st_size / 1e6:.1f} MB) makes of a "
        f"photo, learnt from {learnt['photos']} photos: `{json.dumps(learnt['sources'])}`",
        f"- {shares} fitted on {on}",
    ]


def _figures_line(name: str, report: dict[str, Any]) -> str:
    figures = (f"{report[k]:.3f}" for k in ("accuracy", "macro_f1", "cross_entropy", "calibration_error"))
    return f"| {name} | {report['photos']} | " + " | ".join(figures) + " |"


def main(arguments: list[str] | None = None) -> int:
    parser = argparse.ArgumentParser(
        prog="python -m packshot.classifier.model_card", description=__doc__.split("\n")[0]
    )
    parser.add_argument("--weights", type=Path, required=True)
    parser.add_argument(
        "--report", action="append", default=[], metavar="NAME=FILE", help="a report of evaluate, .json"
    )
    parser.add_argument("--commands", type=Path, required=True, help="text file: the commands that made it all")
    parser.add_argument("--out", type=Path, required=True)
    options = parser.parse_args(arguments)
    try:
        reports = {n: json.loads(Path(f).read_text("utf-8")) for n, f in (r.split("=", 1) for r in options.report)}
        commands = options.commands.read_text("utf-8").rstrip().split("\n")
        options.out.write_text(model_card(options.weights, reports, commands), "utf-8")
    except (PackshotError, OSError, ValueError) as error:
        print(f"error: {error}", file=sys.stderr)
        return 2
    return 0


if __name__ == "__main__":
    sys.exit(main())
