"""What `import lenetml` gives, and what it does not load."""

from __future__ import annotations

import subprocess
import sys
import tomllib
from pathlib import Path

import pytest

import lenetml
import lenetml.search.hypermodel
import lenetml.spec

HEAVY = ("tensorflow", "keras", "keras_tuner", "numpy", "sklearn", "matplotlib", "wandb")
LATER = ("codecarbon", "jinja2", "babel", "pebble", "ray", "rich", "typer")


def loaded_after(code):
    code += "\nimport sys\nprint(*[name for name in sys.modules if '.' not in name])"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    return set(done.stdout.split())


def test_names():
    assert sorted(lenetml.__all__) == ["HyperModel", "Spec", "__version__", "load_spec"]
    assert lenetml.HyperModel is lenetml.search.hypermodel.HyperModel
    assert lenetml.Spec is lenetml.spec.Spec
    assert lenetml.load_spec is lenetml.spec.load_spec


def test_every_name_of_all_is_there():
    assert {name for name in lenetml.__all__ if not hasattr(lenetml, name)} == set()


def test_no_other_name():
    with pytest.raises(AttributeError, match="^module 'lenetml' has no attribute 'hypermodel'$"):
        _ = lenetml.hypermodel


def test_the_version_is_that_of_the_package():
    project = tomllib.loads((Path(__file__).parents[1] / "pyproject.toml").read_text())["project"]
    assert lenetml.__version__ == project["version"]


@pytest.mark.parametrize(
    "code",
    [
        "import lenetml",
        "import lenetml; lenetml.load_spec; lenetml.Spec",
        "import lenetml.cli",
        "import lenetml.record, lenetml.errors",
        "import lenetml.running, lenetml.output, lenetml.telling, lenetml.signals",
        "import lenetml.display, lenetml.progress, lenetml.terminal",
    ],
)
def test_nothing_heavy_is_loaded(code):
    assert loaded_after(code) & set(HEAVY) == set()


@pytest.mark.parametrize(
    "module", ["search.jobs", "search.local", "search.workers", "search.cluster", "trial.parts"]
)
def test_what_a_new_worker_reads_loads_no_tensorflow(module):
    """A spawned process reads these before it sets TensorFlow up."""
    loaded = loaded_after(f"import lenetml.{module}")
    assert loaded & {"tensorflow", "keras", "keras_tuner", "ray", "sklearn"} == set()


def test_importing_loads_no_library_at_all():
    libraries = {*HEAVY, *LATER, "pydantic", "yaml"}
    assert loaded_after("import lenetml") & libraries == set()
