"""The film's thread goes before other programs while it plays, as far as the system allows.

A flip has a few milliseconds; on a busy machine a thread of common priority waits longer than that for its turn, now
and then. Linux lets root, and who has a limit ``rtprio``, have the real-time class SCHED_RR [1]_; who may not is tried
at a lower nice value. Where OpenGL draws in software the threads that Mesa draws with are raised too: the film's thread
waits for them. Threads that are begun meanwhile have common priority, so that no decoder holds the film up.

Limits: Linux only. A real-time thread that never waits would hold everything else up: the kernel keeps a twentieth of
each second for the others, and the player waits in every period.

References
----------
.. [1] sched(7), Linux manual pages: scheduling policies, and what each needs to be allowed.
"""

import contextlib
import os
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Final

REAL_TIME: Final = "real time"
RAISED: Final = "raised"
COMMON: Final = "common"

REMEDY: Final = (
    "the system gives the film no priority over other programs, which may make flips late; "
    "allow it: a line `USER - rtprio 1` in /etc/security/limits.conf"
)

_TASKS: Final = Path("/proc/self/task")
_LEAST_REAL_TIME: Final = 1
_NICE: Final = -10


@contextlib.contextmanager
def urgent_drawing() -> Iterator[str]:
    """Raise the calling thread, and those that draw for it, while the block runs.

    Yields
    ------
    str
        `REAL_TIME`, `RAISED` or `COMMON`: how far the system went along.
    """
    if sys.platform != "linux":
        yield COMMON
        return
    with contextlib.ExitStack() as stack:
        threads = [0, *_drawing_threads()]
        for how, raised in ((REAL_TIME, _in_real_time), (RAISED, _at_lower_nice)):
            try:
                for thread in threads:
                    stack.enter_context(raised(thread))
            except OSError:
                stack.close()
                continue
            yield how
            return
        yield COMMON


def _drawing_threads() -> list[int]:
    """Return Mesa's threads that draw in software."""
    found = []
    for task in _TASKS.iterdir():
        with contextlib.suppress(OSError):  # it has ended
            if (task / "comm").read_text().startswith("llvmpipe"):
                found.append(int(task.name))
    return found


@contextlib.contextmanager
def _in_real_time(thread: int) -> Iterator[None]:
    policy, priority = os.sched_getscheduler(thread), os.sched_getparam(thread)
    os.sched_setscheduler(thread, os.SCHED_RR | os.SCHED_RESET_ON_FORK, os.sched_param(_LEAST_REAL_TIME))
    try:
        yield
    finally:
        with contextlib.suppress(OSError):  # it has ended
            _set_back(thread, policy, priority)


def _set_back(thread: int, policy: int, priority: os.sched_param) -> None:
    try:
        os.sched_setscheduler(thread, policy, priority)
    except PermissionError:  # who is not root may not take back that threads begun by it are common
        os.sched_setscheduler(thread, policy | os.SCHED_RESET_ON_FORK, priority)


@contextlib.contextmanager
def _at_lower_nice(thread: int) -> Iterator[None]:
    nice = os.getpriority(os.PRIO_PROCESS, thread)
    os.setpriority(os.PRIO_PROCESS, thread, min(nice, _NICE))
    try:
        yield
    finally:
        with contextlib.suppress(OSError):  # it has ended
            os.setpriority(os.PRIO_PROCESS, thread, nice)
