"""Code objects and kernels: hipModuleLoad and what can be asked about a kernel."""

# Names and parameters are HIP's interface, also those that mean nothing here.
# ruff: noqa: N802, N803, ARG002
from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

from rocverify.device.emulator import api_image
from rocverify.device.emulator.api_state import (
    FunctionEntry,
    HipCallError,
    HipCalls,
    HipState,
    ModuleEntry,
    offered,
)
from rocverify.device.emulator.api_values import (
    Address,
    Function,
    FunctionAttribute,
    Int,
    Module,
    Raw,
    Size,
    Text,
    UInt,
    bare_pointer,
    c_string,
)
from rocverify.device.emulator.isa.occupancy import LIMITS, resident_workgroups
from rocverify.device.trace.proxy import real_hip
from rocverify.errors import CodeObjectError, DeviceError
from rocverify.toolchain.codeobject import read_code_object

if TYPE_CHECKING:
    from rocverify.toolchain.codeobject import KernelMetadata


def check_function(state: HipState, function: int) -> FunctionEntry:
    """The kernel behind a handle; hipErrorInvalidHandle if there is none (any more)."""
    if function not in state.functions:
        raise HipCallError("hipErrorInvalidHandle", f"{function:#x} is no kernel of a loaded module")
    return state.functions[function]


def kernel_metadata(state: HipState, entry: FunctionEntry) -> KernelMetadata:
    """What the code object says of a loaded kernel."""
    return state.modules[entry.module].module.metadata.kernels[entry.name]


class ModuleCalls(HipCalls):
    """hip-python's module functions."""

    def _load(self, image: bytes) -> Any:
        state = self._state
        code = api_image.code_object(image, state.target)
        try:
            target = read_code_object(code, "the image").target
            if target != state.target:
                raise HipCallError(
                    "hipErrorNoBinaryForGpu", f"a code object for {target}, the device is a {state.target}"
                )
            module = state.machine.load(code)
        except CodeObjectError as error:
            raise HipCallError("hipErrorInvalidImage", error.message) from None
        handle = state.new_handle()
        state.modules[handle] = ModuleEntry(module)
        return real_hip().ihipModule_t(handle)

    @offered(None)
    def hipModuleLoad(self, fname: Text) -> Any:
        if not fname:
            raise HipCallError("hipErrorInvalidValue", "no file name")
        try:
            image = Path(fname).read_bytes()
        except OSError as error:
            raise HipCallError("hipErrorFileNotFound", f"{fname}: {error.strerror}") from None
        return self._load(image)

    @offered(None)
    def hipModuleLoadData(self, image: Address) -> Any:
        return self._load(api_image.image_bytes(image))

    @offered(None)
    def hipModuleLoadFatBinary(self, fatbin: Address) -> Any:
        return self._load(api_image.image_bytes(fatbin))

    def hipModuleLoadDataEx(self, image: Any, numOptions: Any, optionValues: Any) -> tuple[Any, ...]:
        """As hipModuleLoadData: the options are the compiler's, and nothing is compiled here."""
        return (*self._load_with_options(image, numOptions, optionValues), real_hip().hipJitOption(0))

    @offered(None)
    def _load_with_options(self, image: Address, numOptions: UInt, optionValues: Raw) -> Any:
        return self._load(api_image.image_bytes(image))

    @offered(faulted="report")
    def hipModuleUnload(self, module: Module) -> None:
        state = self._state
        with state.lock:
            entry = self._module(module)
            state.machine.unload(entry.module)
            del state.modules[module]
            state.functions = {h: f for h, f in state.functions.items() if f.module != module}

    @offered(None)
    def hipModuleGetFunction(self, module: Module, kname: Text) -> Any:
        state, entry = self._state, self._module(module)
        kernels = entry.module.metadata.kernels
        if kname is None or kname not in kernels:
            held = ", ".join(kernels) or "no kernel"
            raise HipCallError(
                "hipErrorNotFound", f"there is no kernel {kname!r}: the code object has {held}"
            )
        for handle, function in state.functions.items():
            if (function.module, function.name) == (module, kname):
                return real_hip().ihipModuleSymbol_t(handle)
        handle = state.new_handle()
        state.functions[handle] = FunctionEntry(kname, module, entry.module.kernel(kname))
        return real_hip().ihipModuleSymbol_t(handle)

    @offered(0)
    def hipModuleGetFunctionCount(self, mod: Module) -> int:
        return len(self._module(mod).module.metadata.kernels)

    @offered(None, 0)
    def hipModuleGetGlobal(self, hmod: Module, name: Text) -> tuple[Any, int]:
        module = self._module(hmod).module
        try:
            address, size = module.symbol(name or "")
        except DeviceError as error:
            raise HipCallError("hipErrorNotFound", error.message) from None
        return bare_pointer(address), size

    def _module(self, handle: int) -> ModuleEntry:
        if handle not in self._state.modules:
            raise HipCallError("hipErrorInvalidHandle", f"{handle:#x} is no loaded module")
        return self._state.modules[handle]


