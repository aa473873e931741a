"""Device tensors as the wrappers take them, and the checks that rotary embedding needs of them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from math import prod
from typing import Any

import numpy as np

from kernels.errors import DTypeError, PointerError, ShapeError
from kernels.runtime import Geometry

# Storage type -> what follows the kernel's name. The names are NumPy's (bfloat16: ml_dtypes').
SYMBOL_SUFFIX = {"float32": "", "float16": "_f16", "bfloat16": "_bf16"}

# Most work-items in one workgroup: kMaxWorkgroup in rope_pair.h.
WORKGROUP = 256
WAVE = 32
# HIP's limits: 2**32 work-items along x, 65535 workgroups along y and z.
_GRID_X_WORK_ITEMS = 2**32
_GRID_YZ = 65535


@dataclass(frozen=True)
class DeviceTensor:
    """A C-contiguous tensor in device memory. dtype: NumPy's name, or bfloat16. Owns nothing."""

    ptr: int
    shape: tuple[int, ...]
    dtype: str = "float32"


def as_device_tensor(value: Any, dtypes: Mapping[str, str] = SYMBOL_SUFFIX) -> DeviceTensor:
    """A DeviceTensor, anything with its attributes `ptr`, `shape` and `dtype` (a name), or anything with
    `__cuda_array_interface__` (hip-python, PyTorch and CuPy arrays), as a DeviceTensor.

    dtypes: those that the kernels take. Raises PointerError for host memory, DTypeError and ShapeError for
    what the kernels do not take.
    """
    if isinstance(value, DeviceTensor):
        return value
    if all(hasattr(value, name) for name in ("ptr", "shape", "dtype")):
        return DeviceTensor(int(value.ptr), tuple(value.shape), storage_name(value.dtype, dtypes))
    interface = getattr(value, "__cuda_array_interface__", None)
    if interface is None:
        raise PointerError(f"{type(value).__name__} is no device tensor")
    dtype = np.dtype(interface["typestr"])
    shape = tuple(int(n) for n in interface["shape"])
    strides = interface.get("strides")
    if strides is not None and tuple(strides) != _contiguous_strides(shape, dtype.itemsize):
        raise ShapeError(f"strides {tuple(strides)} of shape {shape}: only contiguous tensors are taken")
    return DeviceTensor(int(interface["data"][0]), shape, storage_name(dtype, dtypes))


def _contiguous_strides(shape: tuple[int, ...], itemsize: int) -> tuple[int, ...]:
    return tuple(itemsize * prod(shape[axis + 1 :]) for axis in range(len(shape)))


def storage_name(dtype: Any, dtypes: Mapping[str, str] = SYMBOL_SUFFIX) -> str:
    """The kernel's storage type for a dtype or its name; DTypeError if `dtypes` lacks it."""
    name = dtype if isinstance(dtype, str) else np.dtype(dtype).name
    if name not in dtypes:
        raise DTypeError(f"dtype {name}: there are kernels for {', '.join(dtypes)}")
    return name


def rotary_shape(tensor: DeviceTensor, name: str) -> tuple[int, int, int]:
    """(seq, heads, head_dim) of a tensor that can be rotated; ShapeError if it cannot."""
    if len(tensor.shape) != 3:
        raise ShapeError(f"{name} has shape {tensor.shape}, not [seq, heads, head_dim]")
    seq, heads, head_dim = tensor.shape
    check_sizes(head_dim, seq=seq, **{f"{name} heads": heads})
    return seq, heads, head_dim


def check_sizes(head_dim: int, **extents: int) -> None:
    """Every extent at least 1, head_dim even and at least 2; ShapeError otherwise."""
    for name, extent in extents.items():
        if extent < 1:
            raise ShapeError(f"{name.replace('_', ' ')} is {extent}, at least 1 is needed")
    if head_dim < 2 or head_dim % 2:
        raise ShapeError(f"head_dim is {head_dim}: pairs need an even number, at least 2")


def rotary_geometry(seq: int, heads: int, head_dim: int) -> Geometry:
    """The launch of one work-item per pair: x workgroups over tokens, y over heads, z over pairs.

    Work-items along x of a workgroup take neighbouring pairs, a whole number of waves; those along y
    take further heads until the workgroup is full. ShapeError for what one launch cannot cover.
    """
    pairs = head_dim // 2
    block_x = min(max(WAVE, _power_of_two_from(pairs)), WORKGROUP)
    block_y = min(WORKGROUP // block_x, _power_of_two_from(heads))
    grid = (seq, -(-heads // block_y), -(-pairs // block_x))
    if seq * block_x >= _GRID_X_WORK_ITEMS or max(grid[1:]) > _GRID_YZ:
        raise ShapeError(f"seq {seq}, heads {heads}, head_dim {head_dim}: too large for one launch")
    return Geometry(grid, (block_x, block_y, 1))


def _power_of_two_from(value: int) -> int:
    return 1 << (value - 1).bit_length()
