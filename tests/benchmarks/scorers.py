"""The scorers beside the project, loaded as modules to be compared with; they need scikit-image."""

import importlib.util
from pathlib import Path
from types import ModuleType


def bench(shared: Path, name: str) -> ModuleType:
    """Load ``bench/NAME.py`` of the folder beside the project."""
    spec = importlib.util.spec_from_file_location(f"bench_{name}", shared / "bench" / f"{name}.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module