class FunctionCalls(HipCalls):
    """hip-python's functions that tell about a kernel."""

    def _metadata(self, function: int) -> KernelMetadata:
        return kernel_metadata(self._state, check_function(self._state, function))

    @offered(0)
    def hipFuncGetAttribute(self, attrib: FunctionAttribute, hfunc: Function) -> int:
        kernel = self._metadata(hfunc)
        values = {
            "MAX_THREADS_PER_BLOCK": kernel.max_workgroup_size,
            "SHARED_SIZE_BYTES": kernel.lds_bytes,
            "CONST_SIZE_BYTES": 0,
            "LOCAL_SIZE_BYTES": kernel.scratch_bytes,
            "NUM_REGS": kernel.vgprs,
            "MAX_DYNAMIC_SHARED_SIZE_BYTES": LIMITS.lds_bytes - kernel.lds_bytes,
        }
        name = attrib.name.removeprefix("HIP_FUNC_ATTRIBUTE_")
        if name not in values:
            raise HipCallError("hipErrorInvalidValue", f"{attrib.name} is not known of a kernel here")
        return values[name]

    @offered(None)
    def hipKernelNameRef(self, f: Function) -> Any:
        return c_string(check_function(self._state, f).name)

    @offered(0)
    def hipModuleOccupancyMaxActiveBlocksPerMultiprocessor(
        self, f: Function, blockSize: Int, dynSharedMemPerBlk: Size
    ) -> int:
        return _resident_workgroups(self._metadata(f), blockSize, dynSharedMemPerBlk)

    @offered(0)
    def hipModuleOccupancyMaxActiveBlocksPerMultiprocessorWithFlags(
        self, f: Function, blockSize: Int, dynSharedMemPerBlk: Size, flags: UInt
    ) -> int:
        return _resident_workgroups(self._metadata(f), blockSize, dynSharedMemPerBlk)

    @offered(0, 0)
    def hipModuleOccupancyMaxPotentialBlockSize(
        self, f: Function, dynSharedMemPerBlk: Size, blockSizeLimit: Int
    ) -> tuple[int, int]:
        kernel = self._metadata(f)
        limit = min(kernel.max_workgroup_size, blockSizeLimit or kernel.max_workgroup_size)
        resident = {
            size: size * _resident_workgroups(kernel, size, dynSharedMemPerBlk)
            for size in range(kernel.wavefront_size, limit + 1, kernel.wavefront_size)
        }
        if not resident:
            raise HipCallError("hipErrorInvalidValue", f"no whole wave fits in {limit} work-items")
        best = max(resident, key=lambda size: (resident[size], size))
        return LIMITS.multiprocessors * max(resident[best] // best, 1), best


def _resident_workgroups(kernel: KernelMetadata, block: int, dynamic_lds: int) -> int:
    """Workgroups that one compute unit holds at a time, as registers, LDS and wave slots allow."""
    if not 0 < block <= kernel.max_workgroup_size:
        raise HipCallError(
            "hipErrorInvalidValue", f"a workgroup of {block}: at most {kernel.max_workgroup_size}"
        )
    return resident_workgroups(kernel, block, dynamic_lds)
