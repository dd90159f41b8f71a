"""The environment: made-up file systems for containers and other processors, and this machine."""

from __future__ import annotations

import getpass
import os
import platform
import socket
import subprocess
import sys
from importlib.metadata import version
from pathlib import Path

import pytest

import lenetml
from lenetml.trial.environment import (
    commit_of,
    environment,
    gpus,
    own_core_seconds,
    tell_command,
    usable_cores,
    usable_memory_bytes,
)

linux_only = pytest.mark.skipif(platform.system() != "Linux", reason="reads /proc")


def write(root: Path, files: dict[str, str]) -> Path:
    for name, text in files.items():
        path = root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
    return root


def test_versions_are_those_of_the_installed_packages():
    versions = environment().versions
    assert versions["python"] == platform.python_version()
    assert versions["lenetml"] == lenetml.__version__
    for name in ("tensorflow", "keras", "keras-tuner", "numpy", "scikit-learn", "wandb"):
        assert versions[name] == version(name)


def test_no_name_of_host_or_user_and_no_path():
    record = environment()
    for secret in {socket.gethostname(), getpass.getuser(), str(Path.home())} - {""}:
        words = record.model_dump_json().replace('"', " ").split()
        assert secret not in words
    assert os.sep not in "".join([record.cpu, record.isa, record.platform, *record.gpus])


def test_describing_imports_no_library():
    code = (
        "import sys\n"
        "from lenetml.trial.environment import environment\n"
        "environment()\n"
        "print(sorted({'tensorflow', 'keras', 'numpy', 'wandb', 'codecarbon'} & set(sys.modules)))"
    )
    answer = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True
    )
    assert answer.stdout == "[]\n"


def test_cores_are_at_most_those_of_the_affinity():
    assert 1 <= usable_cores() <= (os.cpu_count() or 1)


@linux_only
@pytest.mark.parametrize(
    ("files", "cores"),
    [
        ({}, 4),
        ({"proc/self/cgroup": "0::/\n", "sys/fs/cgroup/cpu.max": "max 100000\n"}, 4),
        ({"proc/self/cgroup": "0::/\n", "sys/fs/cgroup/cpu.max": "250000 100000\n"}, 2),
        ({"proc/self/cgroup": "0::/\n", "sys/fs/cgroup/cpu.max": "50000 100000\n"}, 1),
        (
            {
                "proc/self/cgroup": "0::/jobs/one\n",
                "sys/fs/cgroup/jobs/cpu.max": "200000 100000\n",
                "sys/fs/cgroup/jobs/one/cpu.max": "max 100000\n",
            },
            2,
        ),
        (
            {
                "proc/self/cgroup": "4:memory:/x\n3:cpu,cpuacct:/docker/abc\n0::/\n",
                "sys/fs/cgroup/cpu,cpuacct/cpu.cfs_quota_us": "300000\n",
                "sys/fs/cgroup/cpu,cpuacct/cpu.cfs_period_us": "100000\n",
            },
            3,
        ),
        (
            {
                "proc/self/cgroup": "3:cpu:/\n",
                "sys/fs/cgroup/cpu/cpu.cfs_quota_us": "-1\n",
                "sys/fs/cgroup/cpu/cpu.cfs_period_us": "100000\n",
            },
            4,
        ),
    ],
)
def test_cores_obey_affinity_and_quota(tmp_path, monkeypatch, files, cores):
    monkeypatch.setattr(os, "sched_getaffinity", lambda _: {0, 1, 2, 3})
    assert usable_cores(write(tmp_path, files)) == cores


def test_memory_is_the_smallest_limit(tmp_path):
    whole = usable_memory_bytes(tmp_path)
    root = write(
        tmp_path,
        {
            "proc/self/cgroup": "0::/jobs/one\n",
            "sys/fs/cgroup/jobs/memory.max": "1048576\n",
            "sys/fs/cgroup/jobs/one/memory.max": "max\n",
        },
    )
    assert usable_memory_bytes(root) == 1048576
    # Version 1 writes "no limit" as a number beyond any memory.
    (root / "sys/fs/cgroup/jobs/memory.max").write_text("9223372036854771712\n")
    assert usable_memory_bytes(root) == whole


@linux_only
def test_an_intel_server_with_a_gpu(tmp_path, monkeypatch):
    monkeypatch.delenv("TF_ENABLE_ONEDNN_OPTS", raising=False)
    root = write(
        tmp_path,
        {
            "proc/cpuinfo": "processor\t: 0\nmodel name\t: Made-up Xeon\n"
            "flags\t\t: fpu sse4_2 fma avx avx2 avx512f avx512_vnni\n\n"
            "processor\t: 1\nmodel name\t: Another\n",
            "proc/driver/nvidia/gpus/0000:01:00.0/information": "Model: \t\t NVIDIA H200\n"
            "GPU UUID: \t GPU-0\n",
        },
    )
    record = environment(threads_per_trial=2, root=root)
    assert record.cpu == "Made-up Xeon"
    assert record.isa == "sse4_2 avx avx2 fma avx512f avx512_vnni"
    assert record.gpus == ["NVIDIA H200"]
    assert record.onednn
    assert record.threads_per_trial == 2


