"""The profile of a running session: what is good is taken, what is not leaves the last good one."""

import pytest

from config.loader import ConfigError, load_profile
from config.reload import ProfileWatcher
from pipelines.base import PipelineError
from stream.tuning import Tuning

KEYS = ("protect.mirror", "protect.rate_hz")


class Session:
    def __init__(self, name="default"):
        self.applied = []
        self.said = []
        self.error = None
        self.tuning = Tuning(load_profile(name), ProfileWatcher(name, {}), KEYS, self.apply, self.said.append)

    def apply(self, profile):
        if self.error is not None:
            raise self.error
        self.applied.append(profile)
        return ["one thing changes at the next start"]


def test_a_good_change_is_in_force_and_said():
    session = Session()
    session.tuning.change({"protect.mirror": True})
    assert session.tuning.profile.protect.mirror
    assert session.tuning.shown() == {"protect.mirror": True, "protect.rate_hz": 0.0}
    assert session.said == ["settings changed; one thing changes at the next start"]


@pytest.mark.parametrize("change", [{"watch.omg": 5}, {"protect.rate_hz": -1.0}])
def test_a_change_that_may_not_be_or_is_out_of_range_changes_nothing(change):
    session = Session()
    session.tuning.change(change)
    assert session.applied == []
    assert next(iter(change)) in session.said[0]


@pytest.mark.parametrize("error", [ConfigError("outside"), PipelineError("too large")])
def test_what_cannot_be_applied_is_taken_back_for_good(error):
    session = Session()
    session.error = error
    session.tuning.change({"protect.mirror": True})
    assert str(error) in session.said[0]
    session.error = None
    session.tuning.change({"protect.rate_hz": 5.0})
    assert session.applied[-1].protect.rate_hz == 5.0
    assert not session.applied[-1].protect.mirror


def test_a_file_that_changes_is_followed_while_it_is_good(tmp_path):
    mine = tmp_path / "mine.yaml"
    mine.write_text("protect:\n  mirror: false\n")
    session = Session(str(mine))
    mine.write_text("protect:\n  mirror: true\n")
    session.tuning.reload()
    assert session.tuning.profile.protect.mirror
    mine.write_text("protect:\n  mirror: perhaps or not\n")
    session.tuning.reload()
    assert session.tuning.profile.protect.mirror
    assert "mine.yaml" in session.tuning.problem
