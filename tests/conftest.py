"""Fixtures that every test may use."""

import sys
from pathlib import Path

import numpy as np
import pytest

from stream import cli

SHARED = Path(__file__).resolve().parents[2] / "shared"


@pytest.fixture
def rng() -> np.random.Generator:
    """The one source of chance: seeded, so that a failure can be run again."""
    return np.random.default_rng(2015)


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
