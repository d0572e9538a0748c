# pyright: reportMissingImports=false
import subprocess
import sys
from pathlib import Path

import pytest
from packaging.requirements import Requirement

FOLDER = Path(__file__).parents[3] / "benchmarks" / "gpu"
PROGRAM = (
    "av",
    "cv2",
    "fastapi",
    "hibari",
    "httpx",
    "librosa",
    "pydantic_settings",
    "py3langid",
    "soundfile",
)
"""What the program needs and the benchmark does not."""


def test_the_wheels_are_within_what_the_program_asks_for() -> None:
    import tomllib

    project = tomllib.loads((FOLDER.parents[1] / "pyproject.toml").read_text("utf-8"))["project"]
    lines = (FOLDER / "requirements.txt").read_text("utf-8").splitlines()
    assert "-r ../gpu_tts/requirements.txt" in lines
    lines += (FOLDER.parent / "gpu_tts" / "requirements.txt").read_text("utf-8").splitlines()
    pinned = dict(line.split("==") for line in lines if "==" in line)
    for wanted in map(Requirement, project["optional-dependencies"]["musetalk"]):
        assert wanted.name == "torch" or wanted.specifier.contains(pinned[wanted.name]), wanted


def test_the_command_needs_nothing_of_the_rest_of_the_program() -> None:
    pytest.importorskip("torch", reason="MuseTalk needs PyTorch, the rest of the program does not")
    pytest.importorskip("diffusers", reason="MuseTalk needs diffusers, the rest of the program does not")
    program = f"""
import importlib.util, sys
class Nobody:
    def find_spec(self, name, path=None, target=None):
        if name.partition(".")[0] in {PROGRAM!r}:
            raise ModuleNotFoundError(name)
find = importlib.util.find_spec
importlib.util.find_spec = lambda name, package=None: None if name in {PROGRAM!r} else find(name, package)
sys.meta_path.insert(0, Nobody())
from benchmarks.gpu.absent import stand_in
stand_in()
sys.meta_path.insert(0, sys.meta_path.pop())
import benchmarks.gpu.__main__
"""
    run = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=False)
    assert run.returncode == 0, run.stderr
