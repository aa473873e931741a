"""Code objects and kernels: loading images, finding kernels and variables, what is asked about a kernel."""

from __future__ import annotations

import hashlib
import struct
from pathlib import PurePath
from typing import TYPE_CHECKING, Any

from rocverify.device.emulator.isa.occupancy import resident_workgroups
from rocverify.device.hip.calls import Answer, Call, Caller, low, serve, signed
from rocverify.device.hip.errors import HipError
from rocverify.device.hip.geometry import largest_grid, max_block, max_dynamic_lds, workgroup_slots
from rocverify.device.hip.state import Function, Module
from rocverify.device.trace.events import Category
from rocverify.errors import CodeObjectError, DeviceError, ToolchainError, WrongTargetError
from rocverify.toolchain.bundles import code_object_for, is_device_code
from rocverify.toolchain.codeobject import read_code_object

if TYPE_CHECKING:
    from rocverify.device.hip.context import Context
    from rocverify.toolchain.code_metadata import KernelMetadata

MAX_IMAGE_BYTES = 1 << 32
MAX_THREADS, SHARED_BYTES, CONST_BYTES, LOCAL_BYTES, REGISTERS = range(5)
PTX, BINARY, CACHE_MODE, MAX_DYNAMIC, CARVEOUT = range(5, 10)
"""hipFunction_attribute."""


def function_of(context: Context, handle: int) -> Function:
    """The kernel behind a handle; hipErrorInvalidHandle, with words, if there is none (any more)."""
    known = context.functions.get(handle)
    if known is not None:
        return known
    raise _gone(context, handle, f"{handle:#x} is not a kernel of a loaded module")


def _gone(context: Context, handle: int, unknown: str) -> HipError:
    words, site = context.unloaded.get(handle, (unknown, None))
    finding = None if site is None else "unloaded_module"
    return HipError("hipErrorInvalidHandle", words, finding=finding, other=site or 0)


def module_of(context: Context, handle: int) -> Module:
    """The module behind a handle; hipErrorInvalidHandle if there is none (any more)."""
    known = context.modules.get(handle)
    if known is not None:
        return known
    raise _gone(context, handle, f"{handle:#x} is not a loaded module")


def load(context: Context, call: Call, image: bytes, *, of_program: bool) -> int:
    """The handle of a new module from an image, whatever holds its code object."""
    target, name = context.backend.info.arch, PurePath(call.text).name or "the image"
    if of_program:
        name = f"the program {PurePath(context.client.program).name}".strip()
    try:
        code = code_object_for(image, target, name)
        found = read_code_object(code, name)
        if found.target != context.backend.info.target:
            raise WrongTargetError(
                f"holds {found.target}{found.features}; this device is {context.backend.info.target}: "
                f"compile with --offload-arch={context.backend.info.target} or use --target",
                where=name,
            )
        loaded = context.backend.load(code, name)
        if context.host_traffic is not None:  # what its variables hold at first is sent like anything else
            context.host_traffic.wrote(code)
    except WrongTargetError as error:
        context.control.wrong_target = str(error)
        raise HipError(
            "hipErrorNoBinaryForGpu", f"{error.where or name} {error.message}", finding="missing_target"
        ) from None
    except (CodeObjectError, DeviceError) as error:
        raise HipError("hipErrorInvalidImage", f"{name}: {error.message}") from None
    handle = context.new_handle()
    digest = hashlib.sha256(image).hexdigest()
    context.modules[handle] = Module(handle, loaded, digest, of_program, name)
    context.entry(call).fields["code_object"] = digest
    return handle


def _image(call: Call, caller: Caller | None) -> bytes:
    address, size = call.args[:2]
    if not address and not call.text:
        raise HipError("hipErrorInvalidValue", "the image is a null pointer")
    if not size:
        what = f"the file {call.text}" if call.text else f"what lies at {address:#x}"
        raise HipError("hipErrorInvalidImage", f"{what} is neither a code object nor a bundle of them")
    if size > MAX_IMAGE_BYTES or caller is None:
        raise HipError("hipErrorInvalidImage", f"an image of {size} bytes")
    return caller.read_host(address, size)


