"""`backroom play` itself in the guest, to a virtual camera that a real program reads.

The command runs in the script's own process, as a new one would import for half a minute in emulation.
"""

import contextlib
import io
import json
import sys
from pathlib import Path
from typing import Any

import cv2
import numpy as np
from another_program import Program
from three_colors import ThreeColors

from pipelines import registry
from stream import cli

LOOPBACK = "/dev/video11"
GREY = 128
REFRESH_HZ = 100
"""The slowest that is played at."""

PLAYED_S = 8.0
READ_S = 4.0
SIZE_PX = (120, 160)


def played_to_a_reader(program: Program) -> dict[str, Any]:
    """Play a grey picture; tell what colours the reader saw, and the command's own report."""
    out = Path("played")
    out.mkdir()
    cv2.imwrite(str(out / "grey.png"), np.full((*SIZE_PX, 3), GREY, np.uint8))
    words = ["play", out / "grey.png", "--to", f"virtual-camera:{LOOPBACK}", "--refresh", REFRESH_HZ, "--out", out]
    words += ["--code", "triple", "--slide-s", PLAYED_S, "--view", "none"]
    program.begin("colors", (LOOPBACK, READ_S))
    code, printed = run_command(words)
    seen = program.result()
    return {
        "code": code,
        "printed": printed,
        "report": json.loads((out / "report.json").read_text())["play"],
        "seen": seen,
        "seen_hz": len(seen) / READ_S,
    }


def run_command(words: list[Any]) -> tuple[object, str]:
    """Run the command with an encoder that needs no compiling; give its exit code and what it printed."""
    sys.argv = ["backroom", *map(str, words)]
    registry.build_encoder = lambda profile, code, delta: ThreeColors(code)
    printed = io.StringIO()
    code: object = 0
    with contextlib.redirect_stdout(printed), contextlib.redirect_stderr(printed):
        try:
            cli.main()
        except SystemExit as end:
            code = end.code
    return code, printed.getvalue()
