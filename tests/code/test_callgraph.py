"""Who calls whom: every way in which Python code makes a call, and every way in which it does not."""

from __future__ import annotations

import sysconfig
from itertools import pairwise
from pathlib import Path

import pytest

from rocverify.code.call_sites import CAUTIOUS, CERTAIN, describe_path
from rocverify.code.callgraph import Chain
from rocverify.code.index import CodeIndex
from rocverify.code.places import Place
from rocverify.settings import Settings
from tests.code.conftest import MakeIndex

HELPERS = """\
def target(*args, **kwargs):
    return 0

class Box:
    def __init__(self):
        self.inner = Inner()

    def method(self):
        return target()

    @property
    def prop(self):
        return target()

    @staticmethod
    def static():
        return target()

    @classmethod
    def klass(cls):
        return cls.static()

    def __call__(self):
        return target()

    def __enter__(self):
        return target()

    def __exit__(self, *a):
        return None

    def __getitem__(self, i):
        return target()

class Inner:
    def deep(self):
        return target()

class Child(Box):
    def method(self):
        return super().method()

def made() -> Box:
    return Box()

def give():
    return target
"""

CALLS = {
    "plain": "from kernels.h import target\ndef f():\n    target()",
    "alias of import": "from kernels.h import target as t\ndef f():\n    t()",
    "module attribute": "import kernels.h\ndef f():\n    kernels.h.target()",
    "module alias": "import kernels.h as k\ndef f():\n    k.target()",
    "from package": "from kernels import h\ndef f():\n    h.target()",
    "relative": "from .h import target\ndef f():\n    target()",
    "relative module": "from . import h\ndef f():\n    h.target()",
    "star": "from kernels.h import *\ndef f():\n    target()",
    "re-export": "from kernels.re import target\ndef f():\n    target()",
    "local import": "def f():\n    from kernels.h import target\n    target()",
    "assignment": "from kernels.h import target\nalias = target\ndef f():\n    alias()",
    "local assignment": "from kernels.h import target\ndef f():\n    g = target\n    g()",
    "tuple assignment": "from kernels.h import target\ndef f():\n    a, g = 1, target\n    g()",
    "helper": "from kernels.h import target\ndef g():\n    target()\ndef f():\n    g()",
    "cycle": "from kernels.h import target\ndef f():\n    g()\ndef g():\n    f()\n    target()",
    "nested": "from kernels.h import target\ndef f():\n    def g():\n        target()\n    g()",
    "lambda": "from kernels.h import target\ndef f():\n    g = lambda: target()\n    g()",
    "partial": "from functools import partial\nfrom kernels.h import target\ndef f():\n"
    "    g = partial(target, 1)\n    g()",
    "partial of module": "import functools\nfrom kernels.h import target\n"
    "g = functools.partial(target)\ndef f():\n    g()",
    "passed": "from kernels.h import target\ndef f():\n    apply(target)",
    "passed by keyword": "from threading import Thread\nfrom kernels.h import target\ndef f():\n"
    "    Thread(target=target).start()",
    "passed partial": "from functools import partial\nfrom kernels.h import target\ndef f():\n"
    "    run(partial(target, 1))",
    "passed lambda": "from kernels.h import target\ndef f():\n    run(lambda: target())",
    "map": "from kernels.h import target\ndef f():\n    list(map(target, [1]))",
    "table": "from kernels.h import target\nT = {'a': target}\ndef f(k):\n    T[k]()",
    "table get": "from kernels.h import target\nT = {'a': target}\ndef f(k):\n    T.get(k)()",
    "loop over functions": "from kernels.h import target\ndef f():\n    for g in (target,):\n        g()",
    "returned function": "from kernels.h import give\ndef f():\n    give()()",
    "conditional expression": "from kernels.h import target\ndef f(c):\n    (target if c else print)()",
    "getattr": "import kernels.h as k\ndef f():\n    getattr(k, 'target')()",
    "import_module": "import importlib\ndef f():\n    importlib.import_module('kernels.h').target()",
    "default argument": "from kernels.h import target\ndef f(g=target):\n    g()",
    "decorated": "import functools\nfrom kernels.h import target\n@functools.cache\ndef g():\n"
    "    target()\ndef f():\n    g()",
    "project decorator": "from kernels.h import target\ndef deco(fn):\n    def w():\n"
    "        target()\n        return fn()\n"
    "    return w\n@deco\ndef g():\n    pass\ndef f():\n    g()",
    "walrus": "from kernels.h import target\ndef f():\n    if (g := target):\n        g()",
    "comprehension": "from kernels.h import target\ndef f(xs):\n    return [target(x) for x in xs]",
    "f-string": "from kernels.h import target\ndef f():\n    return f'{target()}'",
    "with": "from kernels.h import target\ndef f(m):\n    with m() as x:\n        target(x)",
    "try": "from kernels.h import target\ndef f():\n    try:\n        target()\n    finally:\n        pass",
    "async": "from kernels.h import target\nasync def f():\n    await target()",
    "match": "from kernels.h import target\ndef f(x):\n    match x:\n        case 1:\n            target()",
    "global": "from kernels.h import target\ng = None\ndef init():\n    global g\n    g = target\n"
    "def f():\n    g()",
    "nonlocal": "from kernels.h import target\ndef f():\n    g = None\n    def s():\n"
    "        nonlocal g\n        g = target\n    s()\n    g()",
    "instance": "from kernels.h import Box\ndef f():\n    Box().method()",
    "typed local": "from kernels.h import Box\ndef f():\n    b = Box()\n    b.method()",
    "annotated": "from kernels.h import Box\ndef f(b: Box):\n    b.method()",
    "string annotation": "from kernels.h import Box\ndef f(b: 'Box | None'):\n    b.method()",
    "list annotation": "from kernels.h import Box\ndef f(bs: list[Box]):\n    for b in bs:\n"
    "        b.method()",
    "return annotation": "from kernels.h import made\ndef f():\n    made().method()",
    "iteration in a comprehension": "from kernels.h import target\nclass Rows:\n    def __iter__(self):\n"
    "        target()\ndef f():\n    return [row for row in Rows()]",
    "lambda in a lambda": "from kernels.h import target\ndef f():\n    (lambda: (lambda: target())())()",
    "property": "from kernels.h import Box\ndef f(b: Box):\n    return b.prop",
    "static": "from kernels.h import Box\ndef f():\n    Box.static()",
    "class method": "from kernels.h import Box\ndef f():\n    Box.klass()",
    "callable instance": "from kernels.h import Box\ndef f():\n    Box()()",
    "context manager": "from kernels.h import Box\ndef f():\n    with Box():\n        pass",
    "subscript": "from kernels.h import Box\ndef f(b: Box):\n    return b[0]",
    "attribute of self": "from kernels.h import Box\ndef f():\n    Box().inner.deep()",
    "inherited": "from kernels.h import Child\ndef f():\n    Child().static()",
    "super": "from kernels.h import Child\ndef f():\n    Child().method()",
    "constructor": "from kernels.h import target\nclass C:\n    def __init__(self):\n"
    "        target()\ndef f():\n    C()",
    "method on self": "from kernels.h import target\nclass C:\n    def a(self):\n        self.b()\n"
    "    def b(self):\n"
    "        target()\ndef f():\n    C().a()",
    "module instance": "from kernels.h import Box\nb = Box()\ndef f():\n    b.method()",
    "contextlib": "import contextlib\nfrom kernels.h import target\n@contextlib.contextmanager\n"
    "def g():\n    target()\n"
    "    yield\ndef f():\n    with g():\n        pass",
    "type checking": "from typing import TYPE_CHECKING\nif TYPE_CHECKING:\n    from x import target\nelse:\n"
    "    from kernels.h import target\ndef f():\n    target()",
    "import in try": "try:\n    from kernels.h import target\nexcept ImportError:\n"
    "    target = None\ndef f():\n    target()",
}

