import json
from typing import Any

import pytest
from page_client import Client

from config.schema import Profile
from stream.view.base import ViewCommand
from stream.view.commands import MAX_BODY_BYTES, parse_command
from stream.view.controls import CommandError, check_settings, describe_controls
from stream.view.page import PageView

Numbers = dict[str, Any]


def parse(command: Any, numbers: Numbers) -> ViewCommand:
    return parse_command(json.dumps(command).encode(), numbers)


@pytest.mark.parametrize("kind", ["pause", "resume", "reset", "save", "whole_screen", "stop"])
def test_a_plain_command_is_its_kind(kind: str, numbers: Numbers) -> None:
    command = parse({"kind": kind}, numbers)
    assert (command.kind, command.settings) == (kind, {})


def test_a_region_is_in_pixels_of_the_source(numbers: Numbers) -> None:
    command = parse({"kind": "region", "region_px": [10, 20, 630, 340]}, numbers)
    assert command == ViewCommand("region", region_px=(10, 20, 630, 340))


def test_a_film_can_be_wound_and_nothing_else(numbers: Numbers) -> None:
    with pytest.raises(CommandError, match="this session is no film"):
        parse({"kind": "key", "key": "left"}, numbers)
    film = numbers | {"session": "play"}
    assert parse({"kind": "key", "key": "left"}, film) == ViewCommand("key", key="left")
    with pytest.raises(CommandError, match="wanted one of home, down, left, right, up"):
        parse({"kind": "key", "key": "q"}, film)


def test_changed_settings_arrive_as_the_schema_reads_them(numbers: Numbers) -> None:
    numbers["settings"]["watch.memory"] = 1 << 30
    changes = {"watch.omg": 765, "watch.preview_every_s": 2, "watch.memory": "512MiB"}
    command = parse({"kind": "settings", "settings": changes}, numbers)
    assert command.settings == {"watch.omg": 765, "watch.preview_every_s": 2.0, "watch.memory": 512 << 20}
    assert type(command.settings["watch.preview_every_s"]) is float


@pytest.mark.parametrize(
    ("body", "reason"),
    [
        (b"", "not JSON"),
        (b"{kind: pause}", "not JSON"),
        (b"\xff\xfe\x00", "not JSON"),
        (b"[" * 5000, "not JSON"),
        (b"[]", "got a JSON list"),
        (b'"pause"', "got a JSON str"),
        (b"{}", "unknown kind None"),
        (b'{"kind": ["pause"]}', "unknown kind"),
        (b'{"kind": "raw"}', "unknown kind 'raw'"),
        (b'{"kind": "pause", "force": true}', "got the keys force, kind"),
        (b'{"kind": "region"}', "wanted exactly kind, region_px"),
        (b'{"kind": "region", "region_px": [1, 2, 3]}', "region_px is"),
        (b'{"kind": "region", "region_px": [1, 2, 3, 4.5]}', "region_px is"),
        (b'{"kind": "region", "region_px": [true, 2, 3, 4]}', "region_px is"),
        (b'{"kind": "region", "region_px": [1, 2, 3, NaN]}', "region_px is"),
        (b'{"kind": "region", "region_px": [-1, 0, 10, 10]}', "not inside the picture of 640x360"),
        (b'{"kind": "region", "region_px": [0, 0, 641, 360]}', "not inside"),
        (b'{"kind": "region", "region_px": [0, 0, 640, 0]}', "not inside"),
        (b'{"kind": "region", "region_px": [9999999999999999999, 0, 1, 1]}', "not inside"),
        (b'{"kind": "settings", "settings": {}}', "settings is {}"),
        (b'{"kind": "settings", "settings": []}', "settings is []"),
        (b'{"kind": "settings", "settings": {"watch.omg": 766}}', "watch.omg is 766; input should be less than"),
        (b'{"kind": "settings", "settings": {"watch.omg": "30"}}', "watch.omg is '30'"),
        (b'{"kind": "settings", "settings": {"watch.omg": true}}', "watch.omg is True"),
        (b'{"kind": "settings", "settings": {"watch.omg": null}}', "watch.omg is None"),
        (b'{"kind": "settings", "settings": {"watch.preview_every_s": Infinity}}', "watch.preview_every_s is inf"),
        (b'{"kind": "settings", "settings": {"watch.memory": 1048576}}', "cannot be changed here"),
        (b'{"kind": "settings", "settings": {"page.port": 80}}', "cannot be changed here"),
        (b'{"kind": "settings", "settings": {"__class__.x": 1}}', "cannot be changed here"),
    ],
)
def test_a_bad_command_is_refused_in_one_line_that_says_why(body: bytes, reason: str, numbers: Numbers) -> None:
    with pytest.raises(CommandError) as caught:
        parse_command(body, numbers)
    assert reason in str(caught.value)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize("kind", ["region", "whole_screen"])
