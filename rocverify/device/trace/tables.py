"""What each of hip-python's functions does and what its parameters mean: data for the tracer.

A row gives a function's parameters in order. `name=role` renames a parameter to its role; a role that
ends in `!` always lies on the device (an array, a symbol). The roles are `dst`, `src`, `bytes`,
`width`, `height`, `count`, `kind`, `descriptor` (a structure that describes the whole copy),
`function`, `module`, `image`, `path`, `symbol` and the parameters of a launch.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from rocverify.device.trace.events import Category

_FLAT = "dst src sizeBytes=bytes"
_TO_SYMBOL = "symbol=dst! src sizeBytes=bytes offset kind"
_FROM_SYMBOL = "dst symbol=src! sizeBytes=bytes offset kind"
_2D = "dst dpitch src spitch width height kind"
_FROM_2D = "dst dpitch src=src! wOffset hOffset width height kind"
_TO_2D = "dst=dst! wOffset hOffset src spitch width height kind"

COPIES: Mapping[str, str] = {
    "hipMemcpy": f"{_FLAT} kind",
    "hipMemcpy_spt": f"{_FLAT} kind",
    "hipMemcpyAsync": f"{_FLAT} kind stream",
    "hipMemcpyAsync_spt": f"{_FLAT} kind stream",
    "hipMemcpyWithStream": f"{_FLAT} kind stream",
    "hipMemcpyDtoH": _FLAT,
    "hipMemcpyDtoHAsync": f"{_FLAT} stream",
    "hipMemcpyHtoD": _FLAT,
    "hipMemcpyHtoDAsync": f"{_FLAT} stream",
    "hipMemcpyDtoD": _FLAT,
    "hipMemcpyDtoDAsync": f"{_FLAT} stream",
    "hipMemcpyPeer": "dst dstDeviceId src srcDeviceId sizeBytes=bytes",
    "hipMemcpyPeerAsync": "dst dstDeviceId src srcDevice sizeBytes=bytes stream",
    "hipMemcpyToSymbol": _TO_SYMBOL,
    "hipMemcpyToSymbol_spt": _TO_SYMBOL,
    "hipMemcpyToSymbolAsync": f"{_TO_SYMBOL} stream",
    "hipMemcpyToSymbolAsync_spt": f"{_TO_SYMBOL} stream",
    "hipMemcpyFromSymbol": _FROM_SYMBOL,
    "hipMemcpyFromSymbol_spt": _FROM_SYMBOL,
    "hipMemcpyFromSymbolAsync": f"{_FROM_SYMBOL} stream",
    "hipMemcpyFromSymbolAsync_spt": f"{_FROM_SYMBOL} stream",
    "hipMemcpy2D": _2D,
    "hipMemcpy2D_spt": _2D,
    "hipMemcpy2DAsync": f"{_2D} stream",
    "hipMemcpy2DAsync_spt": f"{_2D} stream",
    "hipMemcpy2DFromArray": _FROM_2D,
    "hipMemcpy2DFromArray_spt": _FROM_2D,
    "hipMemcpy2DFromArrayAsync": f"{_FROM_2D} stream",
    "hipMemcpy2DFromArrayAsync_spt": ("dst dpitch src=src! wOffsetSrc hOffsetSrc width height kind stream"),
    "hipMemcpy2DToArray": _TO_2D,
    "hipMemcpy2DToArray_spt": _TO_2D,
    "hipMemcpy2DToArrayAsync": f"{_TO_2D} stream",
    "hipMemcpy2DToArrayAsync_spt": f"{_TO_2D} stream",
    "hipMemcpy2DArrayToArray": (
        "dst=dst! wOffsetDst hOffsetDst src=src! wOffsetSrc hOffsetSrc width height kind"
    ),
    "hipMemcpyToArray": "dst=dst! wOffset hOffset src count=bytes kind",
    "hipMemcpyFromArray": "dst srcArray=src! wOffset hOffset count=bytes kind",
    "hipMemcpyFromArray_spt": "dst src=src! wOffsetSrc hOffset count=bytes kind",
    "hipMemcpyAtoA": "dstArray=dst! dstOffset srcArray=src! srcOffset ByteCount=bytes",
    "hipMemcpyAtoD": "dstDevice=dst srcArray=src! srcOffset ByteCount=bytes",
    "hipMemcpyAtoH": "dst srcArray=src! srcOffset count=bytes",
    "hipMemcpyAtoHAsync": "dstHost=dst srcArray=src! srcOffset ByteCount=bytes stream",
    "hipMemcpyDtoA": "dstArray=dst! dstOffset srcDevice=src ByteCount=bytes",
    "hipMemcpyHtoA": "dstArray=dst! dstOffset srcHost=src count=bytes",
    "hipMemcpyHtoAAsync": "dstArray=dst! dstOffset srcHost=src ByteCount=bytes stream",
    "hipMemcpyParam2D": "pCopy=descriptor",
    "hipMemcpyParam2DAsync": "pCopy=descriptor stream",
    "hipDrvMemcpy2DUnaligned": "pCopy=descriptor",
    "hipDrvMemcpy3D": "pCopy=descriptor",
    "hipDrvMemcpy3DAsync": "pCopy=descriptor stream",
    "hipMemcpy3D": "p=descriptor",
    "hipMemcpy3D_spt": "p=descriptor",
    "hipMemcpy3DAsync": "p=descriptor stream",
    "hipMemcpy3DAsync_spt": "p=descriptor stream",
}

DECLARED: Mapping[str, Category] = {
    "hipMemcpyDtoH": Category.D2H,
    "hipMemcpyDtoHAsync": Category.D2H,
    "hipMemcpyAtoH": Category.D2H,
    "hipMemcpyAtoHAsync": Category.D2H,
    "hipMemcpyFromSymbol": Category.D2H,
    "hipMemcpyHtoD": Category.H2D,
    "hipMemcpyHtoDAsync": Category.H2D,
    "hipMemcpyHtoA": Category.H2D,
    "hipMemcpyHtoAAsync": Category.H2D,
    "hipMemcpyDtoD": Category.D2D,
    "hipMemcpyDtoDAsync": Category.D2D,
    "hipMemcpyPeer": Category.D2D,
    "hipMemcpyPeerAsync": Category.D2D,
}
"""The direction that a function's name promises; the pointers decide where they are known."""

