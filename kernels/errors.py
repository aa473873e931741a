"""What the host functions of this package raise. All but HipError are raised before any launch.

KernelError
├── ShapeError               a shape that the kernel does not take
├── DTypeError               a dtype that the kernel does not take
├── PositionError            a position outside [0, max_seq_len)
├── PointerError             a null or misaligned device pointer, or host memory
├── UnsupportedConfigError   an attention that this backend does not compute; says which does
├── CodeObjectMissingError   the kernel has not been built, or not announced
└── HipError                 a HIP call returned an error code
"""

from __future__ import annotations


class KernelError(Exception):
    """Base of all errors of this package."""


class ShapeError(KernelError, ValueError):
    """A shape that the kernel does not take: odd head_dim, wrong rank, empty or too large."""


class DTypeError(KernelError, TypeError):
    """A dtype that the kernel does not take."""


class PositionError(KernelError, ValueError):
    """A token position outside [0, max_seq_len)."""


class PointerError(KernelError, ValueError):
    """A device pointer that is null or not a pointer."""


class UnsupportedConfigError(KernelError, ValueError):
    """An attention that a backend does not compute: `backend` is its name, `reason` why, `alternatives`
    the names of the backends that do compute it."""

    def __init__(self, backend: str, reason: str, alternatives: tuple[str, ...]) -> None:
        elsewhere = f"supported by: {', '.join(alternatives)}" if alternatives else "no backend supports it"
        super().__init__(f"backend {backend}: {reason}; {elsewhere}")
        self.backend = backend
        self.reason = reason
        self.alternatives = alternatives


class CodeObjectMissingError(KernelError, FileNotFoundError):
    """The variable that names the compiled code object is unset, or names no file."""


class HipError(KernelError, RuntimeError):
    """A HIP call returned an error: `call` is its name, `code` the hipError_t."""

    def __init__(self, call: str, code: object) -> None:
        super().__init__(f"{call} returned {getattr(code, 'name', code)}")
        self.call = call
        self.code = code
