"""The demo: watches the synthetic call and scores what was found against the room that it was made with."""

from collections.abc import Callable
from pathlib import Path
from typing import Any, Literal

import numpy as np

from config.schema import Profile
from pipelines.base import Reconstruction
from pipelines.reconstruction.score import score
from stream.listing import score_values
from stream.report import write_results
from stream.run import WatchRequest, run_watch
from stream.sources.base import Source
from stream.sources.demo import DemoSource
from stream.summary import summarize


def run_demo(
    out: Path,
    view: Literal["page", "window", "none"],
    profile: str,
    overrides: dict[str, Any],
    make_reconstruction: Callable[[Profile], Reconstruction],
    say: Callable[[str], None],
) -> str:
    """Reconstruct the demo's room and score it; `report.json` holds the score too.

    The command line asks for the method ``rarest`` unless told otherwise: it is made for clean pictures such as these,
    and five times as quick. (``leak`` finds about as much of it, although its person model was not made for a drawing.)

    Parameters
    ----------
    out : Path
        Folder for the results.
    view : {'page', 'window', 'none'}
        Who shows it.
    profile : str
        Name or file of the profile.
    overrides : dict
        Dotted key to value, from flags.
    make_reconstruction : callable
        From the profile to a fresh reconstruction.
    say : callable
        Takes one line for the person.

    Returns
    -------
    str
        Lines that say how it went.

    Raises
    ------
    ConfigError, PipelineError, SinkError, ViewError
        As for `run_watch`.
    """
    opened: list[Source] = []
    request = WatchRequest(source="demo", out=out, view=view, profile=profile, overrides=overrides)
    outcome = run_watch(request, make_reconstruction, say, opened.append)
    (truth,) = (source for source in opened if isinstance(source, DemoSource))
    result = score(outcome.findings.room, truth.room, truth.backdrop, truth.weights)
    leaked = float(np.mean(truth.weights >= 0.25))
    write_results(out, outcome.findings, {**outcome.report, "score": score_values(result), "leaked": round(leaked, 6)})
    lines = [
        summarize(outcome, out),
        f"the call leaked {leaked:.1%} of the picture; {result.recall:.1%} of that was found (recall)",
        f"{result.precision:.1%} of what is claimed is the room (precision)",
        f"found by the method {outcome.report['method']}; on a real, compressed call it does otherwise, see README",
    ]
    return "\n".join(lines)