_PATTERN_2D = "dst dstPitch value width height"

_SET = "dst value sizeBytes=count"
_SET_2D = "dst pitch value width height"
_SET_3D = "pitchedDevPtr=descriptor value extent"

MEMSETS: Mapping[str, tuple[int, str]] = {
    "hipMemset": (1, _SET),
    "hipMemset_spt": (1, _SET),
    "hipMemsetAsync": (1, f"{_SET} stream"),
    "hipMemsetAsync_spt": (1, f"{_SET} stream"),
    "hipMemsetD8": (1, "dest=dst value count"),
    "hipMemsetD8Async": (1, "dest=dst value count stream"),
    "hipMemsetD16": (2, "dest=dst value count"),
    "hipMemsetD16Async": (2, "dest=dst value count stream"),
    "hipMemsetD32": (4, "dest=dst value count"),
    "hipMemsetD32Async": (4, "dst value count stream"),
    "hipMemset2D": (1, _SET_2D),
    "hipMemset2D_spt": (1, _SET_2D),
    "hipMemset2DAsync": (1, f"{_SET_2D} stream"),
    "hipMemset2DAsync_spt": (1, f"{_SET_2D} stream"),
    "hipMemsetD2D8": (1, _PATTERN_2D),
    "hipMemsetD2D8Async": (1, f"{_PATTERN_2D} stream"),
    "hipMemsetD2D16": (2, _PATTERN_2D),
    "hipMemsetD2D16Async": (2, f"{_PATTERN_2D} stream"),
    "hipMemsetD2D32": (4, _PATTERN_2D),
    "hipMemsetD2D32Async": (4, f"{_PATTERN_2D} stream"),
    "hipMemset3D": (1, _SET_3D),
    "hipMemset3D_spt": (1, _SET_3D),
    "hipMemset3DAsync": (1, f"{_SET_3D} stream"),
    "hipMemset3DAsync_spt": (1, f"{_SET_3D} stream"),
}
"""Bytes an element and the parameters."""

