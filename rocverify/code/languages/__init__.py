"""Which language a file is in, by its name. The name decides how comments are told from code."""

from __future__ import annotations

from pathlib import PurePosixPath

from pygments.lexer import Lexer
from pygments.lexers import TextLexer, find_lexer_class_for_filename, get_lexer_by_name
from pygments.util import ClassNotFound

C_FAMILY = frozenset(
    {".hip", ".c", ".cc", ".cpp", ".cxx", ".h", ".hh", ".hpp", ".hxx", ".cl", ".inc", ".inl"}
)
HEADERS = frozenset({".h", ".hh", ".hpp", ".hxx", ".inc", ".inl", ".cuh"})
MARKDOWN = frozenset({".md", ".markdown"})
CUDA = frozenset({".cu", ".cuh"})
PYTHON = frozenset({".py", ".pyi"})

# Lexers by suffix: for those that Pygments does not know or gives to several languages, and for what is read
# often, since to go through all its patterns takes long.
_LEXERS = {
    **dict.fromkeys(C_FAMILY, "cpp"),
    **dict.fromkeys(CUDA, "cuda"),
    **dict.fromkeys(PYTHON, "python"),
    ".rs": "rust",
    ".toml": "toml",
    ".json": "json",
    ".yaml": "yaml",
    ".yml": "yaml",
    ".sh": "bash",
    ".cmake": "cmake",
}


def is_python(path: str) -> bool:
    """True for a Python module or stub."""
    return PurePosixPath(path).suffix in PYTHON


def is_markdown(path: str) -> bool:
    """True for a Markdown document, whose text is its content."""
    return PurePosixPath(path).suffix.lower() in MARKDOWN


def is_c_family(path: str) -> bool:
    """True for HIP, CUDA, C, C++ and OpenCL C sources and headers."""
    return PurePosixPath(path).suffix.lower() in C_FAMILY | CUDA


def is_header(path: str) -> bool:
    """True for a C or C++ file that others include."""
    return PurePosixPath(path).suffix.lower() in HEADERS


def is_rust(path: str) -> bool:
    """True for a Rust source."""
    return PurePosixPath(path).suffix == ".rs"


def is_toml(path: str) -> bool:
    """True for TOML, which the checks read as data."""
    return PurePosixPath(path).suffix.lower() == ".toml"


def lexer_for(path: str) -> Lexer:
    """Pygments' lexer for a file name, set to leave the text as it is.

    An unknown extension gets the plain-text lexer: such a file has no comments that we know of.
    """
    name = PurePosixPath(path).name
    options = {"stripnl": False, "ensurenl": False, "stripall": False}
    known = "cmake" if name == "CMakeLists.txt" else _LEXERS.get(PurePosixPath(path).suffix.lower())
    if known is not None:
        lexer: Lexer = get_lexer_by_name(known, **options)
        return lexer
    try:
        found: type[Lexer] = find_lexer_class_for_filename(name) or TextLexer
    except ClassNotFound:
        found = TextLexer
    return found(**options)
