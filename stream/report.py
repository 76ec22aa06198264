"""The files that a session leaves behind: pictures, a report for people and one for programs, all whole or not there.

What the maps and the report say is in `stream.results`; here they become files.
"""

import contextlib
import json
import os
from collections.abc import Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import cv2

from pipelines.atomic import replacing
from pipelines.base import Findings, Image
from stream.results.audit_page import build_audit_page
from stream.results.maps import draw_leaks, with_legend
from stream.results.page import build_page
from stream.results.protect_page import build_protect_page
from stream.sinks.base import SinkError

ROOM, BACKDROP, CONFIDENCE, LEAKS = "room.png", "backdrop.png", "confidence.png", "leaks.png"
PAGE, REPORT = "report.html", "report.json"

IN_ORDER = (PAGE, ROOM, LEAKS, CONFIDENCE, BACKDROP, REPORT)
"""As they are named to a person; `CONFIDENCE` and `LEAKS` are there only where the method knows about them."""


@contextlib.contextmanager
def results_folder(folder: Path) -> Iterator[None]:
    """Make the folder and see that it can be written before the first frame is taken; leave no empty one behind.

    Parameters
    ----------
    folder : Path
        Where the results will stand; results from before are replaced only at the end.

    Yields
    ------
    None
        While the folder is in use.

    Raises
    ------
    SinkError
        If it cannot be made or written.
    """
    probe = folder / ".backroom-write-test"
    is_new = not folder.exists()
    try:
        folder.mkdir(parents=True, exist_ok=True)
        probe.write_bytes(b"")
        probe.unlink()
    except OSError as error:
        raise SinkError(f"--out {folder}: cannot be written ({error.strerror}); name another folder") from None
    try:
        yield
    finally:
        if is_new:
            with contextlib.suppress(OSError):  # not empty: there are results
                folder.rmdir()


def write_results(folder: Path, findings: Findings, report: Mapping[str, Any]) -> list[str]:
    """Write the pictures and the reports: all of them, or none and the old ones stay.

    Parameters
    ----------
    folder : Path
        An existing folder.
    findings : Findings
        At full size. Without confidence or leaks there are no such pictures, and none of an earlier session stays.
    report : mapping
        JSON values, those of `figures_of` included.

    Returns
    -------
    list of str
        Names of the files, the most telling first.

    Raises
    ------
    SinkError
        If a file cannot be written; files from before are intact.
    """
    leaks = draw_leaks(findings)
    pictures = {
        ROOM: findings.room,
        BACKDROP: findings.backdrop,
        CONFIDENCE: findings.confidence,
        LEAKS: None if leaks is None else with_legend(leaks),
    }
    given = {name: picture for name, picture in pictures.items() if picture is not None}
    with ThreadPoolExecutor(2) as pool:
        page = pool.submit(build_page, findings, report)
        files = dict(zip(given, pool.map(_png, given.values()), strict=True))
        files[PAGE] = page.result().encode(errors="replace")  # a file's name may hold bytes that are no text
    files[REPORT] = _json(report)
    with _disk_errors_said(folder):
        _write_together(folder, files)
        for name in pictures.keys() - given.keys():
            (folder / name).unlink(missing_ok=True)
    return [name for name in IN_ORDER if name in files]


def write_audit_report(folder: Path, report: Mapping[str, Any], shown: Image | None) -> None:
    """Write the reports of an audit, for people and for programs: both, or none and the old ones stay.

    Parameters
    ----------
    folder : Path
        An existing folder.
    report : mapping
        JSON values.
    shown : ndarray or None
        (height, width, 4) uint8 BGRA: the room, opaque where the other client showed it.

    Raises
    ------
    SinkError
        If a file cannot be written.
    """
    write_page_and_report(folder, build_audit_page(report, shown), report)


def write_report(folder: Path, report: Mapping[str, Any]) -> None:
    """Write the report for programs alone; the old one stays if it cannot be.

    Parameters
    ----------
    folder : Path
        An existing folder.
    report : mapping
        JSON values.

    Raises
    ------
    SinkError
        If it cannot be written.
    """
    with _disk_errors_said(folder):
        _write_together(folder, {REPORT: _json(report)})


def write_protect_report(folder: Path, report: Mapping[str, Any]) -> None:
    """Write the reports of a protected camera, for people and for programs: both, or none and the old ones stay.

    Parameters
    ----------
    folder : Path
        An existing folder.
    report : mapping
        JSON values.

    Raises
    ------
    SinkError
        If a file cannot be written.
    """
    write_page_and_report(folder, build_protect_page(report), report)


def write_page_and_report(folder: Path, page: str, report: Mapping[str, Any]) -> None:
    """Write a report for people and the one for programs: both, or none and the old ones stay.

    Parameters
    ----------
    folder : Path
        An existing folder.
    page : str
        A whole HTML document.
    report : mapping
        JSON values.

    Raises
    ------
    SinkError
        If a file cannot be written.
    """
    with _disk_errors_said(folder):
        _write_together(folder, {PAGE: page.encode(errors="replace"), REPORT: _json(report)})


@contextlib.contextmanager
def _disk_errors_said(folder: Path) -> Iterator[None]:
    try:
        yield
    except OSError as error:
        raise SinkError(
            f"--out {folder}: cannot be written ({error.strerror}); free some space or name another folder"
        ) from error


def _json(report: Mapping[str, Any]) -> bytes:
    return (json.dumps(report, indent=2, allow_nan=False) + "\n").encode()


def _write_together(folder: Path, files: Mapping[str, bytes]) -> None:
    """Have every file whole on the disk before the first one takes its name; report.json takes it last."""
    with contextlib.ExitStack() as stack:
        for name, content in reversed(list(files.items())):
            file = stack.enter_context(replacing(folder / name))
            file.write(content)
            file.flush()
            os.fsync(file.fileno())


def _png(image: Image) -> bytes:
    # Level 1: a third of the time of the default for a tenth more bytes. Rows as differences from the row above: half
    # the time of trying every filter on every row, for as many bytes.
    how = [cv2.IMWRITE_PNG_COMPRESSION, 1, cv2.IMWRITE_PNG_FILTER, cv2.IMWRITE_PNG_FILTER_UP]
    _, encoded = cv2.imencode(".png", image, how)
    return encoded.tobytes()
