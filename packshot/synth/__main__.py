"""`python -m packshot.synth FOLDER`: write a synthetic catalogue, or pages of its photos to look at."""

from __future__ import annotations

import argparse
import sys
import time
from pathlib import Path

from PIL import Image

from packshot.errors import PackshotError
from packshot.records import VERDICTS
from packshot.synth.catalogue import write_catalogue
from packshot.synth.compose import SPLITS
from packshot.synth.contact_sheet import contact_sheet
from packshot.synth.props import add_props


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m packshot.synth", description=__doc__)
    parser.add_argument("folder", type=Path)
    parser.add_argument("--count", type=int, default=120, help="photos; with --sheets, photos of each verdict")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--split", choices=SPLITS, default="train")
    parser.add_argument("--natural", action="store_true", help="verdicts in the source's shares, not balanced")
    parser.add_argument("--broken", action="store_true", help="add rows that fail, and odd files")
    parser.add_argument("--alphas", action="store_true", help="store the products' alpha masks")
    parser.add_argument("--base-url", default="http://127.0.0.1:8000", help="where the photos will be served")
    parser.add_argument("--props", type=Path, help="with --sheets, a folder of pictures that join the drawn ones")
    parser.add_argument("--sheets", action="store_true", help="write a contact sheet of each verdict instead")
    options = parser.parse_args()
    if options.props and not options.sheets:
        parser.error("--props goes with --sheets")
    started = time.monotonic()
    if options.sheets:
        try:
            add_props(options.props)
        except PackshotError as error:
            sys.exit(f"error: {error}")
        options.folder.mkdir(parents=True, exist_ok=True)
        for verdict in VERDICTS:
            page = contact_sheet(verdict, options.count, options.seed, options.split)
            Image.fromarray(page).save(options.folder / f"{options.split}_{verdict}.png")
        made = f"{len(VERDICTS)} contact sheets in {options.folder}"
    else:
        made = str(
            write_catalogue(
                options.folder,
                options.count,
                options.seed,
                options.split,
                not options.natural,
                options.broken,
                options.base_url,
                options.alphas,
            )
        )
    print(f"{made} ({time.monotonic() - started:.1f} s)")


if __name__ == "__main__":
    main()