ALLOCATIONS: Mapping[str, str] = {
    "hipMalloc": "size=bytes",
    "hipMallocAsync": "size=bytes stream",
    "hipMallocFromPoolAsync": "size=bytes mem_pool stream",
    "hipMallocManaged": "size=bytes flags",
    "hipMallocHost": "size=bytes",
    "hipMemAllocHost": "size=bytes",
    "hipHostMalloc": "size=bytes flags",
    "hipHostAlloc": "size=bytes flags",
    "hipExtMallocWithFlags": "sizeBytes=bytes flags",
    "hipMallocPitch": "width height",
    "hipMemAllocPitch": "widthInBytes=width height elementSizeBytes",
    "hipMalloc3D": "extent",
    "hipMallocArray": "desc width height flags",
    "hipMalloc3DArray": "desc extent flags",
    "hipMallocMipmappedArray": "desc extent numLevels flags",
    "hipHostRegister": "hostPtr sizeBytes=bytes flags",
}

FREES: Mapping[str, str] = {
    "hipFree": "ptr=src",
    "hipFreeAsync": "dev_ptr=src stream",
    "hipFreeHost": "ptr=src",
    "hipHostFree": "ptr=src",
    "hipFreeArray": "array=src",
    "hipFreeMipmappedArray": "mipmappedArray=src",
    "hipHostUnregister": "hostPtr=src",
}

_GEOMETRY = "gridDimX gridDimY gridDimZ blockDimX blockDimY blockDimZ sharedMemBytes=shared"

LAUNCHES: Mapping[str, str] = {
    "hipModuleLaunchKernel": f"f=function {_GEOMETRY} stream kernelParams extra",
    "hipModuleLaunchCooperativeKernel": f"f=function {_GEOMETRY} stream kernelParams",
    "hipLaunchKernel": "function_address=function numBlocks dimBlocks args sharedMemBytes=shared stream",
    "hipLaunchKernel_spt": "function_address=function numBlocks dimBlocks sharedMemBytes=shared stream",
    "hipLaunchCooperativeKernel": (
        "f=function gridDim=numBlocks blockDimX=dimBlocks kernelParams sharedMemBytes=shared stream"
    ),
    "hipLaunchCooperativeKernel_spt": (
        "f=function gridDim=numBlocks blockDim=dimBlocks sharedMemBytes=shared hStream"
    ),
    "hipExtLaunchKernel": (
        "function_address=function numBlocks dimBlocks args sharedMemBytes=shared stream "
        "startEvent stopEvent flags"
    ),
    "hipDrvLaunchKernelEx": "config f=function params=kernelParams extra",
    "hipLaunchKernelExC": "config fPtr=function args",
    "hipLaunchByPtr": "func=function",
    "hipModuleLaunchCooperativeKernelMultiDevice": "launchParamsList numDevices flags",
    "hipLaunchCooperativeKernelMultiDevice": "launchParamsList numDevices flags",
    "hipExtLaunchMultiKernelMultiDevice": "launchParamsList numDevices flags",
    "hipGraphLaunch": "graphExec stream",
    "hipGraphLaunch_spt": "graphExec stream",
}

MODULES: Mapping[str, str] = {
    "hipModuleLoad": "fname=path",
    "hipModuleLoadData": "image",
    "hipModuleLoadDataEx": "image numOptions optionValues",
    "hipModuleLoadFatBinary": "fatbin=image",
    "hipModuleUnload": "module",
    "hipModuleGetFunction": "module kname=symbol",
    "hipModuleGetFunctionCount": "mod=module",
    "hipModuleGetGlobal": "hmod=module name=symbol",
    "hipLibraryLoadData": "code=image jitOptionsValues numJitOptions libraryOptionValues numLibraryOptions",
    "hipLibraryLoadFromFile": (
        "fileName=path jitOptionsValues numJitOptions libraryOptionValues numLibraryOptions"
    ),
    "hipLibraryUnload": "library=module",
    "hipLibraryGetKernel": "library=module name=symbol",
    "hipLibraryGetGlobal": "library=module name=symbol",
}

