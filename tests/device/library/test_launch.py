"""Fat binaries, kernels, variables and launches, as compilers make programs register and use them."""

from __future__ import annotations

import struct

import pytest

from rocverify.device.hip.calls import Answer
from tests.device.library.clients import build_c, run_c, run_python
from tests.device.library.fake_device import SHARED_START, fake_device

PROGRAM = r"""
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

typedef struct { uint32_t x, y, z; } dim3;
void **__hipRegisterFatBinary(const void *);
void __hipRegisterFunction(void **, const void *, char *, const char *, unsigned, void *, void *, dim3 *,
                           dim3 *, int *);
void __hipRegisterVar(void **, void *, char *, const char *, int, size_t, int, int);
void __hipRegisterManagedVar(void **, void **, void *, const char *, size_t, unsigned);
void __hipUnregisterFatBinary(void **);
int __hipPushCallConfiguration(dim3, dim3, size_t, void *);
int __hipPopCallConfiguration(dim3 *, dim3 *, size_t *, void **);
int hipLaunchKernel(const void *, dim3, dim3, void **, size_t, void *);
int hipModuleLaunchKernel(void *, unsigned, unsigned, unsigned, unsigned, unsigned, unsigned, unsigned,
                          void *, void **, void **);
int hipExtModuleLaunchKernel(void *, uint32_t, uint32_t, uint32_t, uint32_t, uint32_t, uint32_t, size_t,
                             void *, void **, void **, void *, void *, uint32_t);
int hipLaunchCooperativeKernel(const void *, dim3, dim3, void **, unsigned, void *);
int hipMemcpyToSymbol(const void *, const void *, size_t, size_t, int);
int hipMemcpyFromSymbol(void *, const void *, size_t, size_t, int);
int hipGetSymbolAddress(void **, const void *);
int hipDeviceReset(void);
int hipDeviceSynchronize(void);

static char bundle[4096] = "__CLANG_OFFLOAD_BUNDLE__";
static struct { uint32_t magic, version; const void *data, *none; } wrapper = {0x48495046, 1, bundle, 0};
static char stub, other_stub, shadow;
static int *managed, managed_start[2] = {41, 42};

static void **register_all(void) {
    uint64_t entry[] = {1, 4000, 50, 4};
    memcpy(bundle + 24, entry, sizeof entry);
    void **handle = __hipRegisterFatBinary(&wrapper);
    __hipRegisterFunction(handle, &stub, "k", "_Z1kPfi", -1, 0, 0, 0, 0, 0);
    __hipRegisterVar(handle, &shadow, "v", "variable", 0, 16, 0, 0);
    __hipRegisterManagedVar(handle, (void **)&managed, managed_start, "m", sizeof managed_start, 4);
    return handle;
}

static int chevron(dim3 grid, dim3 block, size_t shared, void *pointer, int n) {
    dim3 g, b;
    size_t s;
    void *stream, *args[] = {&pointer, &n};
    __hipPushCallConfiguration(grid, block, shared, 0);
    __hipPopCallConfiguration(&g, &b, &s, &stream);
    return hipLaunchKernel(&stub, g, b, args, s, stream);
}

int main(void) {
    void **handle = register_all();
    BODY
    __hipUnregisterFatBinary(handle);
    return 0;
}
"""
KERNEL = (
    struct.pack("<IIIIIIII", 2, 12, 1024, 65536, 1000, 1000, 1000, 0)
    + struct.pack("<4I", 0, 8, 8, 4)
    + b"k\0"
)
FUNCTION, MODULE = 0xF00, 0xA00


@pytest.fixture
def answers():
    """Of a module with one kernel k(float *, int)."""
    return {
        "rv_load_fat_binary": lambda *_: Answer(values=(MODULE,)),
        "hipModuleGetFunction": lambda *_: Answer(values=(FUNCTION,), payload=KERNEL),
        "hipHostRegister": lambda *_: Answer(values=(8192,)),
    }


def run(tmp_path, answers, body):
    """Runs PROGRAM with a body; the context with what it was asked, and the program's output."""
    program = build_c(tmp_path, PROGRAM.replace("BODY", body), "-w")
    with fake_device(answers) as device:
        result = run_c(program, device.path)
        assert all(context.closed.wait(10) for context in device.contexts)
    assert result.returncode == 0, result.stderr
    return next(iter(device.contexts), None), result.stdout


def test_a_triple_chevron_is_queued(tmp_path, answers):
    body = 'printf("%d", chevron((dim3){3, 1, 1}, (dim3){256, 1, 1}, 100, (void *)0x7000, -5));'
    context, output = run(tmp_path, answers, body)
    assert output == "0"
    (load,) = context.named("rv_load_fat_binary")
    assert load.args[1] == 4050
    (get,) = context.named("hipModuleGetFunction")
    assert (get.args, get.payload) == ((MODULE,), b"_Z1kPfi")
    (launch,) = context.named("hipLaunchKernel")
    assert launch.args == (FUNCTION, 3, 1, 1, 256, 1, 1, 100, 0, 0, 0, 0)
    assert launch.payload == struct.pack("<Qi", 0x7000, -5)
    assert not launch.waits


