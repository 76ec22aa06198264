"""The film's thread goes before others while it plays, where the system allows that, and is set back after."""

import os
import sys
import threading
from pathlib import Path
from typing import Any

import pytest
from xserver import fast_x_server

from stream.display import urgency
from stream.display.screening import Screening
from stream.display.urgency import COMMON, RAISED, REAL_TIME, REMEDY, urgent_drawing

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="priorities are Linux's")

Standing = tuple[int, int]


def standing() -> Standing:
    """Policy and nice value of the calling thread."""
    return os.sched_getscheduler(0), os.getpriority(os.PRIO_PROCESS, 0)


def standing_of_a_new_thread() -> Standing:
    found: list[Standing] = []
    thread = threading.Thread(target=lambda: found.append(standing()))
    thread.start()
    thread.join()
    return found[0]


def refuse(*_arguments: Any) -> None:
    raise PermissionError("not allowed")


def test_the_thread_is_in_real_time_and_those_begun_meanwhile_are_not() -> None:
    before = standing()
    with urgent_drawing() as how:
        if how != REAL_TIME:
            pytest.skip("this system allows no real-time priority")
        assert standing()[0] == os.SCHED_RR | os.SCHED_RESET_ON_FORK
        assert standing_of_a_new_thread()[0] == os.SCHED_OTHER
    assert standing() == before


def test_without_real_time_the_thread_is_nicer_to_itself(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(os, "sched_setscheduler", refuse)
    before = standing()
    with urgent_drawing() as how:
        if how != RAISED:
            pytest.skip("this system allows no lower nice value")
        assert standing()[1] == -10
    assert standing() == before


def test_a_system_that_allows_neither_changes_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(os, "sched_setscheduler", refuse)
    monkeypatch.setattr(os, "setpriority", refuse)
    before = standing()
    with urgent_drawing() as how:
        assert how == COMMON
        assert standing() == before


def test_the_priority_is_given_back_after_an_error() -> None:
    before = standing()
    with pytest.raises(ValueError, match="broken"), urgent_drawing():
        raise ValueError("broken")
    assert standing() == before


@pytest.mark.screen
def test_who_may_not_is_told_how_to_where_drawing_is_in_software(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.delenv("XDG_SESSION_TYPE", raising=False)
    with fast_x_server(tmp_path) as name:
        monkeypatch.setenv("DISPLAY", name)
        for may in (True, False):
            if not may:
                monkeypatch.setattr(os, "sched_setscheduler", refuse)
                monkeypatch.setattr(os, "setpriority", refuse)
            screening = Screening(None)
            threads = urgency._drawing_threads()
            told = (screening.priority == COMMON, REMEDY in screening.warnings)
            screening.close()
            assert threads, "Mesa's threads have another name now"
            assert told[0] == told[1]
    assert told == (True, True)
