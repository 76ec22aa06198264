"""The report on both sides of the lens: what cameras record of sub-frames, what can be made of it, what people see.

Every figure comes from report.json.
"""

from collections.abc import Mapping, Sequence
from typing import Any, Final

from pipelines.filming.camera import say_exposure
from pipelines.filming.trial import CameraResult, kindest
from stream.results.elements import document, facts, figure, figures, paragraph, section, table, tables, verdict
from stream.results.lens import BLURRED, FOOTER, HONEST, NOT_SIMULATED, say_code, say_db, say_quality, say_stopped
from stream.results.sentences import say_duration
from stream.tools.judge import Judgement

_SEEN_BY_NOBODY: Final = 100.0
"""A threshold so far above full modulation is not worth a line."""


def build_judge_page(judged: Judgement) -> str:
    """Write the report on both sides of the lens.

    Parameters
    ----------
    judged : Judgement
        The pictures and the figures.

    Returns
    -------
    str
        A whole HTML document.
    """
    report, best = judged.report, kindest(judged.results)
    name = report["video"]
    attacked = best.attacks[best.best_attack].psnr_db
    lead = f"The kindest camera, {best.camera.name}, records {say_db(best.score.psnr_db)}. {_say_seen(report)}"
    more = (
        f"Its best single frame has {say_db(best.best_db)}, and the attack that does best on it, {best.best_attack}, "
        f"makes {say_db(attacked)}. {say_quality(best.score.psnr_db)}"
    )
    return document(
        heading="Both sides of the lens",
        title=f"{name}: both sides of the lens",
        subtitle=f"{name}, {say_code(report)}",
        sections=[
            verdict(lead, more),
            _cameras(judged, best),
            _grid(judged),
            _attacks(judged.results),
            _people(report),
            _bars(report),
            section("What was judged", facts(_judge_facts(report)), paragraph(NOT_SIMULATED)),
        ],
        footer=f"Made by Backroom {report['backroom']}. {FOOTER}",
    )


def _cameras(judged: Judgement, best: CameraResult) -> str:
    made = [
        figure(judged.steady, "What people see.", "What people see: the mean light of a cycle."),
        figure(
            best.picture,
            f"A frame of the kindest camera, {best.camera.name}.",
            f"The kindest camera, {best.camera.name}: {say_db(best.score.psnr_db)}.",
        ),
        figure(
            best.attacked,
            f"What the attack {best.best_attack} made of the kindest camera's recording.",
            f"Its recording after the attack that does best, {best.best_attack}: "
            f"{say_db(best.attacks[best.best_attack].psnr_db)}.",
        ),
    ]
    made += [
        figure(one.picture, f"A frame at {one.camera.name}.", f"{one.camera.name}: {say_db(one.score.psnr_db)}.")
        for one in _by_exposure(judged.results)
        if one is not best
    ]
    sensor = "ideal, without noise" if judged.report["sensor"] == "ideal" else "that of a phone, with mosaic and noise"
    unprotected = paragraph(
        f"Of an unprotected display the kindest camera records {say_db(best.control.psnr_db)}; the sensor is {sensor}. "
        "Each picture is a frame of middling quality."
    )
    return section("What cameras record", unprotected, figures(*made))


def _by_exposure(results: Sequence[CameraResult]) -> list[CameraResult]:
    """Return the kindest camera of each exposure but every second one, the longest first."""
    exposures = sorted({one.camera.exposure_s for one in results}, reverse=True)
    chosen = exposures[1::2]
    return [kindest([one for one in results if one.camera.exposure_s == exposure_s]) for exposure_s in chosen]


def _grid(judged: Judgement) -> str:
    results, blind = judged.results, judged.report["whole_cycle"]
    rates = sorted({one.camera.rate_hz for one in results})
    exposures = sorted({one.camera.exposure_s for one in results}, reverse=True)
    by_place = {(one.camera.exposure_s, one.camera.rate_hz): one for one in results}
    head = ("exposure", *(f"{rate:g} fps" for rate in rates))

    def rows(say: Any) -> list[tuple[str, ...]]:
        found = [[by_place.get((exposure_s, rate)) for rate in rates] for exposure_s in exposures]
        return [
            (say_exposure(exposure_s), *("-" if one is None else say(one) for one in line))
            for exposure_s, line in zip(exposures, found, strict=True)
        ]

    readouts = sorted({one.camera.readout_s for one in results})
    shutter = f"Rolling shutters of {' and '.join(f'{1000 * readout_s:.3g}' for readout_s in readouts)} ms."
    whole = (
        ""
        if blind is None
        else paragraph(
            f"Beside them, {blind['camera']}, which is exactly one cycle: {say_db(blind['psnr_db'])}. Every order of "
            "sub-frames is blind to the exposures that are whole cycles; the question is only how common they are."
        )
    )
    return section(
        "Every camera",
        whole,
        paragraph(
            f"{shutter} Each begins at four places of the cycle. 99 is an exact copy, - a camera that cannot be."
        ),
        tables(
            table("PSNR in dB, lower is safer", head, rows(lambda one: f"{one.score.psnr_db:.1f}")),
            table("The best single frame, dB", head, rows(lambda one: f"{one.best_db:.1f}")),
            table("SSIM, mean of the channels", head, rows(lambda one: f"{one.score.ssim:.2f}")),
            table("Wrong colours (CIEDE2000 over 6)", head, rows(lambda one: f"{100 * one.score.wrong_share:.0f} %")),
            table("Correlation of histograms", head, rows(lambda one: f"{one.score.histogram:.2f}")),
            table("SSIM of luma alone", head, rows(lambda one: f"{one.score.ssim_luma:.2f}")),
        ),
    )


