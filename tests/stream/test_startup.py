"""Garbage collection is off while the program starts, and on while it works."""

import gc

import pytest

from stream.startup import start_is_over, swift_start


@pytest.fixture(autouse=True)
def _unfrozen():
    yield
    gc.unfreeze()


def test_nothing_is_collected_until_the_start_is_over():
    with swift_start():
        assert not gc.isenabled()
        start_is_over()
        assert gc.isenabled()
    assert gc.isenabled()


def test_a_start_that_fails_leaves_the_collection_on():
    with pytest.raises(ValueError, match="no such camera"), swift_start():
        raise ValueError("no such camera")
    assert gc.isenabled()


def test_what_was_there_at_the_start_is_left_out_of_later_collections():
    with swift_start():
        kept = [[] for _ in range(1000)]
        start_is_over()
        assert gc.get_freeze_count() >= len(kept)


def test_a_session_of_a_program_that_did_not_start_so_freezes_nothing():
    before = gc.get_freeze_count()
    start_is_over()
    assert gc.get_freeze_count() == before
