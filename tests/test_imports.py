"""Imports only go down, rooms do not know each other, and a library has one door."""

from __future__ import annotations

import ast
import sys
from pathlib import Path

import pytest

PACKAGE = Path(__file__).parents[1] / "lenetml"
MODULES = {
    ".".join(path.relative_to(PACKAGE.parent).with_suffix("").parts).removesuffix(".__init__"): path
    for path in sorted(PACKAGE.rglob("*.py"))
}

# Each floor may import itself where it is a room, and the floors that it names.
GROUND = {"errors", "values"}
BELOW = {"spec", "record", "files", *GROUND}
FLOORS = {
    "errors": {"spec"},  # for type checkers alone: `SpecError` holds problems
    "values": set(),
    "spec": GROUND,
    "files": {"errors"},
    "record": {"files", *GROUND},
    "trial": BELOW,
    "search": {"trial", *BELOW},
    "report": BELOW,
    "mirror": BELOW,
    "folder": {"search", *BELOW},
    "spending": {"search", "trial", *BELOW},
    "facts": {"search", "trial", *BELOW},
    "costs": {"search", "spending", "trial", *BELOW},
    "following": {"search", *BELOW},
    "mirroring": {"folder", "lives", "mirror", "report", "search", *BELOW},
    "lives": {"folder", "search", *BELOW},
    "choosing": {"facts", "folder", "search", "trial", *BELOW},
    "evaluation": {"choosing", "facts", "lives", "folder", "search", "trial", *BELOW},
    "pictures": {"facts", "folder", "report", "search", "trial", *BELOW},
    "finished": {"evaluation", "facts", "folder", "pictures", "report", "search", "trial", *BELOW},
    "unsealing": {
        "choosing", "evaluation", "facts", "finished", "folder", "lives", "mirror", "mirroring",
        "pictures", "report", "search", "trial", *BELOW,
    },
    "experiment": {
        "choosing", "costs", "evaluation", "facts", "finished", "folder", "following",
        "lives", "mirror", "mirroring", "pictures",
        "report", "search", "spending", "trial", *BELOW,
    },
    "signals": set(),
    "telling": {"facts", "following", "mirror", "mirroring", *BELOW},
    "output": {"facts", "mirroring", "telling", *BELOW},
    "progress": {"search", *BELOW},
    "terminal": {"following", "progress", "search", "telling", *BELOW},
    "display": {"following", "search", "telling", "terminal", *BELOW},
    "running": {
        "display", "experiment", "facts", "folder", "lives", "mirroring", "output", "search",
        "signals", "trial", "unsealing", *BELOW,
    },
    "single": {"following", "mirror", "search", "telling", "trial", *BELOW},
    "trying": {"display", "mirror", "signals", "single", "trial", *BELOW},
    "comparing": {"report", "trial", *BELOW},
    "cli": {
        "comparing", "facts", "mirror", "output", "report", "running", "telling", "trying", *BELOW,
    },
    "__main__": {"cli"},
    "": {"search", "spec"},
}  # fmt: skip
TYPES_ALONE = {
    ("errors", "spec"), ("output", "facts"), ("telling", "facts"), ("telling", "following"),
    ("telling", "mirror"), ("telling", "mirroring"), ("output", "mirroring"),
    ("progress", "search"), ("terminal", "following"), ("display", "following"),
    ("terminal", "search"), ("display", "search"), ("running", "facts"), ("cli", "facts"),
}  # fmt: skip

TRAINING = {"trial.epoch", "trial.keras_layers", "trial.kept", "trial.model", "trial.sources"}
DOORS = {
    "PIL": {"trial.images"},
    "babel": {"report.language", "report.words"},
    "codecarbon": {"trial.energy"},
    "jinja2": {"report.rendering"},
    "keras": {"choosing", "evaluation", "search.hypermodel", "trial.threads", *TRAINING},
    "keras_tuner": {"search.hypermodel", "search.hyperparameters", "search.oracle"},
    "markupsafe": {"report.rendering"},
    "matplotlib": {
        "report.figures.architecture",
        "report.figures.augmented",
        "report.figures.classes",
        "report.figures.confusion",
        "report.figures.curves",
        "report.figures.drawing",
        "report.figures.misclassified",
        "report.figures.style",
        "report.figures.tradeoff",
    },
    "pebble": {"search.local"},
    "ray": {"search.joining"},
    "rich": {"terminal"},
    "scipy": {"trial.evaluate", "trial.means"},
    "sklearn": {"search.importance", "trial.sources"},
    "tensorflow": {
        "trial.augment",
        "trial.epoch",
        "trial.model",
        "trial.pipeline",
        "trial.threads",
        "trial.train",
    },
    "threadpoolctl": {"search.oracle"},
    "typer": {"cli.app", "cli.wandb", "cli.runs", "cli.specs"},
    "wandb": {"mirror.client"},
    "yaml": {"report.metadata", "spec.source", "mirror.sweep"},
}
# What rooms speak among themselves: arrays in the trial, frozen values everywhere.
EVERYWHERE = {"numpy", "pydantic", "pydantic_core", "annotated_types"}
LIGHT = {"pydantic", "pydantic_core", "annotated_types", "yaml"}


