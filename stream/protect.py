"""One session of `backroom protect`: a source, a protection behind its shelter, views, sinks and the report.

Everything here runs in the thread that calls `run`, between two frames. Pause may be asked for from anywhere: by a
view, a key, a signal. What goes to the sinks and what the views show comes out of `stream.shelter` and nowhere else;
the camera's own picture and the known room are shown to nobody, this machine's screen included, because screens are
shared.
"""

import datetime as dt
import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from config.reload import ProfileWatcher
from config.schema import Profile
from pipelines.base import Frame, Image
from pipelines.protection.contract import Background, Protection
from stream.backgrounds.change import BackgroundChange
from stream.backgrounds.open import OpenBackground
from stream.backgrounds.video import StreamTime
from stream.bookkeeping import COMPILING, WAITING, Deadlines, Messages
from stream.coverage import CoverageCurve
from stream.framing import Framing
from stream.loop import Loop
from stream.metering import Meter, Metering
from stream.numbers import stream_numbers, stream_report
from stream.report import write_protect_report
from stream.shelter import LOST, Shelter
from stream.showing import BACKGROUND_SETTINGS, PROTECT_SETTINGS
from stream.sinks.base import Sink
from stream.sources.base import AbsentSource, Source
from stream.sources.blank import BlankSource
from stream.sources.on_demand import OnDemandSource
from stream.startup import start_is_over
from stream.stats import LoopStats
from stream.tuning import Tuning
from stream.view.base import View, ViewCommand

NUMBERS_EVERY_S = 0.25
PROFILE_EVERY_S = 1.0

MOST_WAITING = 2
"""Frames of the camera that may wait: a stall of the machine loses none, and what it made late is soon caught up with.
A machine that is too slow for every frame shows each one later by the time between two."""

HIDDEN = "the others see a placeholder"
SHOWN = "the others see you again"
SHOWN_ALONE = "the others see the background again"

ROUNDING_S = 1e-6
"""Time stamps are sums of fractions; a frame that is due may seem a hair early."""


@dataclass(slots=True)
class ProtectOutcome:
    """How a session ended.

    Attributes
    ----------
    stats : LoopStats
        Final figures of the loop.
    report : dict
        What stands in report.json.
    """

    stats: LoopStats
    report: dict[str, Any]