@serve("hipModuleLoad", "hipModuleLoadData", "hipModuleLoadFatBinary", category=Category.MODULE, waits=True)
def module_load(context: Context, call: Call, caller: Caller | None) -> tuple[int]:
    """address, size of the image in the client; payload: its path, if it has one -> module."""
    image = _image(call, caller)
    if not is_device_code(image) and len(image) < 4:
        raise HipError("hipErrorInvalidImage", f"an image of {len(image)} bytes is too short")
    return (load(context, call, image, of_program=False),)


@serve("rv_load_fat_binary", category=Category.MODULE, waits=True, traced=False)
def load_fat_binary(context: Context, call: Call, caller: Caller | None) -> tuple[int]:
    """address, size of the bundle in the client -> module. As the program starts to use it, in no trace."""
    return (load(context, call, _image(call, caller), of_program=True),)


@serve("hipModuleUnload", category=Category.MODULE, after_fault="report", waits=True)
def module_unload(context: Context, call: Call, caller: Caller | None) -> None:
    """module. Waits for queued work first: its kernels may be in it."""
    module = module_of(context, call.args[0])
    try:
        context.wait(None, call, caller, explicit=False)
    finally:
        with context.lock:
            del context.modules[module.handle]
            place = context.sites.place(call.site)
            gone = f"of the module {module.label} that was unloaded{f' at {place}' if place else ''}"
            context.unloaded[module.handle] = f"{module.handle:#x} is the handle {gone}", call.site
            for handle, function in list(context.functions.items()):
                if function.module == module.handle:
                    context.unloaded[handle] = f"the kernel {function.name} is {gone}", call.site
                    del context.functions[handle]
        context.backend.unload(module.loaded)


def _looked_up(context: Context, call: Call) -> dict[str, Any]:
    module = context.modules.get(call.args[0])
    return {"kernel": call.text, "code_object": None if module is None else module.digest}


@serve("hipModuleGetFunction", category=Category.MODULE, describe=_looked_up)
def get_function(context: Context, call: Call, _caller: Caller | None) -> Answer:
    """module; payload: the kernel's name -> function, payload: rv_kernel."""
    module = module_of(context, call.args[0])
    kernels = module.loaded.metadata.kernels
    name = call.text
    if name not in kernels or context.control.is_missing(name):
        held = ", ".join(one for one in kernels if not context.control.is_missing(one)) or "no kernel"
        raise HipError("hipErrorNotFound", f"there is no kernel {name!r}: {module.label} has {held}")
    with context.lock:
        known = next(
            (f for f in context.functions.values() if f.module == module.handle and f.name == name), None
        )
        if known is None:
            kernel = kernels[name]
            size = kernarg_bytes(kernel)
            known = Function(context.new_handle(), name, module.handle, kernel, size)
            context.functions[known.handle] = known
    return Answer(values=(known.handle,), payload=kernel_record(context, known))


def kernel_record(context: Context, function: Function) -> bytes:
    """`struct rv_kernel` of a function, its arguments and its name."""
    kernel, target = function.metadata, context.backend.info.target
    explicit = kernel.explicit_args
    head = struct.pack(
        "<8I",
        len(explicit),
        kernarg_bytes(kernel),
        max_block(kernel, target),
        max_dynamic_lds(kernel, target),
        *largest_grid(kernel, target),
        0,
    )
    args = b"".join(struct.pack("<II", arg.offset, arg.size) for arg in explicit)
    return head + args + function.name.encode() + b"\0"


def kernarg_bytes(kernel: KernelMetadata) -> int:
    """Bytes of a kernel's explicit arguments."""
    return max((arg.offset + arg.size for arg in kernel.explicit_args), default=0)


@serve("hipModuleGetFunctionCount", category=Category.MODULE)
def function_count(context: Context, call: Call, _caller: Caller | None) -> tuple[int]:
    """module -> kernels."""
    return (len(module_of(context, call.args[0]).loaded.metadata.kernels),)


@serve("hipModuleGetGlobal", category=Category.MODULE)
def get_global(context: Context, call: Call, _caller: Caller | None) -> tuple[int, int]:
    """module; payload: the variable's name -> address, size."""
    module = module_of(context, call.args[0])
    try:
        return module.loaded.symbol(call.text)
    except DeviceError as error:
        raise HipError("hipErrorNotFound", f"{module.label}: {error.message}") from None