PLAIN: Mapping[Category, str] = {
    Category.SYNC: """
        hipDeviceSynchronize hipStreamSynchronize hipStreamSynchronize_spt hipEventSynchronize
        hipCtxSynchronize hipExecutionCtxSynchronize hipDeviceReset
    """,
    Category.EVENT: """
        hipEventCreate hipEventCreateWithFlags hipEventDestroy hipEventElapsedTime hipEventQuery
        hipEventRecord hipEventRecordWithFlags hipEventRecord_spt
    """,
    Category.STREAM: """
        hipStreamCreate hipStreamCreateWithFlags hipStreamCreateWithPriority hipStreamDestroy
        hipStreamWaitEvent hipStreamWaitEvent_spt hipStreamQuery hipStreamQuery_spt hipStreamGetFlags
        hipStreamGetFlags_spt hipStreamGetPriority hipStreamGetPriority_spt hipStreamGetDevice
        hipStreamGetId hipStreamWaitValue32 hipStreamWaitValue64 hipStreamWriteValue32
        hipStreamWriteValue64 hipStreamAddCallback hipStreamAddCallback_spt
        hipDeviceGetStreamPriorityRange hipExtStreamCreateWithCUMask
    """,
    Category.QUERY: """
        hipInit hipGetDeviceCount hipGetDevice hipSetDevice hipDeviceGet hipDeviceGetName
        hipGetDeviceProperties hipDeviceGetAttribute hipDeviceGetLimit hipDeviceTotalMem
        hipDeviceComputeCapability hipDeviceGetPCIBusId hipDriverGetVersion hipRuntimeGetVersion
        hipMemGetInfo hipMemGetAddressRange hipMemPtrGetInfo hipPointerGetAttributes
        hipPointerGetAttribute hipHostGetDevicePointer hipGetSymbolAddress hipGetSymbolSize
        hipFuncGetAttribute hipFuncGetAttributes hipKernelNameRef hipGetLastError
        hipPeekAtLastError hipExtGetLastError hipGetErrorName hipGetErrorString
        hipDrvGetErrorName hipDrvGetErrorString
        hipModuleOccupancyMaxActiveBlocksPerMultiprocessor
        hipModuleOccupancyMaxActiveBlocksPerMultiprocessorWithFlags
        hipModuleOccupancyMaxPotentialBlockSize hipModuleOccupancyMaxPotentialBlockSizeWithFlags
    """,
}


@dataclass(frozen=True, slots=True)
class CallShape:
    """A function's category (None for a copy: the pointers decide), the names and roles of its
    parameters, the roles that always lie on the device, and the bytes of an element it sets."""

    category: Category | None
    parameters: tuple[str, ...] = ()
    roles: tuple[str, ...] = ()
    on_device: frozenset[str] = frozenset()
    element: int = 1


def _shape(category: Category | None, row: str, element: int = 1) -> CallShape:
    pairs = [entry.partition("=") for entry in row.split()]
    roles = [role or name for name, _, role in pairs]
    return CallShape(
        category,
        tuple(name for name, _, _ in pairs),
        tuple(role.rstrip("!") for role in roles),
        frozenset(role[:-1] for role in roles if role.endswith("!")),
        element,
    )


def _all_shapes() -> Iterator[tuple[str, CallShape]]:
    for name, row in COPIES.items():
        yield name, _shape(None, row)
    for name, (element, row) in MEMSETS.items():
        yield name, _shape(Category.MEMSET, row, element)
    for table, category in (
        (ALLOCATIONS, Category.ALLOC),
        (FREES, Category.FREE),
        (LAUNCHES, Category.LAUNCH),
        (MODULES, Category.MODULE),
    ):
        for name, row in table.items():
            yield name, _shape(category, row)
    for category, names in PLAIN.items():
        for name in names.split():
            yield name, CallShape(category)


SHAPES: Mapping[str, CallShape] = dict(_all_shapes())
UNKNOWN = CallShape(Category.OTHER)