@linux_only
def test_onednn_can_be_switched_and_needs_the_right_processor(tmp_path, monkeypatch):
    root = write(tmp_path, {"proc/cpuinfo": "model name : Old\nflags : avx avx2 fma\n"})
    monkeypatch.delenv("TF_ENABLE_ONEDNN_OPTS", raising=False)
    assert not environment(root=root).onednn
    monkeypatch.setenv("TF_ENABLE_ONEDNN_OPTS", "1")
    assert environment(root=root).onednn
    monkeypatch.setenv("TF_ENABLE_ONEDNN_OPTS", "0")
    assert not environment().onednn


@linux_only
def test_an_arm_server_without_a_model_name(tmp_path):
    root = write(
        tmp_path, {"proc/cpuinfo": "CPU part : 0xd40\nFeatures : fp asimd sve bf16 i8mm\n"}
    )
    record = environment(root=root)
    assert record.cpu == f"{platform.machine()} part 0xd40"
    assert record.isa == "asimd sve bf16 i8mm"
    assert record.onednn


def test_a_command_names_no_folder_of_the_machine(monkeypatch):
    monkeypatch.setenv("HOME", "/home/somebody")
    arguments = [
        "run", "/srv/specs/net.yaml", "specs/other.yaml", "--out=/home/somebody/runs", "--set",
        "data.path=/srv/digits.npz", "--set", "data={path: /home/somebody/x.npz}", "--set",
        "title=/home/somebodyelse", "/", "a b",
    ]  # fmt: skip
    assert tell_command(arguments) == (
        "lenetml run net.yaml specs/other.yaml --out=runs --set data.path=digits.npz "
        "--set 'data={path: ~/x.npz}' --set title=somebodyelse / 'a b'"
    )
    monkeypatch.setenv("HOME", "/")
    assert tell_command(["run", "a/b.yaml", "--out", "c/"]) == "lenetml run a/b.yaml --out c/"


def test_a_command_that_is_no_utf_8_is_escaped():
    assert tell_command(["run", "ü\udcff.yaml"]) == "lenetml run 'ü\\udcff.yaml'"


def test_core_seconds_count_work():
    before = own_core_seconds()
    while own_core_seconds() == before:
        sum(range(100_000))
    assert own_core_seconds() > before


def test_core_seconds_of_other_processes_do_not_count():
    before = own_core_seconds()
    work = "import time\nwhile time.process_time() < 1: pass"
    subprocess.run([sys.executable, "-c", work], check=True)
    assert own_core_seconds() - before < 0.9


def test_gpus_are_those_that_the_driver_shows(tmp_path):
    assert gpus(tmp_path) == []
    for number in (1, 0):
        name = f"proc/driver/nvidia/gpus/0000:0{number}:00.0/information"
        write(tmp_path, {name: f"Model: \t\t GPU {number}\nBus Type: \t PCIe\n"})
    assert gpus(tmp_path) == ["GPU 0", "GPU 1"]


@pytest.mark.slow
@pytest.mark.parametrize("chosen", ["", "0", "1"])
def test_onednn_is_what_tensorflow_decides(chosen):
    code = (
        "from tensorflow.python.util import _pywrap_util_port\n"
        "from lenetml.trial.environment import environment\n"
        "print(_pywrap_util_port.IsMklEnabled() == environment().onednn)"
    )
    variables = {**os.environ, "TF_ENABLE_ONEDNN_OPTS": chosen}
    if not chosen:
        del variables["TF_ENABLE_ONEDNN_OPTS"]
    answer = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True, env=variables
    )
    assert answer.stdout == "True\n"


class TestCommit:
    """The commit that a spec is as in."""

    def git(self, folder, *words):
        name = ["-c", "user.name=n", "-c", "user.email=e@example.org"]
        done = subprocess.run(["git", *name, *words], cwd=folder, check=True, capture_output=True)
        return done.stdout.decode().strip()

    @pytest.fixture
    def spec(self, tmp_path):
        path = tmp_path / "net.yaml"
        path.write_text("name: net")
        self.git(tmp_path, "init", "-q")
        self.git(tmp_path, "add", "net.yaml")
        self.git(tmp_path, "commit", "-qm", "One spec")
        return path

    def test_a_spec_as_it_was_committed(self, spec):
        (spec.parent / "other.yaml").touch()
        assert commit_of(spec) == self.git(spec.parent, "rev-parse", "HEAD")

    def test_a_spec_that_was_changed_since(self, spec):
        spec.write_text("name: other")
        assert commit_of(spec) is None

    def test_a_spec_that_is_in_no_commit(self, spec, tmp_path_factory):
        other = spec.parent / "other.yaml"
        other.touch()
        assert commit_of(other) is None
        assert commit_of(tmp_path_factory.mktemp("plain") / "net.yaml") is None

    def test_without_git(self, spec, monkeypatch):
        monkeypatch.setenv("PATH", "")
        assert commit_of(spec) is None
