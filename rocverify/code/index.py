"""The one door to the code room: sources of a root by path, and the call graph over its host code."""

from __future__ import annotations

from collections.abc import Iterator
from functools import cached_property
from pathlib import Path

from rocverify.code.call_sites import CallSite
from rocverify.code.callgraph import CallGraph
from rocverify.code.conditionals import Preprocess
from rocverify.code.dead_code import DeadCode
from rocverify.code.definitions import Definition, find_definition
from rocverify.code.files import existing_file, read_text, relative
from rocverify.code.kept import KeptUnits
from rocverify.code.languages import is_c_family, is_python, is_rust
from rocverify.code.languages.cpp import read_shared
from rocverify.code.masking import Mask, mask, merge
from rocverify.code.names_python import PythonNames
from rocverify.code.places import Names, Place
from rocverify.code.python.model import FunctionInfo, InstanceValue
from rocverify.code.python.modules import ModuleTable
from rocverify.code.python.scopes import ParsedModule
from rocverify.code.search import PatternSearch, SearchResult, search_word
from rocverify.code.shared_memory import SharedAccess
from rocverify.code.syntax import Unit
from rocverify.code.units import Units
from rocverify.code.unrun import Unrun
from rocverify.code.vacuity import Commonness
from rocverify.errors import SourceError
from rocverify.settings import Settings


