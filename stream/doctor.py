"""What this machine can do for Backroom, and what to install where it cannot.

Every check looks at the real thing: one picture is really grabbed, a port really bound. No camera is opened, so no
light goes on. Checks do not depend on each other, and none raises: what they look at is imported where it is used,
so that a library that does not load is a line like the others.
"""

import importlib.metadata
import importlib.util
import os
import re
import socket
import sys
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

_SYSTEM: str = sys.platform

_DISTRIBUTION = "backroom"

_OLDEST_PYTHON = (3, 11)

_SLOW_GRAB_MS = 15.0
"""A grab that takes longer cannot hold 60 frames a second."""

_ENCODERS = {"ffv1": "lossless .mkv", "libx264": ".mp4"}
"""Encoders that video files need, and what each is for."""

_OPENCV_REMEDIES = {
    "linux": "sudo apt install libgl1 libglib2.0-0 libxcb1 (Debian and Ubuntu), and if that is not it, "
}
"""What OpenCV needs of the system, by `sys.platform`."""


@dataclass(frozen=True, slots=True)
class Check:
    """One thing that was looked at.

    Attributes
    ----------
    name : str
        What, such as ``screen capture``.
    ok : bool or None
        True: works. False: does not, and something needs it. None: not here, or cannot be told.
    detail : str
        What was found.
    remedy : str
        What to do about it; empty where nothing need be done.
    """

    name: str
    ok: bool | None
    detail: str
    remedy: str = ""


def check(page_port: int = 0) -> list[Check]:
    """Look at everything.

    Parameters
    ----------
    page_port : int
        TCP port that the live page shall have; 0 is any.

    Returns
    -------
    list of Check
        In the order in which a person would mend them.
    """
    found: list[Check] = []
    looks: tuple[tuple[str, Callable[[], Iterator[Check]]], ...] = (
        ("python", _python),
        ("packages", _packages),
        ("opencv", _opencv),
        ("display", _display),
        ("screen capture", _screen_capture),
        ("windows", _drawing),
        ("windows by title", _windows),
        ("cameras", _cameras),
        ("virtual camera", _virtual_camera),
        ("live page", lambda: _page(page_port)),
        ("compiled code", _compiled_code),
        ("video files", _video_files),
    )
    for name, look in looks:
        try:
            found.extend(look())
        except Exception as error:  # noqa: BLE001 - a broken part must not hide the others
            found.append(Check(name, False, f"the check itself failed: {error}", "reinstall Backroom"))
    return found


def _split(problem: str) -> tuple[str, str]:
    """Part an error's line into what is wrong and the remedy, which is its last clause."""
    detail, _, remedy = problem.rpartition("; ")
    return (detail, remedy) if detail else (remedy, "")


def _python() -> Iterator[Check]:
    version = ".".join(map(str, sys.version_info[:3]))
    is_new_enough = sys.version_info[:2] >= _OLDEST_PYTHON
    oldest = ".".join(map(str, _OLDEST_PYTHON))
    yield Check("python", is_new_enough, f"{version} on {_SYSTEM}", "" if is_new_enough else f"use Python {oldest}")


def _packages() -> Iterator[Check]:
    try:
        requirements = importlib.metadata.requires(_DISTRIBUTION) or []
    except importlib.metadata.PackageNotFoundError:
        yield Check("packages", None, f"{_DISTRIBUTION} is not installed as a package", "pip install .")
        return
    for requirement in requirements:
        yield _package(requirement)


def _package(requirement: str) -> Check:
    wanted, _, condition = requirement.partition(";")
    name = re.match(r"[\w.-]+", wanted.strip())
    assert name is not None  # noqa: S101 - metadata that was installed has names
    lowest = re.search(r">=\s*([\d.]+)", wanted)
    try:
        version = importlib.metadata.version(name[0])
    except importlib.metadata.PackageNotFoundError:
        if "extra ==" in condition:
            return Check(name[0], None, "optional, not installed")
        if "sys_platform" in condition and _SYSTEM not in condition:
            return Check(name[0], None, "not needed on this system")
        return Check(name[0], False, "missing", f"pip install '{wanted.strip()}'")
    if lowest is not None and _numbers(version) < _numbers(lowest[1]):
        return Check(name[0], False, f"{version}, wanted {lowest[1]} or newer", f"pip install '{wanted.strip()}'")
    return Check(name[0], True, version)


