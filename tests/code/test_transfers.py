"""Directions of copies, ways around a launch, and reads of device memory, in host code."""

from __future__ import annotations

import pytest

from rocverify.code.device_reads import DeviceReadFinder
from rocverify.code.directions import Direction
from rocverify.code.fallbacks import FallbackFinder, FallbackKind
from rocverify.code.index import CodeIndex
from rocverify.code.launches import LaunchFinder
from rocverify.code.transfers import TransferFinder
from rocverify.settings import Transfers
from tests.code.conftest import MakeIndex

HEAD = "import numpy as np\nfrom rocm.bindings import hip\nKIND = hip.hipMemcpyKind\n"
TO_HOST, TO_DEVICE = Direction.TO_HOST, Direction.TO_DEVICE


def directions(index: CodeIndex, *forbid: str) -> list[Direction]:
    finder = TransferFinder(index, Transfers(), forbid)
    return [t.direction for t in finder.transfers(index.function("kernels.a", "f"))]


@pytest.mark.parametrize(
    ("body", "expected"),
    [
        ("hip.hipMemcpy(a, b, n, hip.hipMemcpyKind.hipMemcpyDeviceToHost)", [TO_HOST]),
        ("hip.hipMemcpy(a, b, n, hip.hipMemcpyKind.hipMemcpyHostToDevice)", [TO_DEVICE]),
        ("hip.hipMemcpy(a, b, n, hip.hipMemcpyKind.hipMemcpyDeviceToDevice)", [Direction.ON_DEVICE]),
        ("hip.hipMemcpy(a, b, n, hip.hipMemcpyKind.hipMemcpyDefault)", [Direction.OPEN]),
        ("hip.hipMemcpy(a, b, n, KIND.hipMemcpyDeviceToHost)", [TO_HOST]),
        ("k = KIND.hipMemcpyDeviceToHost\n    hip.hipMemcpy(a, b, n, k)", [TO_HOST]),
        ("hip.hipMemcpy(a, b, n, 2)", [TO_HOST]),
        ("hip.hipMemcpy(a, b, n, 1)", [TO_DEVICE]),
        ("hip.hipMemcpy(a, b, n, KIND(2))", [TO_HOST]),
        ("hip.hipMemcpy(a, b, n, kind=KIND.hipMemcpyDeviceToHost)", [TO_HOST]),
        ("hip.hipMemcpyAsync(a, b, n, KIND.hipMemcpyDeviceToHost, s)", [TO_HOST]),
        ("hip.hipMemcpyAsync(a, b, n, 2, s)", [TO_HOST]),
        ("hip.hipMemcpy(a, b, n, unknown())", [Direction.OPEN]),
        ("hip.hipMemcpyDtoH(a, b, n)", [TO_HOST]),
        ("hip.hipMemcpyDtoHAsync(a, b, n, s)", [TO_HOST]),
        ("hip.hipMemcpyHtoD(a, b, n)", [TO_DEVICE]),
        ("hip.hipMemcpyFromSymbol(a, b, n)", [TO_HOST]),
        ("hip.hipMemcpyParam2D(p)", [Direction.OPEN]),
        ("hip.hipDrvMemcpy3D(p)", [Direction.OPEN]),
        ("a.to_host_vec()", [TO_HOST]),
        ("a.copy_to_host(b)", [TO_HOST]),
        ("a.copy_from_host(b)", [TO_DEVICE]),
        ("copy(a, b, KIND.hipMemcpyDeviceToHost)", [TO_HOST]),
        ("copy(a, b, kind=KIND.hipMemcpyHostToDevice)", [TO_DEVICE]),
        ("twice(a, b, KIND.hipMemcpyDeviceToHost)", [TO_HOST]),
        ("getattr(hip, 'hipMemcpyDtoH')(a, b, n)", [TO_HOST]),
        ("if False:\n        hip.hipMemcpyDtoH(a, b, n)", []),
        ("'hip.hipMemcpyDtoH(a, b, n)'  # hip.hipMemcpyDtoH(a, b, n)", []),
        ("hip.hipMemset(a, 0, n)", []),
    ],
)
def test_the_direction_of_a_copy(project: MakeIndex, body: str, expected: list[Direction]) -> None:
    helpers = (
        "def copy(a, b, kind):\n    hip.hipMemcpy(a, b, 4, kind)\ndef twice(x, y, z):\n    copy(x, y, z)\n"
    )
    index = project({"kernels/a.py": f"{HEAD}{helpers}def f(a, b, n, s, p):\n    {body}\n"})
    assert directions(index) == expected