def _attributes(context: Context, function: Function) -> dict[int, int]:
    kernel, target = function.metadata, context.backend.info.target
    version = 10 * int(target[3:-2]) if target[3:-2].isdigit() else 0
    return {
        MAX_THREADS: max_block(kernel, target),
        SHARED_BYTES: kernel.lds_bytes,
        CONST_BYTES: 0,
        LOCAL_BYTES: kernel.scratch_bytes,
        REGISTERS: kernel.vgprs,
        PTX: version,
        BINARY: version,
        CACHE_MODE: 0,
        MAX_DYNAMIC: function.attributes.get(MAX_DYNAMIC, max_dynamic_lds(kernel, target)),
        CARVEOUT: function.attributes.get(CARVEOUT, 0),
    }


@serve("hipFuncGetAttribute")
def get_attribute(context: Context, call: Call, _caller: Caller | None) -> tuple[int]:
    """attribute, function -> value."""
    values = _attributes(context, function_of(context, call.args[1]))
    number = low(call.args[0])
    if number not in values:
        raise HipError("hipErrorInvalidValue", f"attribute {number} is not known of a kernel here")
    return (values[number],)


@serve("hipFuncGetAttributes")
def get_attributes(context: Context, call: Call, _caller: Caller | None) -> tuple[int, ...]:
    """function -> the members of hipFuncAttributes in their order."""
    values = _attributes(context, function_of(context, call.args[0]))
    order = (
        BINARY,
        CACHE_MODE,
        CONST_BYTES,
        LOCAL_BYTES,
        MAX_DYNAMIC,
        MAX_THREADS,
        REGISTERS,
        CARVEOUT,
        PTX,
        SHARED_BYTES,
    )
    return tuple(values[number] for number in order)


@serve("hipFuncSetAttribute")
def set_attribute(context: Context, call: Call, _caller: Caller | None) -> None:
    """function, attribute, value."""
    handle, attribute, value = call.args
    function, number, wanted = function_of(context, handle), low(attribute), signed(value, 32)
    if number not in (MAX_DYNAMIC, CARVEOUT):
        raise HipError("hipErrorInvalidValue", f"attribute {number} of a kernel cannot be set")
    most = max_dynamic_lds(function.metadata, context.backend.info.target)
    if number == MAX_DYNAMIC and not 0 <= wanted <= most:
        raise HipError(
            "hipErrorInvalidValue", f"{wanted} bytes of dynamic LDS for {function.name}: at most {most}"
        )
    function.attributes[number] = wanted


@serve("hipKernelNameRef")
def kernel_name(context: Context, call: Call, _caller: Caller | None) -> Answer:
    """function -> payload: the name."""
    return Answer(payload=function_of(context, call.args[0]).name.encode())


@serve("hipModuleOccupancyMaxActiveBlocksPerMultiprocessor")
def active_blocks(context: Context, call: Call, _caller: Caller | None) -> tuple[int]:
    """function, block, dynamic LDS [, flags] -> workgroups."""
    function = function_of(context, call.args[0])
    return (_resident(context, function.metadata, signed(call.args[1], 32), call.args[2]),)


@serve("hipModuleOccupancyMaxPotentialBlockSize")
def potential_block(context: Context, call: Call, _caller: Caller | None) -> tuple[int, int]:
    """function, dynamic LDS, limit (0: none) [, flags] -> grid, block."""
    kernel = function_of(context, call.args[0]).metadata
    most, limit = max_block(kernel, context.backend.info.target), signed(call.args[2], 32)
    most = min(most, limit) if limit > 0 else most
    lanes = kernel.wavefront_size
    held = {
        size: size * _resident(context, kernel, size, call.args[1]) for size in range(lanes, most + 1, lanes)
    }
    if not held:
        raise HipError("hipErrorInvalidValue", f"no whole wave fits in {most} work-items")
    best = max(held, key=lambda size: (held[size], size))
    return workgroup_slots(context.backend.info) * max(held[best] // best, 1), best


def _resident(context: Context, kernel: KernelMetadata, block: int, dynamic_lds: int) -> int:
    """Workgroups that one multiprocessor holds at a time, as registers, LDS and wave slots allow."""
    target = context.backend.info.target
    most = max_block(kernel, target)
    if not 0 < block <= most:
        raise HipError("hipErrorInvalidValue", f"a workgroup of {block}: {kernel.name} takes at most {most}")
    try:
        return resident_workgroups(kernel, target, block, dynamic_lds)
    except ToolchainError as error:
        raise HipError("hipErrorNotSupported", error.message) from None