def _numbers(version: str) -> tuple[int, ...]:
    return tuple(int(number) for number in re.findall(r"\d+", version)[:3])


def _opencv() -> Iterator[Check]:
    reinstall = "pip install --force-reinstall opencv-python"
    try:
        import cv2
    except ImportError as error:
        yield Check("opencv", False, str(error), _OPENCV_REMEDIES.get(_SYSTEM, "") + reinstall)
        return
    registry = cv2.videoio_registry
    back_ends = [registry.getBackendName(back_end) for back_end in registry.getCameraBackends()]
    detail = ", ".join(back_ends) or "no back end for cameras"
    yield Check("opencv cameras", bool(back_ends), detail, "" if back_ends else reinstall)


def _display() -> Iterator[Check]:
    from stream.sources.x11 import is_wayland, why_no_display

    if _SYSTEM != "linux":
        yield Check("display", True, "the system's own")
        return
    problem, remedy = _split(why_no_display())
    if problem:
        yield Check("display", False, problem, remedy)
    elif is_wayland():
        remedy = "log in to an X11 session to capture the whole screen"
        yield Check("display", None, f"XWayland at {os.environ['DISPLAY']}: its own windows only", remedy)
    else:
        yield Check("display", True, f"X11 at {os.environ['DISPLAY']}")


def _screen_capture() -> Iterator[Check]:
    from stream.sources.base import CaptureError
    from stream.sources.screen_grab import ScreenGrabber
    from stream.sources.screen_target import ScreenTarget

    try:
        with ScreenGrabber(ScreenTarget(), with_cursor=False) as grabber:
            region = grabber.region_px()
            grabber.grab(region)
            started_s = time.perf_counter()
            image = grabber.grab(region)
            took_ms = (time.perf_counter() - started_s) * 1e3
            slow = grabber.why_slow()
    except CaptureError as error:
        yield Check("screen capture", False, *_split(str(error)))
        return
    detail = f"{image.shape[1]}x{image.shape[0]} in {took_ms:.1f} ms"
    if not image.any():
        remedy = "allow this terminal to record the screen in the system's settings" if _SYSTEM == "darwin" else ""
        yield Check("screen capture", None, f"{detail}, but all black", remedy or "is the screen off or locked?")
    elif slow or took_ms > _SLOW_GRAB_MS:
        yield Check("screen capture", None, f"{detail}: slow {slow}".rstrip(), "capture a region, or a lower rate")
    else:
        yield Check("screen capture", True, detail)


def _drawing() -> Iterator[Check]:
    from stream.display.library import DisplayError
    from stream.display.monitors import list_display_monitors
    from stream.display.window import Window

    try:
        window = Window("Backroom", 16, 16, is_shown=False, takes_focus=False)
    except DisplayError as error:
        yield Check("windows", None, *_split(str(error)))
        return
    drawn_by, is_slow = window.context.info["GL_RENDERER"], window.is_drawn_in_software
    window.close()
    remedy = "install the graphics card's driver if you want to play films" if is_slow else ""
    yield Check("windows", None if is_slow else True, f"OpenGL by {drawn_by}", remedy)
    for monitor in list_display_monitors():
        rate = f"{monitor.refresh_hz:.2f} Hz" if monitor.refresh_hz else "an unknown rate"
        size = f"{monitor.region_px[2]}x{monitor.region_px[3]}"
        yield Check(f"monitor {monitor.number}", True, f"{monitor.name}, {size} at {rate}")


def _windows() -> Iterator[Check]:
    from stream.sources.base import CaptureError
    from stream.sources.x11 import WindowTree

    if _SYSTEM != "linux":
        yield Check("windows by title", None, "on X11 only", "capture by place, such as screen:100,50,1280x720")
        return
    try:
        tree = WindowTree()
    except CaptureError as error:
        yield Check("windows by title", False, *_split(str(error)))
        return
    yield Check("windows by title", True, f"{len(tree.windows())} can be captured by title")
    tree.close()


