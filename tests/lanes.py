"""The whole suite in two processes, side by side: half of the tests wait, and the others compute meanwhile.

What waits is all in one lane, in its own order, so that hardly ever two tests at once measure time or fill the screen.
The other lane begins with the guest, which is busy while its tests wait, and goes on with the rest, file by file; the
first one helps with that when it is through. So never more than two things want a core. A part of the suite, or its
benchmarks, runs in one process: that starts sooner and may be timed.
"""

import functools
import os
from pathlib import Path

import pytest
from xdist.scheduler import LoadScopeScheduling
from xdist.workermanage import WorkerController

_REPOSITORY = Path(__file__).resolve().parents[1]

GUEST = "guest"
WAITING = "tests/stream/"
"""Where the tests are that wait: for processes, screens, cameras, the clock."""


def n_lanes(config: pytest.Config) -> int:
    """Say in how many processes this run is to go on; 0 is in this one."""
    asked = config.option
    is_whole = config.args_source is pytest.Config.ArgsSource.TESTPATHS and not asked.keyword
    return 2 if is_whole and not asked.benchmark_only and (os.cpu_count() or 1) > 1 else 0


@functools.cache
def _unit_of(file: str) -> str:
    # The scheduler knows names only, and pytest-xdist's own groups do nothing under pytest 9.2.
    if "pytest.mark.guest" in (_REPOSITORY / file).read_text("utf-8"):
        return GUEST
    return WAITING if file.startswith(WAITING) else file


class Lanes(LoadScopeScheduling):
    """Hands out what waits as one unit, the files with tests of the guest as one, and each other file as one."""

    def _split_scope(self, nodeid: str) -> str:
        return _unit_of(nodeid.split("::", maxsplit=1)[0])

    def _assign_work_unit(self, node: WorkerController) -> None:
        for first in (GUEST, WAITING):
            if first in self.workqueue:
                self.workqueue.move_to_end(first, last=False)
        super()._assign_work_unit(node)
