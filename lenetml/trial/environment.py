"""Where and with what a trial runs: versions, processor, memory, GPUs, and the CPU time spent.

Nothing is imported or asked of a library, and nothing that names the machine, its user or its
folders is read. What the process may use counts, not what the machine has: containers and
clusters hand out less. `root` is the root of the file system; tests give another one.
"""

from __future__ import annotations

import os
import platform
import re
import shlex
import subprocess
from collections.abc import Iterator, Sequence
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

from lenetml import __version__
from lenetml.record import EnvironmentRecord

ROOT = Path("/")
LIBRARIES = (
    "tensorflow",
    "keras",
    "keras-tuner",
    "numpy",
    "scipy",
    "scikit-learn",
    "pydantic",
    "PyYAML",
    "wandb",
    "codecarbon",
    "pebble",
    "Jinja2",
    "Babel",
    "matplotlib",
)
ISA = (
    "sse4_2",
    "avx",
    "avx2",
    "fma",
    "avx_vnni",
    "avx512f",
    "avx512_vnni",
    "avx512_bf16",
    "amx_tile",
    "amx_int8",
    "amx_bf16",
    "asimd",
    "sve",
    "bf16",
    "i8mm",
)
"""Extensions that change which kernels TensorFlow and oneDNN run, and so the last bits."""

ONEDNN_FLAGS = {"avx512_vnni", "avx512_bf16", "avx_vnni", "amx_tile", "amx_int8", "amx_bf16"}
NEOVERSE_V1 = "0xd40"
GIT_SECONDS = 5


def environment(threads_per_trial: int = 1, root: Path = ROOT) -> EnvironmentRecord:
    """Describe this process's environment.

    Args:
        threads_per_trial: Threads that TensorFlow gets for one trial.
        root: Root of the file system.
    """
    cpu, flags, part = _processor(root)
    return EnvironmentRecord(
        versions=_versions(),
        platform=platform.platform(),
        cpu=cpu,
        isa=" ".join(flag for flag in ISA if flag in flags) or platform.machine(),
        cores=usable_cores(root),
        memory_bytes=usable_memory_bytes(root),
        gpus=gpus(root),
        onednn=_uses_onednn(flags, part),
        threads_per_trial=threads_per_trial,
    )


def tell_command(arguments: Sequence[str]) -> str:
    """Put a command line into words that name no folder of this machine and are UTF-8.

    Args:
        arguments: Those of `lenetml`. Of an absolute path, its last part stays, and of the home
            folder `~`.
    """
    home = re.escape(os.path.expanduser("~").rstrip("/") or "~")
    shortened = []
    for argument in arguments:
        option, equals, value = argument.rpartition("=")
        value = value if value == "/" or not value.startswith("/") else Path(value).name
        shortened.append(re.sub(rf"{home}(?=/|$)", "~", f"{option}{equals}{value}"))
    line = shlex.join(["lenetml", *shortened])
    return line.encode("utf-8", "backslashreplace").decode()


def commit_of(path: Path) -> str | None:
    """The Git commit whose version of a file this is; None where there is none, or no Git."""
    asked = (["status", "--porcelain"], ["log", "-1", "--format=%H"])
    try:
        changes, commit = (
            subprocess.run(
                ["git", "-C", str(path.parent), *words, "--", path.name],
                capture_output=True, text=True, check=True, timeout=GIT_SECONDS,
            ).stdout.strip()
            for words in asked
        )  # fmt: skip
    except (OSError, subprocess.SubprocessError, UnicodeDecodeError):
        return None
    # A file that Git does not know counts as changed.
    return None if changes else commit or None


def own_core_seconds() -> float:
    """CPU time of this process, in seconds; that of workers is counted by themselves."""
    times = os.times()
    return times.user + times.system