def _cameras() -> Iterator[Check]:
    from stream.sources.camera_device import find_cameras

    found = find_cameras()
    if not found:
        yield Check("cameras", None, "none", "plug one in if you want to use it; nothing else needs it")
    for camera in found:
        place = camera.path or f"camera:{camera.index}"
        detail, remedy = _split(camera.trouble)
        # Whether a device that gives no pictures is wanted, nobody can tell.
        ok = True if not camera.trouble else False if "no permission" in camera.trouble else None
        yield Check(f"camera {camera.index}", ok, f"{camera.name} at {place} {detail}".rstrip(), remedy)


def _virtual_camera() -> Iterator[Check]:
    import pyvirtualcam.camera

    from stream.sinks.virtual_camera import find_virtual_cameras, virtual_camera_remedy

    back_ends = ", ".join(pyvirtualcam.camera.BACKENDS) or "no back end"
    found = find_virtual_cameras()
    if not found:
        yield Check("virtual camera", None, f"none ({back_ends})", virtual_camera_remedy())
    for camera in found:
        detail, remedy = _split(camera.trouble)
        name = camera.name if camera.name == camera.device else f"{camera.name} at {camera.device}"
        yield Check("virtual camera", not camera.trouble, f"{name} ({back_ends}) {detail}".rstrip(), remedy)
        if not camera.trouble:
            yield _watching(camera.device)


def _watching(device: str) -> Check:
    from stream.consumers.choose import find_consumers

    consumers = find_consumers(device)
    found = Check("camera on demand", True if consumers.can_tell else None, consumers.how)
    consumers.close()
    return found


def _page(port: int) -> Iterator[Check]:
    with socket.socket(socket.AF_INET, socket.SOCK_STREAM) as listening:
        if os.name == "posix":
            # As servers do: a port that was in use a moment ago is free.
            listening.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            listening.bind(("127.0.0.1", port))
        except OSError as error:
            remedy = "set page.port to 0 (any) or close the program that has it"
            yield Check("live page", False, f"127.0.0.1:{port} cannot be had ({error.strerror})", remedy)
            return
        yield Check("live page", True, f"127.0.0.1:{listening.getsockname()[1]} can be had")


def _compiled_code() -> Iterator[Check]:
    # numba's own order: its variable, beside the source, the person's cache folder.
    wanted = os.environ.get("NUMBA_CACHE_DIR")
    places = [Path(wanted)] if wanted else [*_source_folders(), _cache_folder()]
    writable = next((place for place in places if _is_writable(place)), None)
    if writable is not None:
        yield Check("compiled code", True, f"kept in {writable}")
        return
    listed = ", ".join(map(str, places))
    remedy = "set NUMBA_CACHE_DIR to a folder that can be written, or every start compiles again"
    yield Check("compiled code", False, f"cannot be kept in {listed}", remedy)


def _source_folders() -> list[Path]:
    found = importlib.util.find_spec("pipelines")
    folders = found.submodule_search_locations if found is not None else None
    return [Path(folder) for folder in folders or ()]


def _cache_folder() -> Path:
    home = Path.home()
    by_system = {
        "win32": Path(os.environ.get("LOCALAPPDATA", home / "AppData" / "Local")),
        "darwin": home / "Library" / "Caches",
    }
    return by_system.get(_SYSTEM, Path(os.environ.get("XDG_CACHE_HOME", home / ".cache"))) / "numba"


def _is_writable(folder: Path) -> bool:
    # The folder itself may be still to be made.
    there = next((place for place in (folder, *folder.parents) if place.exists()), None)
    return there is not None and there.is_dir() and os.access(there, os.W_OK | os.X_OK)


def _video_files() -> Iterator[Check]:
    import av

    for encoder, purpose in _ENCODERS.items():
        try:
            av.codec.Codec(encoder, "w")
        except ValueError:
            yield Check(
                f"encoder {encoder}", False, f"missing, needed for {purpose}", "pip install --force-reinstall av"
            )
        else:
            yield Check(f"encoder {encoder}", True, f"for {purpose}")