class CodeIndex:
    """Sources under `root`, read and parsed once; paths are relative to it. `preprocess` asks a compiler
    which branches of conditionals it takes; else plain ones are evaluated."""

    def __init__(self, root: Path, settings: Settings, preprocess: Preprocess | None = None) -> None:
        self._root = root.resolve()
        self._settings = settings
        self._masks: dict[str, Mask] = {}
        self._dead = DeadCode(self._root, settings, preprocess)
        kept = KeptUnits(self._root / settings.cache_dir / "sources")
        self._modules = ModuleTable(self._root, settings.host_globs, kept)
        self._units = Units(self._root, self._dead, kept, self._modules.record)

    def asking(self, preprocess: Preprocess) -> CodeIndex:
        """An index of the same sources that asks a compiler; what both read is read once."""
        made = CodeIndex(self._root, self._settings, preprocess)
        made._modules = self._modules
        made._units = self._units.seen_by(made._dead)
        return made

    @property
    def root(self) -> Path:
        """The root of the sources, absolute."""
        return self._root

    @property
    def modules(self) -> ModuleTable:
        """The Python modules of the host code."""
        return self._modules

    @cached_property
    def graph(self) -> CallGraph:
        """Who calls whom, over the host code of every language."""
        return CallGraph(self.names, Unrun(self).why)

    # -- text --------------------------------------------------------------------------------------

    def locate(self, path: str) -> str:
        """The path of an existing file inside the root, normalised; SourceError otherwise."""
        return relative(self._root, existing_file(self._root, path))

    def text(self, path: str) -> str:
        """The text of a file, as it is."""
        key = self.locate(path)
        return self._masks[key].text if key in self._masks else read_text(self._root, key)

    def mask(self, path: str) -> Mask:
        """The text and where its comments are."""
        key = self.locate(path)
        if key not in self._masks:
            self._masks[key] = mask(read_text(self._root, key), key)
        return self._masks[key]

    def live(self, path: str) -> Mask:
        """The text with comments, docstrings, and what can never run or be compiled marked."""
        masked = self.mask(path)
        dead = self._dead.spans(self.locate(path), masked, self.modules)
        return Mask(masked.text, merge((*masked.spans, *dead)))

    def line_count(self, path: str) -> int:
        """The number of lines, a last one without line end included."""
        return len(self.text(path).splitlines())

    def pattern(self, pattern: str, *, where: str | None = None) -> PatternSearch:
        """A pattern ready to search."""
        return PatternSearch(pattern, where=where)

    def search(self, path: str, pattern: str, *, where: str | None = None) -> SearchResult:
        """Matches of a pattern in one file: in code, in comments, and in code that can never run.

        Raises SourceError for a file that cannot be read, PlanError (naming the pattern and `where`)
        for a regular expression that RE2 cannot execute.
        """
        masked = self.mask(path)
        return self.pattern(pattern, where=where).over(path, masked, self.live(path).code)

    def forbidden(self, path: str, pattern: str) -> list[SearchResult]:
        """The searches for what must not be in a file, one for each text or way to read it; errors as of
        `search`."""
        return self.pattern(pattern).forbidden(path, self.mask(path), self.live(path).code)

    def search_word(self, path: str, name: str, beside: str = "") -> SearchResult:
        """Where a name stands as a word of its own; `beside`: further characters that go on with a name."""
        return search_word(name, beside, path, self.mask(path), self.live(path).code)

    # -- records -----------------------------------------------------------------------------------

    def unit(self, path: str) -> Unit:
        """The record of a Rust, C, C++, HIP or Python source; SourceError for a file that cannot be read,
        and for one in another language."""
        return self._units.unit(path)

    def units_with(self, word: str) -> tuple[Unit, ...]:
        """The records of the Rust, C, C++ and HIP sources in whose text a word stands."""
        return self._units.with_word(word)

    def keep(self) -> None:
        """Keeps the records for later runs, in the folder of the setting `cache_dir` if it can be written."""
        self._units.keep()

    def names(self, path: str) -> Names:
        """How names resolve in a source, by its language."""
        return self.python if is_python(path) else self._units.names(path)

    @cached_property
    def python(self) -> PythonNames:
        """How names resolve in the Python sources."""
        return PythonNames(self._modules)

    def definition(self, path: str, name: str) -> Definition | None:
        """Where a file defines a name; None if it does not. In Python methods are `Class.method`."""
        key = self.locate(path)
        if not (is_rust(key) or is_c_family(key) or is_python(key)):
            return find_definition(name, key, self.live(key))
        unit = self.unit(key)
        if is_python(key) and unit.broken is not None:
            self.modules.by_path(key)  # says what is wrong with it
        defined = unit.defines(name, bare_methods=not is_python(key))
        return Definition(name, *defined) if defined else None

    def kernels(self, path: str) -> tuple[str, ...]:
        """The `__global__` functions that a HIP source defines, in order."""
        functions = self.unit(path).functions
        return tuple(dict.fromkeys(f.name for f in functions if f.kernel and not f.declared and not f.dead))

    def shared_accesses(self, path: str, kernel: str) -> tuple[SharedAccess, ...]:
        """How a kernel of a HIP source indexes the LDS that its launch gives it, as far as that is plain."""
        text = self.text(path)
        return read_shared(text, kernel, self._dead.lines(self.locate(path), text))

    @cached_property
    def commonness(self) -> Commonness:
        """What patterns are compared with, to see whether they tell this file from any other."""
        return Commonness(self._root, self._settings)

    # -- functions ---------------------------------------------------------------------------------

    def module(self, module_or_path: str) -> ParsedModule:
        """A Python module of the project by dotted name or path; SourceError if there is none."""
        if is_python(module_or_path):
            return self.modules.by_path(module_or_path)
        found = self.modules.by_name(module_or_path)
        if found is None:
            raise SourceError(
                f"there is no module {module_or_path} under the root",
                hint=f"expected {module_or_path.replace('.', '/')}.py, within the setting host_globs",
            )
        return found

    def find_function(self, module_or_path: str, qualname: str) -> Place | None:
        """The function of a module, by exact qualified name; a name that the module imports or aliases
        leads to the function itself. None if there is none."""
        module = self.module(module_or_path)
        exact = [f for f in module.functions if f.qualname == qualname]
        if exact:
            return self.python.place_of(exact[-1])
        first, *rest = qualname.split(".")
        resolver = self.python.resolver
        values = resolver.module_attribute(module.name, first)
        for name in rest:
            values = frozenset(x for v in values for x in resolver.attribute(v, name))
        calls = (resolver.attribute(v, "__call__") for v in values if isinstance(v, InstanceValue))
        values = values.union(*calls)  # an instance is called by its class's method
        functions = [v.info for v in values if hasattr(v, "info") and isinstance(v.info, FunctionInfo)]
        found = min(functions, key=lambda f: f.location, default=None)
        return None if found is None else self.python.place_of(found)

    def functions(self, path: str, name: str) -> list[Place]:
        """The functions of a file that a name means: one or, by a type, all its methods; those that are
        built, if there are any. In Python by its qualified name, another for it, or a method's alone."""
        unit = self.unit(key := self.locate(path))
        if is_python(key):
            found = self.find_function(key, name)
            if found is not None and found.path == key:
                return [found]
            places = [Place(unit, function) for function in unit.functions if not function.dead]
            methods = [place for place in places if place.qualname.startswith(f"{name}.")]
            return methods or [place for place in places if place.qualname.rpartition(".")[2] == name]
        places = [Place(unit, function) for function in unit.functions_of(name)]
        return [place for place in places if not place.function.dead] or places

    def function(self, module_or_path: str, qualname: str) -> Place:
        """As `find_function`; SourceError if there is no such function."""
        found = self.find_function(module_or_path, qualname)
        if found is None:
            module = self.module(module_or_path)
            raise SourceError(f"defines no function {qualname}", where=module.path)
        return found

    def resolve(self, reference: str) -> Place:
        """The function of a `package.module:qualname` reference; SourceError if there is none."""
        module, _, qualname = reference.partition(":")
        return self.function(module, qualname)

    def calls_of(self, callee: Place) -> Iterator[CallSite]:
        """The calls of a function in the Python host sources, and in what of their imports has been read;
        SourceError for a host source that does not parse."""
        paths = (*self._modules.host_paths, *self._modules.loaded()) if is_python(callee.path) else ()
        for path in dict.fromkeys(paths):
            yield from self.graph.calls_in(self._modules.whole(path)).get(callee, ())