class ProtectSession:
    """Protects a source until the stream ends or somebody stops it.

    Parameters
    ----------
    source : Source
        Open; the session closes it. A blank one says that the background is sent alone.
    make_protection : callable
        From the profile and a background to a protection.
    open_background : callable
        From the profile to a background that goes with this session's time.
    out : Path
        Existing folder for the report.
    profile : Profile
        Settings in force at the start.
    watcher : ProfileWatcher
        Tells of changes to them.
    views, sinks : sequence of View, sequence of Sink
        Who looks; views are the caller's to close, sinks the session's.
    duration_s : float, optional
        End after so many seconds.
    meter : Meter, optional
        Measures what goes out; the session closes it.

    Raises
    ------
    ConfigError, PipelineError
        If protection or background cannot be had.
    """

    def __init__(
        self,
        source: Source,
        make_protection: Callable[[Profile, Background], Protection],
        open_background: Callable[[Profile, StreamTime], OpenBackground],
        out: Path,
        profile: Profile,
        watcher: ProfileWatcher,
        views: Sequence[View] = (),
        sinks: Sequence[Sink] = (),
        duration_s: float | None = None,
        meter: Meter | None = None,
    ) -> None:
        info = source.info
        framing = Framing(profile.protect, info.height, info.width)
        self._source = source
        self._is_alone = isinstance(source, BlankSource)
        self._out = out
        self._views = list(views)
        self._duration_s = duration_s
        self._time = StreamTime(is_live=info.is_live)
        self._background = open_background(profile, self._time)
        self._in_force = profile.protect.background
        self._change = BackgroundChange(
            lambda wanted: open_background(wanted, self._time), framing.height, framing.width
        )
        protection = make_protection(profile, self._background.pictures)
        self._shelter = Shelter(
            protection, framing, profile.protect.pause_text, self._absence, has_camera=not self._is_alone
        )
        self._messages = Messages()
        settings = BACKGROUND_SETTINGS if self._is_alone else PROTECT_SETTINGS
        self._tuning = Tuning(profile, watcher, settings, self._apply, self._messages.say)
        self._due = Deadlines()
        self._next_s = -math.inf
        self._last: Frame | None = None
        self._looked_at: Frame | None = None
        self._is_said_paused = False
        self._metering = Metering(meter)
        self._curve = CoverageCurve()
        self._started = dt.datetime.now(dt.UTC)
        self._loop = Loop(source, self, sinks, self._tick, most_waiting=MOST_WAITING, after_frame=self._after_frame)

    def stop(self) -> None:
        """End the session soon; may be called from any thread or signal handler."""
        self._loop.stop()

    @property
    def is_paused(self) -> bool:
        """Whether a placeholder is shown in place of the camera."""
        return self._shelter.is_paused

    def pause(self, paused: bool) -> None:
        """Show a placeholder at once, or go on; may be called from any thread or signal handler.

        Parameters
        ----------
        paused : bool
            False goes on.
        """
        self._shelter.pause(paused)

    def run(self) -> ProtectOutcome:
        """Run to the end and say how it went.

        Returns
        -------
        ProtectOutcome
            After the report was written.

        Raises
        ------
        CaptureError, PipelineError, SinkError
            What ended the stream; the report has been written all the same.
        """
        info = self._source.info
        try:
            self._messages.say(COMPILING)
            self._show_numbers("starting")
            self._shelter.warm_up(info.height, info.width, is_live=info.is_live)
        except BaseException:
            self._close()
            raise
        self._messages.say(WAITING)
        start_is_over()
        self._due.start()
        try:
            self._loop.run()
        except Exception as error:
            self._finish(f"{type(error).__name__}: {error}")
            raise
        else:
            return self._finish(None)
        finally:
            self._close()

    # The session is the pipeline of its loop: the shelter's frames, shown on the way.

    def warm_up(self, height: int, width: int, *, is_live: bool) -> None:
        """Nothing to do: `run` warms the protection up before the loop begins."""

    def process(self, frame: Frame) -> Sequence[Frame]:
        """Protect a frame.

        Parameters
        ----------
        frame : Frame
            The next frame of the source.

        Returns
        -------
        sequence of Frame
            What others may see; none where frames come faster than they are to go out.
        """
        self._obey_views()
        if not self._is_due(frame.pts_s):
            return ()
        self._time.now_s = frame.pts_s
        outputs = self._shelter.process(frame)
        self._last = outputs[-1]
        return outputs

    def flush(self) -> Sequence[Frame]:
        """End the protection's stream."""
        return self._shelter.flush()

    def _is_due(self, pts_s: float) -> bool:
        rate_hz = self._tuning.profile.protect.rate_hz
        if not rate_hz:
            return True
        if pts_s < self._next_s - ROUNDING_S:
            return False
        # In step with the frames before, unless the stream stood still meanwhile.
        self._next_s = (self._next_s if pts_s - self._next_s < 1 / rate_hz else pts_s) + 1 / rate_hz
        return True

    def _tick(self) -> None:
        self._obey_views()
        self._take_background()
        self._hide_a_silent_camera()
        if self._due.is_due("profile", PROFILE_EVERY_S):
            self._tuning.reload()
        self._say_what_the_others_see()
        if self._due.is_due("numbers", NUMBERS_EVERY_S):
            self._show_numbers("paused" if self.is_paused else "running")
        if self._duration_s is not None and self._due.elapsed_s() >= self._duration_s:
            self._loop.stop()

    def _say_what_the_others_see(self) -> None:
        if self._loop.n_captured and self._messages.last == WAITING:
            self._messages.say("")
        if self.is_paused != self._is_said_paused:
            self._is_said_paused = self.is_paused
            shown = SHOWN_ALONE if self._is_alone else SHOWN
            self._messages.say(HIDDEN if self.is_paused else shown)

    def _obey_views(self) -> None:
        for view in self._views:
            for command in view.take_commands():
                self._obey(command)

    def _obey(self, command: ViewCommand) -> None:
        match command.kind:
            case "pause" | "resume":
                self.pause(command.kind == "pause")
            case "reset":
                self._forget_room()
                self._messages.say("the room is forgotten and learnt anew")
            case "settings":
                self._tuning.change(command.settings)
            case "stop":
                self.stop()
            case _:
                self._messages.say(f"a protected camera knows no {command.kind}")

    def _apply(self, profile: Profile) -> Sequence[str]:
        before = self._tuning.profile
        if self._shelter.framing.change(profile.protect):
            self._forget_room()
        self._shelter.pause_text = profile.protect.pause_text
        if isinstance(self._source, OnDemandSource):
            self._source.apply(profile.protect)
        protection = self._shelter.protection
        left_alone = [*protection.apply(profile), *self._metering.apply(profile, protection)]
        if (before.protect.background, before.noise) != (profile.protect.background, profile.noise):
            self._change.ask(profile)
        if before.protect.size != profile.protect.size:
            left_alone.append("protect.size changes at the next start")
        if self._is_alone and profile.protect.rate_hz > (self._source.info.rate_hz or 0):
            left_alone.append(f"protect.rate_hz over {self._source.info.rate_hz:g} needs another start")
        return left_alone

    def _forget_room(self) -> None:
        self._shelter.protection.forget_room()
        self._metering.forget_room()

    def _take_background(self) -> None:
        try:
            background = self._change.take()
        except Exception as error:  # noqa: BLE001 - whatever a file does, the one before stays
            self._tuning.put_back("protect.background", self._in_force)
            self._messages.say(f"{error} (the last good background stays)")
            return
        if background is None:
            return
        self._shelter.protection.set_background(background.pictures)
        before, self._background = self._background, background
        self._in_force = self._tuning.profile.protect.background
        before.pictures.close()
        self._messages.say(f"background: {background.pictures.name}")

    def _hide_a_silent_camera(self) -> None:
        """Send the placeholder of a pause where no frame comes that could become one."""
        if self._source.info.is_live and self.is_paused and self._last and not self._last.is_placeholder:
            self._last = self._shelter.placeholder(self._shelter.pause_text, self._last.pts_s)
            self._loop.send([self._last])
            self._show(self._last)

    def _after_frame(self) -> None:
        """Do what need not delay a frame: it is on its way to the sinks."""
        output, camera = self._last, self._shelter.camera
        if output is None or output is self._looked_at:
            return
        self._looked_at = output
        self._show(output)
        self._shelter.after_frame()
        if camera is not None and not output.is_placeholder:
            self._metering.add(camera, output.image, self._shelter.protection, output.pts_s)

    def _show(self, output: Frame) -> None:
        for view in self._views:
            if view.wants_picture("output"):
                view.show_picture("output", output.image)
            if view.wants_picture("mask"):
                view.show_picture("mask", self._mask_of(output))

    def _mask_of(self, output: Frame) -> Image:
        if output.is_placeholder:
            return np.zeros_like(output.image)
        return np.repeat(np.rint(self._shelter.protection.mask * 255).astype(np.uint8)[..., None], 3, axis=2)

    def _show_numbers(self, state: str) -> None:
        if not self._views:
            return
        share = self._metering.shown_share()
        if share is not None:
            self._curve.add(self._due.elapsed_s(), share)
        numbers = {
            **stream_numbers(self._source.info, self._loop.stats()),
            "session": "background" if self._is_alone else "protect",
            "can_pick_region": False,
            "state": state,
            "elapsed_s": round(self._due.elapsed_s(), 2),
            "frames": self._loop.stats().processed,
            "figures": self._figures(),
            "coverage": None,
            "coverage_over_time": self._curve.points(),
            "exact": None,
            "notices": self._notices(),
            "message": self._messages.last,
            "settings": self._tuning.shown(),
        }
        for view in self._views:
            view.show_numbers(numbers)

    def _figures(self) -> list[tuple[str, str, bool]]:
        n_failed = self._shelter.failures.total()
        return [
            ("Background", self._background.pictures.name, False),
            ("Placeholders", f"{self._shelter.n_placeholders:,}", False),
            ("Failed frames", f"{n_failed:,}", n_failed > 0),
            *self._metering.figures(),
        ]

    def _notices(self) -> list[str]:
        lines = [self._source.status, self._tuning.problem, self._background.note()]
        return [*filter(None, lines), *self._shelter.status(), *self._metering.notices()]

    def _finish(self, ended_by: str | None) -> ProtectOutcome:
        stats = self._loop.stats()
        report = stream_report(self._source.info, self._started, stats, ended_by, is_final=True)
        report |= {
            "emit": "background" if self._is_alone else "protected",
            "output": {"width": self._shelter.framing.width, "height": self._shelter.framing.height},
            "background": self._background.pictures.name,
            **(self._source.report() if isinstance(self._source, OnDemandSource) else {}),
            **self._shelter.report(),
            **self._shelter.protection.report(),
            "leak_meter": self._metering.finish(),
            "notices": self._notices(),
            "profile": self._tuning.profile.model_dump(mode="json"),
        }
        write_protect_report(self._out, report)
        self._messages.say(f"saved to {self._out}")
        self._show_numbers("ended")
        return ProtectOutcome(stats, report)

    def _absence(self) -> str:
        return self._source.absence if isinstance(self._source, AbsentSource) else LOST

    def _close(self) -> None:
        self._source.close()
        self._change.close()
        self._metering.close()
        self._background.pictures.close()