def floor_of(module):
    parts = module.split(".")
    return parts[1] if len(parts) > 1 else ""


def is_for_types(node):
    return isinstance(node, ast.If) and ast.unparse(node.test) == "TYPE_CHECKING"


def imports_of(path):
    """Give each imported name of a module, and whether only type checkers see it."""
    tree = ast.parse(path.read_text(encoding="utf-8"))
    hidden = {
        id(inner) for node in ast.walk(tree) if is_for_types(node) for inner in ast.walk(node)
    }
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            names = [alias.name for alias in node.names]
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{path}: a relative import"
            # `from lenetml import facts` imports a module, `from lenetml.facts import x` a name.
            names = [
                f"{node.module}.{alias.name}" if node.module == "lenetml" else str(node.module)
                for alias in node.names
            ]
        else:
            continue
        yield from ((name, id(node) in hidden) for name in names)


def own_imports(module):
    for name, for_types in imports_of(MODULES[module]):
        # The package itself holds nothing but its version before it is asked.
        if name.startswith("lenetml.") and name != "lenetml.__version__":
            yield floor_of(name if name in MODULES else name.rpartition(".")[0]), for_types


def libraries(module):
    names = {name.split(".")[0] for name, _ in imports_of(MODULES[module])}
    return names - set(sys.stdlib_module_names) - {"lenetml", "__future__"}


def test_every_module_stands_on_a_floor():
    assert {floor_of(module) for module in MODULES} == set(FLOORS)


@pytest.mark.parametrize("module", MODULES)
def test_imports_go_down(module):
    floor = floor_of(module)
    found = {below for below, _ in own_imports(module)}
    assert found - {floor} <= FLOORS[floor]


@pytest.mark.parametrize("module", MODULES)
def test_what_is_for_type_checkers_is_not_loaded(module):
    floor = floor_of(module)
    loaded = {(floor, below) for below, for_types in own_imports(module) if not for_types}
    assert loaded & TYPES_ALONE == set()


def test_rooms_do_not_know_each_other():
    """So says the table itself: search, report and mirror name none of the others."""
    for room in ("search", "report", "mirror"):
        assert FLOORS[room] & {"search", "report", "mirror", "experiment"} == set()


def test_every_library_has_its_door():
    found = {}
    for module in MODULES:
        for library in libraries(module) - EVERYWHERE:
            found.setdefault(library, set()).add(module.removeprefix("lenetml."))
    assert found == DOORS


@pytest.mark.parametrize("module", [module for module in MODULES if floor_of(module) == "spec"])
def test_a_spec_is_read_with_light_libraries(module):
    assert libraries(module) <= LIGHT


@pytest.mark.parametrize("floor", [
    "errors", "values", "record", "report", "mirror", "cli", "running", "output",
    "telling", "trying", "progress", "terminal", "display", "signals",
])  # fmt: skip
def test_what_must_run_without_tensorflow_does_not_import_it(floor):
    heavy = {"tensorflow", "keras", "keras_tuner", "numpy", "scipy", "sklearn"}
    heavy |= set() if floor == "mirror" else {"wandb"}
    for module in MODULES:
        if floor_of(module) == floor:
            assert libraries(module) & heavy == set(), module


def test_only_the_command_line_prints():
    printing = {
        module.removeprefix("lenetml.")
        for module, path in MODULES.items()
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8")))
        if isinstance(node, ast.Call) and ast.unparse(node.func) in ("print", "sys.stdout.write")
    }
    assert printing == {
        "cli.app", "cli.wandb", "cli.runs", "cli.specs", "display", "output",
    }  # fmt: skip