def _attacks(results: Sequence[CameraResult]) -> str:
    names = list(max(results, key=lambda one: len(one.attacks)).attacks)
    rows = [
        (one.camera.name, *(f"{one.attacks[name].psnr_db:.1f}" if name in one.attacks else "-" for name in names))
        for one in results
    ]
    return section(
        "What can be made of the recordings",
        paragraph("Each attack is given more than a pirate has: the truth to pick by, frames in perfect register."),
        table("PSNR in dB after each attack", ("camera", *names), rows),
        paragraph(HONEST),
        paragraph(BLURRED),
    )


def _people(report: Mapping[str, Any]) -> str:
    viewer = report["viewer"]
    error, flicker = viewer["fused_error"], viewer["flicker"]
    told = {"ColorVideoVDP": _say_jod(viewer)}
    if error is None:
        told["Fused picture"] = "not compared; name what was played by --source"
    else:
        told["Fused picture"] = (
            f"off by {error['mean_codes']:.2f} codes on average, {error['mean_codes_20_to_80']:.2f} between 20 and "
            f"80 %, {error['max_codes']:.1f} at most"
        )
        told["Its colour"] = f"CIEDE2000 {error['mean_delta_e']:.2f} on average, {error['max_delta_e']:.1f} at most"
    told["Flicker of the whole display"] = _say_visibility(flicker["whole"]["visibility"])
    told["Flicker of its worst part"] = _say_visibility(flicker["worst_tile"]["visibility"])
    lines = [
        (f"{line['frequency_hz']:.4g} Hz", f"{line['amplitude']:.4f}", f"{line['threshold']:.3g}")
        for line in flicker["whole"]["lines"]
        if line["threshold"] < _SEEN_BY_NOBODY
    ]
    colors = [
        (f"{line['frequency_hz']:.4g} Hz", f"{line['amplitude']:.3f}", f"{line['left_to_the_eye']:.4f}")
        for line in flicker["color"]
    ]
    return section(
        "What people see",
        facts(told),
        tables(
            table(
                f"Luminance of the whole display, white at {flicker['white_cd_m2']:g} cd/m2",
                ("frequency", "amplitude", "least that is seen"),
                lines,
            ),
            table("Colour, root mean square in linear light", ("frequency", "amplitude", "left to the eye"), colors),
        ),
    )


def _say_visibility(visibility: float) -> str:
    seen = "not seen" if visibility < 1.0 else "seen"
    return f"{visibility:.2f} of what is just seen: {seen}, by the eye model"


def _say_jod(viewer: Mapping[str, Any]) -> str:
    if viewer["jod"] is None:
        return "not asked; --jod does, with pip install 'backroom[judge]'"
    against = viewer["jod_against_source"]
    source = "" if against is None else f", {against:.2f} against what was played"
    return f"{viewer['jod']:.2f} JOD against the steady picture{source}; 10 is no difference"


def _say_seen(report: Mapping[str, Any]) -> str:
    jod = report["viewer"]["jod"]
    if jod is not None:
        return f"People rate what they see at {jod:.2f} JOD of 10."
    visibility = max(report["viewer"]["flicker"][where]["visibility"] for where in ("whole", "worst_tile"))
    return f"People see {'no flicker' if visibility < 1.0 else 'flicker'}, by the eye model."


def _bars(report: Mapping[str, Any]) -> str:
    rows = []
    for bar in report["bars"]:
        limit = f"{'at most' if bar['is_most'] else 'at least'} {bar['wanted']:g}"
        measured = "not measured"
        if bar["measured"] is not None:
            measured = f"{bar['measured']:.3g}, {'met' if bar['is_met'] else 'missed'}"
        rows.append((bar["what"], limit, measured))
    return section(
        "Held against the aims for 120 Hz",
        table("The worst camera counts, each time", ("what", "aim", "measured"), rows),
    )


def _judge_facts(report: Mapping[str, Any]) -> dict[str, str]:
    left_out = f"the first {report['skipped_s']:g} s, in which the modulation fades in, left out"
    stretches = ", ".join(f"{first:.2f} to {end:.2f} s" for first, end in report["judged_s"])
    first, end = report["judged_columns"]
    columns = "all" if end - first >= report["width"] else f"columns {first} to {end}, all rows"
    return {
        "File": report["video"],
        "Order": say_code(report),
        "Length": "not told" if report["duration_s"] is None else say_duration(report["duration_s"]),
        "Judged": "; ".join(filter(None, (stretches, left_out, say_stopped(report)))),
        "Size": f"{report['width']}x{report['height']} pixels, judged: {columns}",
        "Made of": report["source"] or "not named",
    }