def test_no_region_is_picked_of_what_is_no_screen(kind: str, numbers: Numbers) -> None:
    numbers["can_pick_region"] = False
    command = {"kind": kind, "region_px": [0, 0, 10, 10]} if kind == "region" else {"kind": kind}
    with pytest.raises(CommandError, match="no region to pick"):
        parse(command, numbers)


@pytest.mark.parametrize(
    "command", [{"kind": "region", "region_px": [0, 0, 1, 1]}, {"kind": "settings", "settings": {"watch.omg": 1}}]
)
def test_what_depends_on_figures_is_refused_before_there_are_any(command: Any) -> None:
    with pytest.raises(CommandError):
        parse(command, {})


def test_one_bad_setting_refuses_all_of_them() -> None:
    with pytest.raises(CommandError, match=r"watch\.save_every_s is 10"):
        check_settings({"watch.omg": 30, "watch.save_every_s": 10}, ["watch.omg", "watch.save_every_s"])


def test_every_key_of_the_profile_is_a_control_with_its_help() -> None:
    controls = describe_controls()
    keys = {f"{section}.{key}" for section, content in Profile().model_dump().items() for key in content}
    assert controls.keys() == keys
    assert all(control["help"] for control in controls.values())


def test_ranges_of_the_controls_are_the_schemas() -> None:
    controls = describe_controls()
    omg = controls["watch.omg"]
    assert (omg["kind"], omg["minimum"], omg["maximum"], omg["is_integer"]) == ("range", 0, 765, True)
    preview = controls["watch.preview_every_s"]
    assert (preview["label"], preview["unit"], preview["is_integer"]) == ("preview every", "s", False)
    assert controls["screen.cursor"]["kind"] == "switch"
    assert "rarest" in controls["watch.method"]["choices"]
    assert "veryfast" in controls["video.h264_preset"]["choices"]
    assert controls["watch.memory"]["kind"] == "text"


def test_a_good_command_reaches_the_session_and_is_given_once(page: PageView, client: Client) -> None:
    assert client.post({"kind": "pause"}).status == 204
    assert client.post({"kind": "resume"}).status == 204
    assert page.take_commands() == [ViewCommand("pause"), ViewCommand("resume")]
    assert page.take_commands() == []


def test_a_refusal_is_one_line_of_plain_text(page: PageView, client: Client) -> None:
    answer = client.post(b"{")
    assert answer.status == 400
    assert answer.headers["content-type"].startswith("text/plain")
    assert len(answer.body.decode().splitlines()) == 1
    assert page.take_commands() == []


def test_an_oversized_body_is_refused_without_being_read_to_its_end(page: PageView, client: Client) -> None:
    body = b'{"kind": "pause", "x": "' + b"x" * MAX_BODY_BYTES + b'"}'
    assert client.post(body).status == 413
    assert page.take_commands() == []


def test_commands_do_not_pile_up_while_nobody_takes_them(page: PageView, client: Client) -> None:
    answers = [client.post({"kind": "save"}).status for _ in range(70)]
    assert answers.count(204) == 64
    assert answers[64:] == [503] * 6
    assert len(page.take_commands()) == 64
    assert client.post({"kind": "save"}).status == 204
