"""Attackers on protected videos: what shows is found, what is hidden is not, and chance comes from other rooms."""

import sys
from pathlib import Path

import numpy as np
import pytest
from attacks import ATTACKERS, ProtectedCall, attack_all, found_by
from calls import Call
from drawn_person import drawn_person
from exposure import frames_of
from protection_table import MAGENTA, main
from recordings import write_video
from simulated_call import CallPlan, make_call

HEIGHT, WIDTH, N_FRAMES = 90, 160, 8


@pytest.fixture(scope="module")
def folders(tmp_path_factory: pytest.TempPathFactory) -> list[Path]:
    """Two small calls of one drawn person in two rooms; `hidden.mkv` shows nothing of the room."""
    top = tmp_path_factory.mktemp("calls")
    frames = [drawn_person(HEIGHT, WIDTH, (210, 90, 40), 6 * t) for t in range(N_FRAMES)]
    clip = write_video(top / "blue.mkv", frames, "ffv1", "bgr0")
    for n, name in enumerate(("one", "other")):
        room = f"drawn:{n + 1}"
        make_call(
            top / name, CallPlan(str(clip), room=room, style="late", width=WIDTH, height=HEIGHT, n_frames=N_FRAMES)
        )
        mattes = np.load(top / name / "matte.npz")["matte"][..., np.newaxis] > 128
        cameras = list(frames_of(top / name / "raw.mkv"))
        magenta = np.array(MAGENTA, np.uint8)
        hidden = [np.where(matte, camera, magenta) for matte, camera in zip(mattes, cameras, strict=True)]
        write_video(top / name / "hidden.mkv", hidden, "ffv1", "bgr0")
    return [top / "one", top / "other"]


def attacks_on(video: str, folders: list[Path], attacker: str) -> list:
    found = {
        (folder, attacker): found_by(attacker, ProtectedCall(folder, folder / video, MAGENTA)) for folder in folders
    }
    return [attack for (attack,) in attack_all(found, folders, [attacker]).values()]


def test_who_has_the_room_has_all_of_it_and_little_of_it_by_chance(folders: list[Path]) -> None:
    rooms = {
        (folder, "mean"): np.dstack([Call(folder).room, np.full((HEIGHT, WIDTH), 255, np.uint8)]) for folder in folders
    }
    for (attack,) in attack_all(rooms, folders, ["mean"]).values():
        assert (attack.recall, attack.claimed) == (pytest.approx(1), 1)
        assert attack.chance is not None
        assert attack.chance < 0.2


@pytest.mark.parametrize("attacker", ATTACKERS)
def test_what_is_hidden_is_not_found_by_any_attacker(attacker: str, folders: list[Path]) -> None:
    for attack in attacks_on("hidden.mkv", folders, attacker):
        assert attack.chance is not None
        # The person moves a few pixels in these few frames: what a matte of a half shows at the edge is all there is.
        assert attack.recall - attack.chance < 0.05


def test_a_single_call_has_no_chance_to_be_held_against(folders: list[Path]) -> None:
    (attack,) = attacks_on("hidden.mkv", folders[:1], "mean")
    assert attack.chance is None


def test_the_command_attacks_what_it_protected(
    folders: list[Path], monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    calls = [str(folder) for folder in folders]
    flags = ["--protections", "plain.5", "--attackers", "mean", "sabra"]
    monkeypatch.setattr(sys, "argv", ["protection_table.py", "--calls", *calls, *flags])
    main()
    lines = capsys.readouterr().out.strip().splitlines()
    assert lines[-5].endswith("| flicker | mean | sabra |")
    assert lines[-3].count(" = ") == 2
    assert (folders[0] / "protected-plain.5.mkv").is_file()