NO_CALLS = {
    "comment": "from kernels.h import target\ndef f():\n    # target()\n    return 0",
    "docstring": "from kernels.h import target\ndef f():\n    '''target()'''\n    return 0",
    "string": "from kernels.h import target\ndef f():\n    return 'target()'",
    "mention": "from kernels.h import target\ndef f():\n    target\n    return 0",
    "constant returned first": "from kernels.h import target\ndef f():\n    return 0\n    target()",
    "if False": "from kernels.h import target\ndef f():\n    if False:\n        target()",
    "if 0": "from kernels.h import target\ndef f():\n    if 0:\n        target()",
    "switched off": "from kernels.h import target\nUSE = False\ndef f():\n    if USE:\n        target()",
    "after raise": "from kernels.h import target\ndef f():\n    raise ValueError\n    target()",
    "uncalled nested": "from kernels.h import target\ndef f():\n    def g():\n        target()\n    return 0",
    "uncalled lambda": "from kernels.h import target\ndef f():\n    g = lambda: target()\n    return 0",
    "uncalled partial": "from functools import partial\nfrom kernels.h import target\ndef f():\n"
    "    g = partial(target)",
    "shadowed by a parameter": "from kernels.h import target\ndef f(target):\n    target()",
    "shadowed by a local": "from kernels.h import target\ndef f():\n    target = len\n    target('')",
    "another module's": "from other import target\ndef f():\n    target()",
    "rebound": "from kernels.h import target\ntarget = lambda *a: 0\ndef f():\n    target()",
    "redefined": "from kernels.h import target\ndef target():\n    return 0\ndef f():\n    target()",
    "printed": "from kernels.h import target\ndef f():\n    print(target)",
    "other function": "from kernels.h import target\ndef f():\n    return 0\ndef g():\n    target()",
    "another class": "class C:\n    def target(self):\n        pass\ndef f():\n    C().target()",
    "class scope is not seen": "class C:\n    from kernels.h import target\n    def m(self):\n"
    "        target()\ndef f():\n    C().m()",
}


