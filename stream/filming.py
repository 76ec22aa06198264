"""What `film` and `judge` do: from flags to files, and the lines that are printed at the end."""

from collections.abc import Callable, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

from config.schema import Profile
from pipelines.filming.camera import Camera
from pipelines.filming.sensor import IDEAL, Sensor
from pipelines.filming.trial import kindest
from stream.ending import ended_by_signals
from stream.film_session import FilmSession
from stream.report import PAGE, REPORT, results_folder, write_page_and_report
from stream.results.judge_page import build_judge_page
from stream.results.lens import say_db, say_stopped
from stream.tools.film import FilmPlan
from stream.tools.judge import JudgePlan, judge
from stream.tools.progress import progress_bar
from stream.tools.subframes import parse_exposure
from stream.view.open import ViewKind, open_views


def plan_of(
    video: Path,
    out: Path,
    *,
    rate_hz: float,
    exposure: str,
    readout_ms: float,
    scan_out_ms: float | None,
    sensor: str,
    white_electrons: float | None,
    blur_px: float,
    jitter_ms: float,
    phase_ms: float,
    codec: str,
    duration_s: float | None,
    skip_s: float,
    n_slots: int | None,
    refresh_hz: float | None,
    seed: int,
) -> FilmPlan:
    """Put the flags of `film` together.

    Parameters
    ----------
    video, out : Path
        What to film, and the folder for what comes of it.
    rate_hz : float
        Frames a second of the phone.
    exposure : str
        Such as ``1/60``.
    readout_ms, scan_out_ms : float
        Of the phone and of the display, in milliseconds; None for a whole period of the display.
    sensor : str
        ``ideal`` or ``phone``.
    white_electrons : float or None
        Of the phone's sensor; None for good light.
    blur_px : float
        Of the phone's lens, in pixels.
    jitter_ms, phase_ms : float
        Of the phone's frames, in milliseconds.
    codec : str
        ``h264`` or ``lossless``.
    duration_s : float or None
        How much to film; None for all.
    skip_s : float
        How much of the start is not scored.
    n_slots : int or None
        Sub-frames in a cycle; None for what the file says.
    refresh_hz : float or None
        Of the display; None for what the file says.
    seed : int
        Of noise and jitter.

    Returns
    -------
    FilmPlan
        For `film_to`.

    Raises
    ------
    CaptureError
        If the exposure is none.
    """
    chip = IDEAL if sensor == "ideal" else Sensor()
    if white_electrons is not None:
        chip = replace(chip, white_electrons=white_electrons)
    camera = Camera(
        rate_hz=rate_hz,
        exposure_s=parse_exposure(exposure),
        readout_s=readout_ms / 1000,
        phase_s=phase_ms / 1000,
        jitter_s=jitter_ms / 1000,
        blur_px=blur_px,
        sensor=chip,
        seed=seed,
    )
    scan_out_s = None if scan_out_ms is None else scan_out_ms / 1000
    return FilmPlan(video, out, camera, n_slots, refresh_hz, scan_out_s, skip_s, codec, duration_s)


def film_to(plan: FilmPlan, profile: Profile, view: ViewKind, say: Callable[[str], None]) -> str:
    """Film, show it meanwhile, and write the recordings and the reports.

    Parameters
    ----------
    plan : FilmPlan
        What, with what, and where to.
    profile : Profile
        Sections `video` and `page`.
    view : {'page', 'window', 'none'}
        Who shows it.
    say : callable
        Takes one line for the person, such as the page's address.

    Returns
    -------
    str
        What to print.

    Raises
    ------
    CaptureError, PipelineError, SinkError, ViewError
        As `film` does; if a view cannot be opened.
    """
    with (
        results_folder(plan.out),
        ended_by_signals() as ending,
        open_views(view, profile.page, say, "film") as views,
    ):
        session = FilmSession(plan, views)
        ending.follow(session)
        report = session.run(profile.video).report
    best = max(report["attacks"], key=lambda name: report["attacks"][name]["psnr_db"])
    return (
        f"{_say_stopped(report)}{report['frames']} frames at {plan.camera.name}: "
        f"{say_db(report['score']['psnr_db'])} of what people see, "
        f"{say_db(report['attacks'][best]['psnr_db'])} after the attack that does best ({best})\n"
        f"written to {', '.join(str(plan.out / name) for name in (*report['files'], PAGE, REPORT))}"
    )


def judge_to(
    video: Path,
    out: Path,
    *,
    source: Path | None,
    n_slots: int | None,
    refresh_hz: float | None,
    skip_s: float,
    readout_ms: float,
    sensor: str,
    cd_m2: float,
    with_jod: bool,
) -> str:
    """Judge, and write the reports.

    Parameters
    ----------
    video, out : Path
        What to judge, and the folder for the reports.
    source : Path or None
        What was played.
    n_slots : int or None
        Sub-frames in a cycle; None for what the file says.
    refresh_hz : float or None
        Of the display; None for what the file says.
    skip_s : float
        How much of the start is left out.
    readout_ms : float
        Of all cameras, in milliseconds.
    sensor : str
        ``ideal`` or ``phone``.
    cd_m2 : float
        Luminance of the display's white.
    with_jod : bool
        Whether ColorVideoVDP is asked.

    Returns
    -------
    str
        What to print.

    Raises
    ------
    CaptureError, PipelineError, SinkError
        As `judge` does; if a report cannot be written.
    """
    plan = JudgePlan(video, source, n_slots, refresh_hz, skip_s, readout_ms / 1000, sensor, cd_m2, with_jod)
    with results_folder(out), ended_by_signals() as ending:
        with progress_bar("judge") as progress:
            judged = judge(plan, progress, lambda: not ending.is_asked)
        write_page_and_report(out, build_judge_page(judged), judged.report)
    best, bars = kindest(judged.results), judged.report["bars"]
    measured = [bar for bar in bars if bar["measured"] is not None]
    jod = judged.report["viewer"]["jod"]
    viewing = "" if jod is None else f"; people rate what they see at {jod:.2f} JOD"
    return (
        f"{_say_stopped(judged.report)}the kindest camera, {best.camera.name}, records {say_db(best.score.psnr_db)}, "
        f"{say_db(best.attacks[best.best_attack].psnr_db)} after {best.best_attack}{viewing}\n"
        f"{sum(bar['is_met'] for bar in measured)} of {len(measured)} aims met\n"
        f"written to {out / PAGE}, {out / REPORT}"
    )


def _say_stopped(report: Mapping[str, Any]) -> str:
    stopped = say_stopped(report)
    return stopped and f"{stopped}: "