def test_a_shared_helper_that_one_caller_downloads_with_downloads(project: MakeIndex) -> None:
    text = (
        f"{HEAD}def copy(a, b, kind):\n    hip.hipMemcpy(a, b, 4, kind)\n"
        "def up(a, b):\n    copy(a, b, KIND.hipMemcpyHostToDevice)\n"
        "def f(a, b):\n    up(a, b)\n    copy(b, a, KIND.hipMemcpyDeviceToHost)\n"
    )
    assert directions(project({"kernels/a.py": text})) == [TO_HOST]


def test_one_call_deeper_the_path_is_told(project: MakeIndex) -> None:
    index = project(
        {
            "kernels/a.py": f"{HEAD}from kernels.b import helper\ndef f(a):\n    helper(a)\n",
            "kernels/b.py": f"{HEAD}def helper(a):\n    peek(a)\ndef peek(a):\n"
            f"    hip.hipMemcpyDtoH(1, a, 2)\n",
        }
    )
    (transfer,) = TransferFinder(index, Transfers()).transfers(index.function("kernels.a", "f"))
    assert [site.short for site in transfer.path] == ["helper", "peek", "hipMemcpyDtoH"]
    assert transfer.site.location == "kernels/b.py:7"


def test_a_method_on_an_unknown_object_is_followed(project: MakeIndex) -> None:
    text = f"{HEAD}class Buffer:\n    def peek(self):\n        hip.hipMemcpyDtoH(1, 2, 3)\n"
    text += "def f(b):\n    b.peek()\n"
    assert directions(project({"kernels/a.py": text})) == [TO_HOST]


def test_the_plan_can_forbid_more_names(project: MakeIndex) -> None:
    index = project({"kernels/a.py": "def f(a):\n    a.download()\n"})
    assert directions(index) == []
    assert directions(index, "download") == [TO_HOST]


LAUNCH = (
    f"{HEAD}import contextlib\ndef launch(x):\n    hip.hipModuleLaunchKernel(x)\n"
    "def cpu(x):\n    return np.cos(x)\n"
    "@contextlib.contextmanager\ndef quiet():\n    try:\n        yield\n    except Exception:\n        pass\n"
)


def fallbacks(index: CodeIndex) -> list[FallbackKind]:
    launches = LaunchFinder(index, Transfers().launches)
    finder = FallbackFinder(index.graph, launches)
    return [f.kind for f in finder.fallbacks(index.function("kernels.a", "f"))]


HANDLER, BRANCH = FallbackKind.HANDLER, FallbackKind.BRANCH


@pytest.mark.parametrize(
    ("body", "expected"),
    [
        ("launch(x)", []),
        ("try:\n        launch(x)\n    except Exception:\n        return cpu(x)", [HANDLER]),
        ("try:\n        launch(x)\n    except Exception:\n        pass", [HANDLER]),
        ("try:\n        launch(x)\n    except ValueError as e:\n        raise RuntimeError from e", []),
        ("try:\n        launch(x)\n    except ValueError:\n        print(x)\n        raise", []),
        (
            "try:\n        launch(x)\n    except ValueError:\n        if x:\n            return\n"
            "        raise",
            [HANDLER],
        ),
        ("try:\n        launch(x)\n    except ValueError:\n        launch(x)", []),
        ("try:\n        launch(x)\n    finally:\n        return 0", [HANDLER]),
        ("try:\n        launch(x)\n    finally:\n        print(x)", []),
        ("try:\n        y = x.shape\n    except AttributeError:\n        y = 1\n    launch(y)", []),
        ("with contextlib.suppress(Exception):\n        launch(x)", [HANDLER]),
        ("with quiet():\n        launch(x)", [HANDLER]),
        ("if x:\n        return cpu(x)\n    launch(x)", [BRANCH]),
        ("if x:\n        launch(x)\n    else:\n        cpu(x)", [BRANCH]),
        ("if x:\n        launch(x)\n        return\n    return", []),
        ("if x:\n        cos = cpu(x)\n    launch(x)", []),
        ("if x:\n        raise ValueError(np.cos(x))\n    launch(x)", []),
        ("if x:\n        return\n    launch(x)", []),
        ("return launch(x) if x else cpu(x)", [BRANCH]),
        ("launch(x) or cpu(x)", [BRANCH]),
        ("if x:\n        for i in x:\n            x[i] = x[i] * 2\n        return\n    launch(x)", [BRANCH]),
        (
            "match x:\n        case 1:\n            launch(x)\n        case _:\n            return cpu(x)",
            [BRANCH],
        ),
        ("launch(x)\n    if x:\n        return cpu(x)", [BRANCH]),
        ("if x:\n        launch(1)\n    else:\n        launch(2)", []),
        ("return cpu(x)", []),
    ],
)
def test_ways_around_a_launch(project: MakeIndex, body: str, expected: list[FallbackKind]) -> None:
    index = project({"kernels/a.py": f"{LAUNCH}def f(x):\n    {body}\n"})
    assert fallbacks(index) == expected