def test_a_fat_binary_is_loaded_once_and_again_after_a_reset(tmp_path, answers):
    one = "chevron((dim3){1, 1, 1}, (dim3){1, 1, 1}, 0, 0, 0);"
    context, _ = run(tmp_path, answers, one * 3 + "hipDeviceReset();" + one * 2)
    assert len(context.named("rv_load_fat_binary")) == 2
    assert len(context.named("hipModuleGetFunction")) == 2
    assert len(context.named("hipLaunchKernel")) == 5


@pytest.mark.parametrize(
    ("grid", "block", "shared"),
    [
        ((1001, 1, 1), (1, 1, 1), 0),
        ((1, 1, 1), (1025, 1, 1), 0),
        ((1, 1, 1), (32, 32, 2), 0),
        ((1, 1, 1), (1, 1, 1), 65537),
        ((0, 1, 1), (1, 1, 1), 0),
        ((1, 1, 1), (1, 0, 1), 0),
        ((1, 1, 1), (65536, 65536, 65536), 0),
    ],
)
def test_what_is_not_plainly_possible_is_judged_by_the_device_process(tmp_path, answers, grid, block, shared):
    answers["hipLaunchKernel"] = lambda *_: Answer(9)
    numbers = [", ".join(map(str, three)) for three in (grid, block)]
    body = f'printf("%d", chevron((dim3){{{numbers[0]}}}, (dim3){{{numbers[1]}}}, {shared}, 0, 0));'
    context, output = run(tmp_path, answers, body)
    assert output == "9"
    assert context.named("hipLaunchKernel")[0].waits


def test_a_fat_binary_that_is_refused_is_sent_once(tmp_path, answers):
    answers["rv_load_fat_binary"] = lambda *_: Answer(209)
    one = 'printf("%d ", chevron((dim3){1, 1, 1}, (dim3){1, 1, 1}, 0, 0, 0));'
    context, output = run(tmp_path, answers, one * 2)
    assert output == "209 209 "
    assert len(context.named("rv_load_fat_binary")) == 1


def test_unknown_stubs_and_missing_arguments(tmp_path, answers):
    body = r"""
    dim3 one = {1, 1, 1};
    void *args[] = {0, 0}, *wild[] = {(void *)16, (void *)16};
    printf("%d ", hipLaunchKernel(&other_stub, one, one, args, 0, 0));
    printf("%d ", hipLaunchKernel(0, one, one, args, 0, 0));
    printf("%d ", hipLaunchKernel(&stub, one, one, 0, 0, 0));
    printf("%d ", hipLaunchKernel(&stub, one, one, args, 0, 0));
    printf("%d ", hipLaunchKernel(&stub, one, one, wild, 0, 0));
    printf("%d ", hipModuleLaunchKernel(0, 1, 1, 1, 1, 1, 1, 0, 0, 0, 0));
    """
    context, output = run(tmp_path, answers, body)
    assert output == "98 98 1 1 1 400 "
    told = context.named("hipLaunchKernel")
    assert [(call.waits, call.payload) for call in told] == [(True, b"")] * 3, "refused and traced elsewhere"


def test_arguments_in_a_buffer(tmp_path, answers):
    body = r"""
    chevron((dim3){1, 1, 1}, (dim3){1, 1, 1}, 0, 0, 0);
    struct { void *p; int n, padding; } buffer = {(void *)0x1234, 77, -1};
    size_t size = sizeof buffer, wild = 1 << 20;
    void *extra[] = {(void *)1, &buffer, (void *)2, &size, (void *)3};
    void *bad[] = {(void *)1, &buffer, (void *)9, &size, (void *)3};
    void *args[] = {0};
    void *f = (void *)0xF00;
    printf("%d ", hipModuleLaunchKernel(f, 1, 2, 3, 4, 5, 6, 7, 0, 0, extra));
    printf("%d ", hipModuleLaunchKernel(f, 1, 2, 3, 4, 5, 6, 7, 0, 0, bad));
    printf("%d ", hipModuleLaunchKernel(f, 1, 2, 3, 4, 5, 6, 7, 0, args, extra));
    printf("%d ", hipModuleLaunchKernel(f, 1, 2, 3, 4, 5, 6, 7, (void *)0x999, 0, extra));
    printf("%d ", hipExtModuleLaunchKernel(f, 8, 6, 3, 4, 2, 3, 7, 0, 0, extra, 0, 0, 0));
    printf("%d ", hipExtModuleLaunchKernel(f, 9, 6, 3, 4, 2, 3, 7, 0, 0, extra, 0, 0, 0));
    """
    context, output = run(tmp_path, answers, body)
    assert output == "0 1 1 0 0 0 "
    one, bad, both, stranger = context.named("hipModuleLaunchKernel")
    assert (bad.payload, both.payload) == (b"", b"")
    assert one.args == (FUNCTION, 1, 2, 3, 4, 5, 6, 7, 0, 0, 0, 0)
    assert one.payload == struct.pack("<Qii", 0x1234, 77, -1), "an argument too many would show"
    assert (one.waits, stranger.waits) == (False, True), "a stream that is not known is judged"
    divided, uneven = context.named("hipExtModuleLaunchKernel")
    assert divided.args == (FUNCTION, 2, 3, 1, 4, 2, 3, 7, 0, 0, 0, 0)
    assert uneven.args == (FUNCTION, 9, 6, 3, 4, 2, 3, 7, 0, 0, 0, 1)


