"""`import packshot` is light, and imports go one way: flows → tasks → packshot."""

import ast
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]


def test_import_packshot_loads_neither_torch_nor_prefect() -> None:
    script = "import sys, packshot; print([m for m in ('torch', 'prefect', 'cv2', 'numpy') if m in sys.modules])"
    out = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True, cwd=ROOT).stdout
    assert out.strip() == "[]"


def test_starting_the_command_line_loads_no_torch() -> None:
    script = "import sys, flows.cli; print([m for m in ('torch', 'prefect', 'cv2') if m in sys.modules])"
    out = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True, cwd=ROOT).stdout
    assert out.strip() == "[]"


@pytest.mark.parametrize(
    ("package", "forbidden"),
    [("packshot", ("prefect", "tasks", "flows", "benchmarks", "tests")), ("tasks", ("flows", "benchmarks", "tests"))],
)
def test_imports_go_one_way(package: str, forbidden: tuple[str, ...]) -> None:
    files = list((ROOT / package).rglob("*.py"))
    assert files
    wrong = []
    for file in files:
        for node in ast.walk(ast.parse(file.read_text())):
            names = [alias.name for alias in node.names] if isinstance(node, ast.Import) else []
            if isinstance(node, ast.ImportFrom) and node.module:
                names = [node.module]
            wrong += [f"{file.relative_to(ROOT)}: {name}" for name in names if name.split(".")[0] in forbidden]
    assert wrong == []


def test_files_stay_short_enough_to_read() -> None:
    long = {
        str(file.relative_to(ROOT)): lines
        for package in ("packshot", "tasks", "flows", "benchmarks")
        for file in (ROOT / package).rglob("*.py")
        if (lines := file.read_text().count("\n")) > 400
    }
    assert long == {}
