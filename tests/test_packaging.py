"""The distribution: what the wheel holds, that our names are ours, and that starting it loads little."""

import importlib.metadata
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[1]
PACKAGES = ("stream", "pipelines", "config")
SHIPPED_BESIDE_CODE = {".yaml", ".json", ".html", ".css", ".js", ".svg", ".typed", ".tflite", ".mediapipe", ".npz"}


@pytest.fixture(scope="module")
def wheel(tmp_path_factory):
    folder = tmp_path_factory.mktemp("wheel")
    command = [sys.executable, "-m", "hatchling", "build", "-t", "wheel", "-d", str(folder)]
    subprocess.run(command, cwd=ROOT, check=True, capture_output=True)
    (path,) = folder.glob("*.whl")
    return zipfile.ZipFile(path)


def tracked_files():
    try:
        listed = subprocess.run(
            ["git", "ls-files", *PACKAGES], cwd=ROOT, check=True, capture_output=True, text=True
        ).stdout.split("\n")
    except (OSError, subprocess.CalledProcessError):
        pytest.skip("needs a git checkout to know which files are the project's")
    return {name for name in listed if name}


def test_the_wheel_holds_exactly_the_projects_files(wheel):
    held = {name for name in wheel.namelist() if ".dist-info/" not in name}
    assert held == tracked_files()


def test_every_kind_of_file_in_the_packages_is_meant_to_be_shipped():
    assert {Path(name).suffix for name in tracked_files()} <= SHIPPED_BESIDE_CODE | {".py"}


def test_the_wheel_bears_the_licence_and_the_command(wheel):
    names = wheel.namelist()
    assert any(name.endswith("licenses/LICENSE") for name in names)
    assert any(name.endswith("licenses/pipelines/models/LICENSE.mediapipe") for name in names)
    (entry_points,) = (name for name in names if name.endswith("entry_points.txt"))
    assert "backroom = stream.cli:main" in wheel.read(entry_points).decode()


def test_no_other_distribution_owns_our_package_names():
    owners = importlib.metadata.packages_distributions()
    for package in PACKAGES:
        assert set(owners.get(package, ["backroom"])) == {"backroom"}


def test_asking_for_help_loads_neither_kernels_nor_devices_nor_the_server():
    code = (
        "import sys, stream.cli\n"
        "heavy = {'numba', 'cv2', 'av', 'starlette', 'uvicorn', 'mss', 'pyvirtualcam', 'rich', 'xcffib'}\n"
        "heavy |= {'glfw', 'moderngl'}\n"
        "print(sorted(heavy & set(sys.modules)))"
    )
    ended = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True, cwd=ROOT)
    assert ended.stdout.strip() == "[]"


def test_starting_the_program_reaches_for_no_network():
    code = (
        "import socket, sys\n"
        "def refuse(*_): raise AssertionError('the network was asked for')\n"
        "socket.socket.connect = refuse; socket.getaddrinfo = refuse\n"
        "import stream.run, stream.demo, stream.view.page, stream.devices, stream.doctor, pipelines.registry\n"
        "import pipelines.reconstruction.rarest, stream.sources.screen, stream.sources.camera, stream.sources.video\n"
    )
    subprocess.run([sys.executable, "-c", code], check=True, cwd=ROOT, capture_output=True)


def test_the_wheel_runs_the_person_model_out_of_its_own_files(wheel, tmp_path):
    wheel.extractall(tmp_path)
    code = (
        "import numpy, pipelines, pipelines.segmentation as s\n"
        "print(pipelines.__file__, s.open_segmenter('opencv').probability(numpy.zeros((9, 16, 3), 'uint8')).shape)"
    )
    ended = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True, cwd=tmp_path)
    assert ended.stdout.split(" ", 1) == [str(tmp_path / "pipelines" / "__init__.py"), "(9, 16)\n"]