def usable_cores(root: Path = ROOT) -> int:
    """Count the CPUs that this process may use: by affinity, and whole ones by cgroup quota."""
    if hasattr(os, "sched_getaffinity"):
        allowed = len(os.sched_getaffinity(0))
    else:
        allowed = os.cpu_count() or 1
    quotas = [quota for folder in _control_groups("cpu", root) for quota in _cpu_quota(folder)]
    return max(1, int(min([allowed, *quotas])))


def usable_memory_bytes(root: Path = ROOT) -> int:
    """Count the bytes of memory that this process may use: the machine's, or a cgroup's limit."""
    limits = [os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE")]
    for folder in _control_groups("memory", root):
        for name in ("memory.max", "memory.limit_in_bytes"):
            text = _read(folder / name)
            if text.isdigit():
                limits.append(int(text))
    return min(limits)


def _versions() -> dict[str, str]:
    versions = {"python": platform.python_version(), "lenetml": __version__}
    for name in LIBRARIES:
        try:
            versions[name] = version(name)
        except PackageNotFoundError:
            continue
    return versions


def _processor(root: Path) -> tuple[str, set[str], str]:
    """Model name, flags, and part number (ARM only) of the first processor."""
    if platform.system() == "Darwin":
        features = f"{_sysctl('machdep.cpu.features')} {_sysctl('machdep.cpu.leaf7_features')}"
        flags = features.lower().replace("sse4.2", "sse4_2").replace("avx1.0", "avx").split()
        return _sysctl("machdep.cpu.brand_string") or platform.machine(), set(flags), ""
    fields: dict[str, str] = {}
    for line in _read(root / "proc/cpuinfo").splitlines():
        name, _, value = line.partition(":")
        fields.setdefault(name.strip(), value.strip())
    flags = (fields.get("flags") or fields.get("Features", "")).split()
    part = fields.get("CPU part", "")
    unnamed = f"{platform.machine()} part {part}" if part else platform.machine()
    return fields.get("model name", unnamed), set(flags), part


def _uses_onednn(flags: set[str], part: str) -> bool:
    # TensorFlow 2.21 decides by the same rule (core/util/util.cc), but shows its decision only
    # through a private module.
    chosen = os.environ.get("TF_ENABLE_ONEDNN_OPTS", "").lower()
    if chosen in {"0", "false", "1", "true"}:
        return chosen in {"1", "true"} and platform.system() == "Linux"
    return platform.system() == "Linux" and (bool(flags & ONEDNN_FLAGS) or part == NEOVERSE_V1)


def gpus(root: Path = ROOT) -> list[str]:
    """Models of the NVIDIA GPUs that the driver shows."""
    models = []
    for path in sorted((root / "proc/driver/nvidia/gpus").glob("*/information")):
        for line in _read(path).splitlines():
            name, _, value = line.partition(":")
            if name.strip() == "Model":
                models.append(value.strip())
    return models


def _control_groups(controller: str, root: Path) -> Iterator[Path]:
    """The folders of this process's control groups, version 1 or 2, and of all above them."""
    mount = root / "sys/fs/cgroup"
    for line in _read(root / "proc/self/cgroup").splitlines():
        _, controllers, path = line.split(":", 2)
        if controllers and controller not in controllers.split(","):
            continue
        top = mount / controllers
        folder = top / path.lstrip("/")
        yield folder
        yield from (parent for parent in folder.parents if parent.is_relative_to(top))


def _cpu_quota(folder: Path) -> Iterator[float]:
    """CPUs that a control group may use, as a fraction; nothing where it has no limit."""
    quota, _, period = _read(folder / "cpu.max").partition(" ")
    if not period:
        quota, period = _read(folder / "cpu.cfs_quota_us"), _read(folder / "cpu.cfs_period_us")
    if quota.isdigit() and period.isdigit():
        yield int(quota) / int(period)


def _read(path: Path) -> str:
    try:
        return path.read_text(encoding="utf-8", errors="replace").strip()
    except OSError:
        return ""


def _sysctl(name: str) -> str:
    try:
        answer = subprocess.run(["sysctl", "-n", name], capture_output=True, text=True, check=False)
    except OSError:
        return ""
    return answer.stdout.strip()
