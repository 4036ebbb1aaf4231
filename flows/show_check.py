"""What `packshot check` shows: a line a broken rule, and a count."""

from rich.console import Console
from rich.markup import escape

from packshot.preset_files import Checked
from packshot.presets import Preset


def show_checked(console: Console, result: Checked) -> None:
    """What one file breaks; nothing for one that breaks nothing."""
    name = escape(str(result.path))
    if result.problem:
        console.print(f"{name}: [red]no picture[/]: {escape(result.problem)}", soft_wrap=True, highlight=False)
    for finding in result.findings:
        kind = "[red]breaks[/]" if finding.binding else "[yellow]warning[/]"
        text = f"{name}: {kind} {finding.rule}: {escape(finding.message)}"
        console.print(text, soft_wrap=True, highlight=False)


def show_check(console: Console, preset: Preset, results: list[Checked]) -> None:
    """How many files pass."""
    passed = sum(result.passes for result in results)
    warned = sum(bool(result.findings) and result.passes for result in results)
    text = f"{passed:,} of {len(results):,} pass {escape(preset.name)} ({escape(preset.title)})"
    console.print(text + (f", {warned:,} of them with warnings." if warned else "."), soft_wrap=True, highlight=False)
