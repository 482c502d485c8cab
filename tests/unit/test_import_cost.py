"""What a cold start imports: every module here is paid for by the first caller after each scale-out."""

import json
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
FUNCTIONS = sorted(path.parent.name for path in ROOT.glob("*/function.json"))
# What only some invocations need is imported where they need it.
HEAVY = ("azure.storage", "azure.core", "azure.identity", "azure.durable_functions", "PIL", "aiohttp", "numpy")
HEAVY += ("cryptography", "cv2")
# The app's own modules grow with it, and each of its packages is one more; those of others are counted apart and hardly
# should.
MAX_MODULES_OF_OTHERS = 4
MAX_MODULES = 260
# The worker has imported azure.functions before any function; requests is the one library that every call needs.
SCRIPT = """
import importlib, json, sys
import azure.functions, requests
before = set(sys.modules)
for name in [*sys.argv[1:], "shared.services"]:
    importlib.import_module(name)
print(json.dumps(sorted(set(sys.modules) - before)))
"""


@pytest.fixture(scope="module")
def loaded() -> list[str]:
    """The modules that the function folders load on top."""
    done = subprocess.run(
        [sys.executable, "-c", SCRIPT, *FUNCTIONS], cwd=ROOT, capture_output=True, text=True, check=True, timeout=60
    )
    modules: list[str] = json.loads(done.stdout)
    return modules


def test_no_heavy_library_is_loaded_before_it_is_needed(loaded: list[str]) -> None:
    assert len(FUNCTIONS) >= 6
    assert [name for name in loaded if name.startswith(HEAVY)] == []


def test_few_modules_are_loaded(loaded: list[str]) -> None:
    others = [name for name in loaded if name.partition(".")[0] not in ("shared", *FUNCTIONS)]
    assert len(others) <= MAX_MODULES_OF_OTHERS, others
    assert len(loaded) <= MAX_MODULES, loaded


@pytest.mark.parametrize(
    "orchestrator", ["OcrOrchestrator", "OperationOrchestrator", "RetryOrchestrator", "ReconcileOrchestrator"]
)
def test_an_orchestrator_loads_nothing_but_its_loop_and_types(orchestrator: str) -> None:
    script = SCRIPT.replace(', "shared.services"', "")
    done = subprocess.run(
        [sys.executable, "-c", script, orchestrator], cwd=ROOT, capture_output=True, text=True, check=True, timeout=60
    )
    packages = {"shared", "shared.durable", "shared.lifecycle", "shared.ocr", "shared.operations", "shared.uploads"}
    types = {"shared.clock", "shared.durable.orchestrators", "shared.ocr.outcomes"}
    loops = {orchestrator, "shared.lifecycle.reconcile_loop", "shared.ocr.poll_loop", "shared.operations.loop"}
    loops |= {"shared.uploads.retry_loop"}
    assert set(json.loads(done.stdout)) - packages - types - loops == set()
