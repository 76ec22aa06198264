"""Profiles: one home of defaults, flags over the file, errors that name the key, reload while running."""

import json
from pathlib import Path

import pytest
import yaml

from config.loader import ConfigError, json_schema, load_profile, shipped_profiles
from config.reload import ProfileWatcher
from config.schema import Profile

PROFILES = Path(__file__).parents[2] / "config" / "profiles"


@pytest.fixture
def mine(tmp_path):
    path = tmp_path / "mine.yaml"
    path.write_text("watch:\n  omg: 33\n")
    return path


@pytest.mark.parametrize("name", shipped_profiles())
def test_every_shipped_profile_loads(name):
    assert isinstance(load_profile(name), Profile)


def test_the_default_profile_spells_out_every_default_of_the_schema():
    spelt = yaml.safe_load((PROFILES / "default.yaml").read_text())
    assert {section: set(keys) for section, keys in spelt.items()} == {
        section: set(keys) for section, keys in Profile().model_dump().items()
    }
    assert load_profile("default") == Profile()


def test_keys_left_out_keep_their_defaults(mine):
    profile = load_profile(str(mine))
    assert profile.watch.omg == 33
    assert profile.watch.memory == Profile().watch.memory


def test_a_flag_overrides_the_file_and_an_absent_flag_does_not(mine):
    profile = load_profile(str(mine), {"watch.omg": 5, "watch.memory": None})
    assert profile.watch.omg == 5
    assert profile.watch.memory == Profile().watch.memory


@pytest.mark.parametrize(
    ("text", "n_bytes"),
    [("512MiB", 512 << 20), ("2G", 2 << 30), ("1.5 GB", 3 << 29), ("1048576", 1 << 20), ("2048k", 2 << 20)],
)
def test_sizes_are_written_as_people_write_them(text, n_bytes):
    assert load_profile("default", {"watch.memory": text}).watch.memory == n_bytes


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ("watch:\n  ogm: 3\n", "unknown key watch.ogm; did you mean watch.omg?"),
        ("wach:\n  omg: 3\n", "unknown key wach; did you mean watch?"),
        ("watch:\n  qqqqqqqqqq: 3\n", "unknown key watch.qqqqqqqqqq; see `backroom profile show`"),
        ("watch:\n  omg: 766\n", "watch.omg is 766; input should be less than or equal to 765"),
        ("watch:\n  omg: many\n", "watch.omg is 'many'"),
        ("watch:\n  memory: 3 bananas\n", "watch.memory is '3 bananas'; not a size"),
        ("watch:\n  memory: .inf\n", "watch.memory is inf"),
        ("watch:\n  save_every_s: .nan\n", "watch.save_every_s is nan"),
        ("watch: [1, 2]\n", "watch is [1, 2]"),
        ("- a\n- b\n", "got a list, wanted sections"),
        ("watch:\n omg: 3\n  memory: 1G\n", "line 3: not YAML"),
    ],
)
def test_a_wrong_profile_is_one_line_that_names_file_and_key(tmp_path, content, message):
    path = tmp_path / "wrong.yaml"
    path.write_text(content)
    with pytest.raises(ConfigError) as error:
        load_profile(str(path))
    assert message in str(error.value)
    assert str(path) in str(error.value)
    assert "\n" not in str(error.value)


def test_every_mistake_is_named_at_once(tmp_path):
    path = tmp_path / "wrong.yaml"
    path.write_text("watch:\n  omg: -1\n  ogm: 2\npage:\n  port: 70000\n")
    with pytest.raises(ConfigError, match=r"watch.omg.*watch.ogm.*page.port"):
        load_profile(str(path))


@pytest.mark.parametrize("name", ["nosuch", "nosuch.yaml", "no/such/file"])
def test_a_missing_profile_names_the_remedy(name):
    with pytest.raises(ConfigError, match=r"shipped are default|No such file"):
        load_profile(name)


def test_the_schema_file_for_editors_is_up_to_date():
    assert (PROFILES / "profile.schema.json").read_text() == json_schema()


def test_the_schema_gives_every_field_a_description_and_refuses_unknown_keys():
    for model in json.loads(json_schema())["$defs"].values():
        assert model["additionalProperties"] is False
        assert all(field.get("description") for field in model["properties"].values())


def test_a_changed_file_is_taken_up_and_flags_stay_in_force(mine):
    watcher = ProfileWatcher(str(mine), {"page.port": 1234})
    assert watcher.poll() is None
    mine.write_text("watch:\n  omg: 44 # changed\n")
    profile = watcher.poll()
    assert profile is not None
    assert (profile.watch.omg, profile.page.port) == (44, 1234)
    assert watcher.poll() is None


def test_a_bad_change_keeps_the_last_good_profile_and_says_why(mine):
    watcher = ProfileWatcher(str(mine), {})
    mine.write_text("watch:\n  omg: 4444\n")
    assert watcher.poll() is None
    assert "watch.omg is 4444" in watcher.problem
    assert "last good profile" in watcher.problem
    mine.write_text("watch:\n  omg: 45\n# mended\n")
    assert watcher.poll().watch.omg == 45
    assert watcher.problem == ""


def test_a_file_that_vanishes_for_a_moment_changes_nothing(mine):
    watcher = ProfileWatcher(str(mine), {})
    mine.unlink()
    assert watcher.poll() is None
    mine.write_text("watch:\n  omg: 46 # is back\n")
    assert watcher.poll().watch.omg == 46


def test_a_slider_overrides_the_file_until_the_end(mine):
    watcher = ProfileWatcher(str(mine), {})
    assert watcher.override("watch.omg", 7).watch.omg == 7
    mine.write_text("watch:\n  omg: 50\n  preview_every_s: 2\n")
    profile = watcher.poll()
    assert (profile.watch.omg, profile.watch.preview_every_s) == (7, 2)


def test_a_slider_out_of_range_changes_nothing(mine):
    watcher = ProfileWatcher(str(mine), {})
    with pytest.raises(ConfigError, match=r"watch\.omg"):
        watcher.override("watch.omg", 9999)
    assert watcher.override("watch.save_every_s", 3).watch.omg == 33