def test_a_way_around_is_found_in_a_helper_with_its_path(project: MakeIndex) -> None:
    text = f"{LAUNCH}def g(x):\n    try:\n        launch(x)\n    except Exception:\n        cpu(x)\n"
    text += "def f(x):\n    g(x)\n"
    index = project({"kernels/a.py": text})
    finder = FallbackFinder(index.graph, LaunchFinder(index, Transfers().launches))
    (found,) = finder.fallbacks(index.function("kernels.a", "f"))
    assert found.function.qualname == "g"
    assert [site.short for site in found.path] == ["g"]
    assert "cos" in found.detail


@pytest.mark.parametrize(
    ("body", "expected"),
    [
        ("np.asarray(x)", ["x"]),
        ("y = np.array(x)", ["x"]),
        ("np.cos(x)", ["x"]),
        ("x.cpu()", ["x"]),
        ("ctypes.string_at(x.ptr, 4)", ["x"]),
        ("(ctypes.c_char * 4).from_address(int(x))", ["x"]),
        ("y = x\n    np.asarray(y)", ["y"]),
        ("p = checked(hip.hipMalloc(4))\n    np.frombuffer(p)", ["p"]),
        ("err, p = hip.hipMalloc(4)\n    bytes(p)", ["p"]),
        ("helper(x)", ["value"]),
        ("helper(n)", []),
        ("np.asarray(n)", []),
        ("np.prod(x.shape)", []),
        ("np.dtype(x)", []),
        ("np.ascontiguousarray(n)", []),
        ("y = wrap(x)\n    np.asarray(y)", ["y"]),
        ("with buffer() as p:\n        np.asarray(p)", ["p"]),
    ],
)
def test_reads_of_device_memory(project: MakeIndex, body: str, expected: list[str]) -> None:
    helpers = (
        "import ctypes\nimport contextlib\ndef checked(v):\n    return v\ndef helper(value):\n"
        "    np.asarray(value)\n"
        "def wrap(v):\n    return v\n@contextlib.contextmanager\ndef buffer():\n"
        "    p = hip.hipMalloc(4)\n    yield p\n"
    )
    index = project({"kernels/a.py": f"{HEAD}{helpers}def f(x, n):\n    {body}\n"})
    reads = DeviceReadFinder(index.graph).reads(index.function("kernels.a", "f"), frozenset({"x"}))
    assert [read.name for read in reads] == expected


@pytest.mark.parametrize(
    ("body", "symbol", "named"),
    [
        ("launch('rope_kernel')", "rope_kernel", True),
        ("launch(b'rope_kernel')", "rope_kernel", True),
        ("launch(f'rope_kernel{s}')", "rope_kernel_f16", True),
        ("launch('rope_' + 'kernel')", "rope_kernel", True),
        ("launch(SYMBOLS[s])", "rope_kernel_f16", True),
        ("launch(FAMILY + SUFFIX[s])", "rope_kernel_bf16", True),
        ("launch(FAMILY + SUFFIX[s])", "rope_kernel_f64", False),
        ("launch(s)", "rope_kernel", False),
        ("launch('rope_kernel_f16')", "rope_kernel", False),
        ("launch(f'{s}{s}')", "rope_kernel", False),
        ("launch(s)\n    print('the rope_kernel failed')", "rope_kernel", False),
        ("'rope_kernel'", "rope_kernel", False),
        ("launch(s)\n    # rope_kernel\n    'rope_kernel'", "rope_kernel", False),
    ],
)
def test_symbols_that_live_code_can_name(project: MakeIndex, body: str, symbol: str, named: bool) -> None:
    tables = "SYMBOLS = {1: 'rope_kernel', 2: 'rope_kernel_f16'}\nFAMILY = 'rope_kernel'\n"
    tables += "SUFFIX = {1: '', 2: '_bf16'}\n"
    index = project({"kernels/a.py": f"{LAUNCH}{tables}def f(s):\n    {body}\n"})
    use = LaunchFinder(index, Transfers().launches).use_of([index.function("kernels.a", "f")], symbol)
    assert (use is not None) is named


def test_a_function_of_the_project_that_only_is_called_like_a_launch_is_none(project: MakeIndex) -> None:
    index = project(
        {"kernels/a.py": "def hipModuleLaunchKernel():\n    pass\ndef f():\n    hipModuleLaunchKernel()\n"}
    )
    assert LaunchFinder(index, Transfers().launches).path(index.function("kernels.a", "f")) is None
