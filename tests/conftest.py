"""Fixtures that every test may use."""

import sys
from pathlib import Path

import guest
import lanes
import numpy as np
import pytest
from compiled import IS_COMPILED
from xdist import is_xdist_worker
from xdist.remote import Producer

from pipelines.reconstruction.leak import neighbours
from stream import cli

SHARED = Path(__file__).resolve().parents[2] / "shared"


def pytest_xdist_auto_num_workers(config: pytest.Config) -> int:
    """For the whole suite two processes; for a part of it none but this one."""
    return lanes.n_lanes(config)


def pytest_xdist_make_scheduler(config: pytest.Config, log: Producer) -> lanes.Lanes:
    """Say which tests go into which process."""
    return lanes.Lanes(config, log)


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Give those that wait for the guest the time that it may take."""
    for item in items:
        if item.get_closest_marker("guest"):
            item.add_marker(pytest.mark.timeout(guest.TEST_TIMEOUT_S))


def pytest_collection_finish(session: pytest.Session) -> None:
    """What takes long and mostly waits begins now, beside the tests that come before those that need it."""
    if not session.config.option.collectonly and not is_xdist_worker(session):
        guest.boot_ahead(session.items)


def pytest_sessionfinish() -> None:
    """Nothing is left running where the tests end early."""
    guest.end_boots()


@pytest.fixture
def rng() -> np.random.Generator:
    """The one source of chance: seeded, so that a failure can be run again."""
    return np.random.default_rng(2015)


@pytest.fixture(autouse=True)
def near_neighbours_only(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> None:
    """While kernels are not compiled, looking ten pixels around takes minutes; `test_neighbours` does it for few."""
    if not IS_COMPILED and request.path.name != "test_neighbours.py":
        for name, small in {"REACH_PX": 2, "SPAN_PX": 5, "FALL_OFF": neighbours.FALL_OFF[:, 8:13, 8:13]}.items():
            monkeypatch.setattr(neighbours, name, small)


@pytest.fixture(scope="session")
def shared() -> Path:
    """The folder of footage beside the project; tests that need it are skipped where it is missing."""
    if not SHARED.is_dir():
        pytest.skip("needs the footage of ../shared, which is not here")
    return SHARED


@pytest.fixture
def run(monkeypatch, capsys):
    """Run a command in this process; return (exit code, standard output, standard error)."""

    def act(*arguments):
        monkeypatch.setattr(sys, "argv", ["backroom", *map(str, arguments)])
        try:
            cli.main()
            code = 0
        except SystemExit as end:
            code = end.code
        return code, *capsys.readouterr()

    return act