def index_of(project: MakeIndex, text: str) -> CodeIndex:
    return project(
        {
            "kernels/__init__.py": "",
            "kernels/h.py": HELPERS,
            "kernels/re.py": "from kernels.h import target\n",
            "kernels/a.py": f"{text}\n",
        }
    )


def way(index: CodeIndex, target: Place) -> Chain:
    return index.graph.search([index.function("kernels.a", "f")], index.graph.calling([target]))


@pytest.mark.parametrize("text", CALLS.values(), ids=CALLS.keys())
def test_a_call_is_found(project: MakeIndex, text: str) -> None:
    index = index_of(project, text)
    path = way(index, index.function("kernels.h", "target")).path
    assert path
    assert path[-1].callee == index.function("kernels.h", "target")
    assert all(a.callee == b.caller for a, b in pairwise(path))


@pytest.mark.parametrize("text", NO_CALLS.values(), ids=NO_CALLS.keys())
def test_what_is_no_call_is_not_found(project: MakeIndex, text: str) -> None:
    index = index_of(project, text)
    assert not way(index, index.function("kernels.h", "target")).path


def test_the_path_names_lines_through_helpers(project: MakeIndex) -> None:
    index = index_of(project, "from kernels.h import target\ndef g():\n    target()\n\ndef f():\n    g()")
    path = way(index, index.function("kernels.h", "target")).path
    assert describe_path(path) == "f → g (kernels/a.py:6) → target (kernels/a.py:3)"


def test_a_method_on_an_unknown_object_is_only_a_possible_call(project: MakeIndex) -> None:
    index = index_of(project, "def f(b):\n    b.method()")
    entry, method = index.function("kernels.a", "f"), index.function("kernels.h", "Box.method")
    found = way(index, method)
    assert (found.path, found.maybe) == ((), "kernels/a.py:2")
    assert index.function("kernels.h", "target") in index.graph.paths(entry, kinds=CAUTIOUS)


def test_an_override_is_a_possible_call(project: MakeIndex) -> None:
    index = index_of(project, "from kernels.h import Box\ndef f(b: Box):\n    b.method()")
    reached = {info.qualname for info in index.graph.paths(index.function("kernels.a", "f"), kinds=CAUTIOUS)}
    assert "Child.method" in reached


