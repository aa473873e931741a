"""`rocverify init`: the settings that it begins for projects that are laid out in many ways."""

from __future__ import annotations

import tomllib
from pathlib import Path
from typing import Any

import pytest

from rocverify.scaffold.layout import look
from rocverify.scaffold.project import Project
from rocverify.scaffold.steps import Writer
from tests.scaffold.test_init import add, write

LAYOUTS: list[tuple[dict[str, str], dict[str, Any]]] = [
    ({"kernels/add.hip": add(), "kernels/host.py": ""}, {}),
    (
        {"src/engine/__init__.py": "", "src/engine/host.py": "", "src/engine/kernels/add.hip": add()},
        {
            "kernel_globs": ["src/engine/kernels/**/*.hip"],
            "host_globs": ["src/engine/**/*.py"],
            "contract_globs": ["contracts/*.py"],
        },
    ),
    (
        {"pyproject.toml": '[tool.setuptools.packages.find]\nwhere = ["lib/python"]\n', "gpu/add.hip": add()}
        | {"lib/python/engine/__init__.py": "", "lib/python/engine/host.py": ""},
        {
            "kernel_globs": ["gpu/**/*.hip"],
            "host_globs": ["gpu/**/*.py", "lib/python/engine/**/*.py"],
            "contract_globs": ["gpu/contracts/*.py"],
        },
    ),
    (
        {
            "build.rs": 'const K: &str = "gpu/add.hip"; // --offload-arch=gfx1151\n',
            "src/lib.rs": "",
            "gpu/add.hip": add(),
        },
        {
            "kernel_globs": ["gpu/**/*.hip"],
            "host_globs": ["gpu/**/*.py"],
            "contract_globs": ["gpu/contracts/*.py"],
            "targets": ["gfx1151"],
        },
    ),
    (
        {"CMakeLists.txt": "hip_add_library(k src/[a]/add.cpp)\n", "src/[a]/add.cpp": add()},
        {
            "kernel_globs": ["src/[[]a]/add.cpp"],
            "host_globs": ["src/[[]a]/**/*.py"],
            "contract_globs": ["contracts/*.py"],
        },
    ),
    (
        {"gpu/kernels.toml": '[[kernel]]\nsource = "gpu/add.hip"\nenv = "ADD"\nsymbols = ["add_one"]\n'}
        | {"gpu/add.hip": add(), "main.py": "", "tests/test_add.py": "", "setup.py": ""}
        | {"venv/pyvenv.cfg": "", "venv/lib/other.py": ""},
        {
            "manifest": "gpu/kernels.toml",
            "kernel_globs": ["gpu/**/*.hip"],
            "host_globs": ["*.py", "gpu/**/*.py"],
            "contract_globs": ["gpu/contracts/*.py"],
        },
    ),
    ({"add.hip": add()}, {"kernel_globs": ["*.hip"], "contract_globs": ["contracts/*.py"]}),
]


@pytest.mark.parametrize(("files", "values"), LAYOUTS)
def test_layouts(project: Path, files: dict[str, str], values: dict[str, Any]) -> None:
    write(project, files)
    layout = look(project)
    assert {name: layout.values.get(name) for name in values} == values
    assert set(layout.values) <= {"host_globs", *values}
    assert [path for pattern in layout.settings.kernel_globs for path in project.glob(pattern)] == [
        project / kernel for kernel in layout.kernels
    ]


def test_what_the_new_settings_remark(project: Path) -> None:
    write(
        project,
        {"src/engine/__init__.py": "", "gpu/add.hip": add(), "Makefile": "hipcc --offload-arch=gfx908\n"},
    )
    step = next(Project(project, Writer(project, dry=True)).steps())
    assert "`src/` is on the import path" in step.text
    assert "The build names gfx908, which the emulator does not run" in step.text
    assert tomllib.loads(step.text)["host_globs"] == ["gpu/**/*.py"]