def test_cooperative_launches_wait_for_the_judgement(tmp_path, answers):
    answers["hipLaunchCooperativeKernel"] = lambda *_: Answer(720)
    body = r"""
    void *pointer = 0, *args[] = {&pointer, &pointer};
    printf("%d", hipLaunchCooperativeKernel(&stub, (dim3){1, 1, 1}, (dim3){1, 1, 1}, args, 0, 0));
    """
    _, output = run(tmp_path, answers, body)
    assert output == "720"


def test_symbols(tmp_path, answers):
    answers["hipMemcpyFromSymbol"] = lambda *_: Answer(payload=b"from dev")
    answers["hipGetSymbolAddress"] = lambda *_: Answer(values=(0x7777,))
    body = r"""
    char room[9] = "";
    void *address;
    printf("%d ", hipMemcpyToSymbol(&shadow, "to a device", 11, 5, 1));
    printf("%d ", hipMemcpyFromSymbol(room, &shadow, 8, 0, 2));
    printf("%d ", hipGetSymbolAddress(&address, &shadow));
    printf("%s %p ", room, address);
    printf("%d ", hipMemcpyToSymbol(&stub, "x", 1, 0, 1));
    """
    context, output = run(tmp_path, answers, body)
    assert output == "0 0 0 from dev 0x7777 13 "
    copy = context.named("hipMemcpyToSymbol")[-1]
    assert copy.args[0] == MODULE
    assert copy.args[2:] == (11, 5, 1, 8)
    assert (copy.payload, copy.inline) == (b"variableto a device", True)


def test_managed_variables_are_there_before_any_call_and_shared_after(tmp_path, answers):
    def registered(call, _caller):
        seen.append(call.args)
        return Answer(0)

    seen = []
    answers["rv_host_registered"] = registered
    body = r"""
    printf("%d %d ", managed[0]++, managed[1]);
    chevron((dim3){1, 1, 1}, (dim3){1, 1, 1}, 0, 0, 0);
    printf("%d ", managed[0]);
    """
    context, output = run(tmp_path, answers, body)
    assert output == "41 42 42 "
    ((address, size, offset, _flags),) = seen
    assert (size, offset) == (4096, 8192)
    (copy,) = context.named("hipMemcpyToSymbol")
    assert copy.payload == b"m" + struct.pack("<Q", address)


def test_a_configuration_that_was_not_pushed(tmp_path, answers):
    body = 'dim3 d; size_t s; void *t; printf("%d", __hipPopCallConfiguration(&d, &d, &s, &t));'
    context, output = run(tmp_path, answers, body)
    assert output == "52"
    assert context is None, "nothing of that needs the device process"


def elf(extra: int = 0) -> bytes:
    """An ELF file without sections' contents: a head and `extra` sections."""
    head = struct.pack(
        "<4sBBBBQHHIQQQIHHHHHH", b"\x7fELF", 2, 1, 1, 0x40, 0, 3, 224, 1, 0, 0, 64, 0, 64, 56, 0, 64, extra, 0
    )
    return head + bytes(64 * extra)


@pytest.mark.parametrize(
    ("image", "size"),
    [
        (elf(), 64),
        (elf(3), 256),
        (b"__CLANG_OFFLOAD_BUNDLE__" + struct.pack("<QQQQ4s", 1, 100, 20, 4, b"host") + bytes(60), 120),
        (b"CCOB" + struct.pack("<HHII", 2, 1, 77, 1000) + bytes(70), 77),
        (b"CCOB" + struct.pack("<HHQQ", 3, 1, 78, 1000) + bytes(70), 78),
    ],
)
def test_how_long_an_image_is(image, size):
    with fake_device({"hipModuleLoadData": lambda *_: Answer(values=(1,))}) as device:
        run = run_python(f"print(hip.hipModuleLoadData(byref(c_void_p()), {image!r}))", device.path)
    assert run.stdout == "0\n", run.stderr
    (call,) = device.only.named("hipModuleLoadData")
    assert call.args[1] == size


@pytest.mark.parametrize("address", [16, SHARED_START])
def test_an_image_that_is_not_there(address):
    text = f"""
        hip.hipDeviceSynchronize()
        print(hip.hipModuleLoadData(byref(c_void_p()), pointer({address})))
        """
    with fake_device({"hipModuleLoadData": lambda *_: Answer(200)}) as device:
        run = run_python(text, device.path)
    assert run.stdout == "200\n", run.stderr
    (call,) = device.only.named("hipModuleLoadData")
    assert call.args[1] == 0