def test_an_import_inside_a_function_runs_the_module(project: MakeIndex) -> None:
    index = project(
        {
            "kernels/a.py": "def f():\n    import kernels.b\n",
            "kernels/b.py": "import hip\nhip.hipMemcpyDtoH()\n",
        }
    )
    entry = index.function("kernels.a", "f")
    for kinds, reached in ((CERTAIN, False), (CAUTIOUS, True)):
        sites = [site for site, _ in index.graph.reachable_sites(entry, kinds)]
        assert any(site.calls("hipMemcpyDtoH") for site in sites) is reached


def test_external_calls_keep_their_dotted_names(project: MakeIndex) -> None:
    index = index_of(
        project, "from rocm.bindings import hip as h\ndef f(x):\n    h.hipMemcpy(x)\n    x.to_host_vec()"
    )
    names = [site.name for site in index.graph.sites(index.function("kernels.a", "f"))]
    assert names == ["rocm.bindings.hip.hipMemcpy", "?.to_host_vec"]


def test_functions_are_found_through_aliases_and_classes(project: MakeIndex) -> None:
    index = index_of(project, "from kernels.h import Box, target as t\nalias = t\n")
    assert index.function("kernels.a", "alias").qualname == "target"
    assert index.function("kernels.a", "Box.method").qualname == "Box.method"
    assert index.function("kernels/h.py", "Box.method").line == 8
    assert index.find_function("kernels.a", "nope") is None


def test_modules_that_import_each_other_do_no_harm(project: MakeIndex) -> None:
    index = project(
        {
            "kernels/a.py": "from kernels.b import *\nfrom kernels.b import g as f\n",
            "kernels/b.py": "from kernels.a import *\nfrom kernels.a import f as g\n",
        }
    )
    assert index.find_function("kernels.a", "f") is None


def test_a_ring_of_bases_does_no_harm(project: MakeIndex) -> None:
    index = project({"kernels/a.py": "class A(B):\n    pass\nclass B(A):\n    pass\ndef f():\n    A().x()\n"})
    assert [s.name for s in index.graph.sites(index.function("kernels.a", "f"))][-1] == "?.x"


def test_a_very_long_sum_does_no_harm(project: MakeIndex) -> None:
    text = f"def g(): ...\ndef f():\n    return {' + '.join(['x'] * 900)} + g()\n"
    index = project({"kernels/a.py": text})
    assert way(index, index.function("kernels.a", "g")).path


STDLIB = Path(sysconfig.get_paths()["stdlib"])


@pytest.mark.drawn(2, fast=2)
@pytest.mark.parametrize(
    "name", ["ast", "asyncio/base_events", "dataclasses", "enum", "functools", "inspect", "logging/__init__"]
)
def test_no_python_breaks_the_analysis(tmp_path: Path, name: str) -> None:
    target = tmp_path / "kernels" / "corpus.py"
    target.parent.mkdir()
    target.write_bytes((STDLIB / f"{name}.py").read_bytes())
    index = CodeIndex(tmp_path, Settings())
    unit = index.unit("kernels/corpus.py")
    functions = [Place(unit, function) for function in unit.functions]
    sites = [site for info in functions for site in index.graph.sites(info)]
    assert len(functions) > 20
    assert all(1 <= site.line <= 10_000 and site.path == "kernels/corpus.py" for site in sites)
    for info in functions[:20]:
        assert info in index.graph.paths(info, kinds=CAUTIOUS)


@pytest.mark.long
def test_the_standard_library_does_not_break_the_analysis(tmp_path: Path) -> None:
    for source in sorted(STDLIB.glob("*.py"))[::3]:
        target = tmp_path / "kernels" / source.name
        target.parent.mkdir(exist_ok=True)
        target.write_bytes(source.read_bytes())
    index = CodeIndex(tmp_path, Settings())
    for module in index.modules.host:
        unit = index.unit(module.path)
        for function in unit.functions:
            index.graph.sites(Place(unit, function))
