//! What the Rust programs declare of HIP, by hand, and how they check: std only, no crate.
#![allow(dead_code)]

use std::cell::Cell;
use std::ffi::{c_char, c_int, c_uint, c_void, CStr, CString};
use std::ptr::null_mut;

pub type Error = c_int;
pub type Pointer = *mut c_void;
pub type Stream = *mut c_void;
pub type Event = *mut c_void;
pub type Module = *mut c_void;
pub type Function = *mut c_void;

pub const SUCCESS: Error = 0;
pub const INVALID_VALUE: Error = 1;
pub const NOT_READY: Error = 600;
pub const HOST_TO_DEVICE: c_int = 1;
pub const DEVICE_TO_HOST: c_int = 2;
pub const DEVICE_TO_DEVICE: c_int = 3;
pub const STREAM_NON_BLOCKING: c_uint = 1;
pub const PARAM_BUFFER_POINTER: Pointer = 1 as Pointer;
pub const PARAM_BUFFER_SIZE: Pointer = 2 as Pointer;
pub const PARAM_END: Pointer = 3 as Pointer;

#[link(name = "amdhip64")]
extern "C" {
    pub fn hipInit(flags: c_uint) -> Error;
    pub fn hipGetDeviceCount(count: *mut c_int) -> Error;
    pub fn hipSetDevice(device: c_int) -> Error;
    pub fn hipGetDevice(device: *mut c_int) -> Error;
    pub fn hipGetDeviceProperties(properties: *mut c_void, device: c_int) -> Error;
    pub fn hipDeviceGetAttribute(value: *mut c_int, attribute: c_int, device: c_int) -> Error;
    pub fn hipDeviceSynchronize() -> Error;
    pub fn hipMemGetInfo(free: *mut usize, total: *mut usize) -> Error;
    pub fn hipMalloc(pointer: *mut Pointer, bytes: usize) -> Error;
    pub fn hipFree(pointer: Pointer) -> Error;
    pub fn hipHostMalloc(pointer: *mut Pointer, bytes: usize, flags: c_uint) -> Error;
    pub fn hipHostFree(pointer: Pointer) -> Error;
    pub fn hipMallocPitch(pointer: *mut Pointer, pitch: *mut usize, width: usize, height: usize) -> Error;
    pub fn hipMemcpy(to: Pointer, from: *const c_void, bytes: usize, kind: c_int) -> Error;
    pub fn hipMemcpyAsync(to: Pointer, from: *const c_void, bytes: usize, kind: c_int, stream: Stream) -> Error;
    pub fn hipMemcpyHtoD(to: Pointer, from: *const c_void, bytes: usize) -> Error;
    pub fn hipMemcpyDtoH(to: Pointer, from: Pointer, bytes: usize) -> Error;
    pub fn hipMemcpy2D(
        to: Pointer, to_pitch: usize, from: *const c_void, from_pitch: usize, width: usize, height: usize, kind: c_int,
    ) -> Error;
    pub fn hipMemset(pointer: Pointer, value: c_int, bytes: usize) -> Error;
    pub fn hipStreamCreate(stream: *mut Stream) -> Error;
    pub fn hipStreamCreateWithFlags(stream: *mut Stream, flags: c_uint) -> Error;
    pub fn hipStreamDestroy(stream: Stream) -> Error;
    pub fn hipStreamSynchronize(stream: Stream) -> Error;
    pub fn hipStreamQuery(stream: Stream) -> Error;
    pub fn hipStreamWaitEvent(stream: Stream, event: Event, flags: c_uint) -> Error;
    pub fn hipEventCreate(event: *mut Event) -> Error;
    pub fn hipEventDestroy(event: Event) -> Error;
    pub fn hipEventRecord(event: Event, stream: Stream) -> Error;
    pub fn hipEventSynchronize(event: Event) -> Error;
    pub fn hipEventElapsedTime(ms: *mut f32, start: Event, stop: Event) -> Error;
    pub fn hipModuleLoad(module: *mut Module, path: *const c_char) -> Error;
    pub fn hipModuleLoadData(module: *mut Module, image: *const c_void) -> Error;
    pub fn hipModuleUnload(module: Module) -> Error;
    pub fn hipModuleGetFunction(function: *mut Function, module: Module, name: *const c_char) -> Error;
    pub fn hipModuleLaunchKernel(
        function: Function, grid_x: c_uint, grid_y: c_uint, grid_z: c_uint, block_x: c_uint, block_y: c_uint,
        block_z: c_uint, lds: c_uint, stream: Stream, parameters: *mut Pointer, extra: *mut Pointer,
    ) -> Error;
    pub fn hipGetLastError() -> Error;
    pub fn hipGetErrorName(error: Error) -> *const c_char;
    pub fn hipGetErrorString(error: Error) -> *const c_char;
}

/// Ends the program where a call fails.
#[track_caller]
pub fn ok(error: Error) {
    if error != SUCCESS {
        let name = unsafe { CStr::from_ptr(hipGetErrorName(error)) };
        eprintln!("{}: {} ({})", std::panic::Location::caller(), name.to_string_lossy(), error);
        std::process::exit(1);
    }
}

/// Device memory for elements of one type, freed with its owner.
pub struct Buffer<T> {
    pub pointer: Pointer,
    pub count: usize,
    kind: std::marker::PhantomData<T>,
}

impl<T: Copy + Default> Buffer<T> {
    pub fn new(count: usize) -> Self {
        let mut pointer = null_mut();
        ok(unsafe { hipMalloc(&mut pointer, count * std::mem::size_of::<T>()) });
        Buffer { pointer, count, kind: std::marker::PhantomData }
    }

    pub fn from(values: &[T]) -> Self {
        let made = Self::new(values.len());
        ok(unsafe { hipMemcpy(made.pointer, values.as_ptr().cast(), std::mem::size_of_val(values), HOST_TO_DEVICE) });
        made
    }

    pub fn read(&self) -> Vec<T> {
        let mut values = vec![T::default(); self.count];
        let bytes = self.count * std::mem::size_of::<T>();
        ok(unsafe { hipMemcpy(values.as_mut_ptr().cast(), self.pointer, bytes, DEVICE_TO_HOST) });
        values
    }
}

impl<T> Drop for Buffer<T> {
    fn drop(&mut self) {
        ok(unsafe { hipFree(self.pointer) });
    }
}

/// The module kernels.co in the folder that the program was given.
pub fn module() -> Module {
    let folder = std::env::args().nth(1).expect("the folder of modules is the first argument");
    let path = CString::new(format!("{}/kernels.co", folder)).unwrap();
    let mut module = null_mut();
    ok(unsafe { hipModuleLoad(&mut module, path.as_ptr()) });
    module
}

pub fn function(module: Module, name: &str) -> Function {
    let name = CString::new(name).unwrap();
    let mut function = null_mut();
    ok(unsafe { hipModuleGetFunction(&mut function, module, name.as_ptr()) });
    function
}

/// The address of an argument, as hipModuleLaunchKernel wants it.
pub fn argument<T>(value: &T) -> Pointer {
    value as *const T as Pointer
}

#[track_caller]
pub fn launch(function: Function, grid: u32, block: u32, lds: u32, stream: Stream, arguments: &mut [Pointer]) {
    let parameters = arguments.as_mut_ptr();
    ok(unsafe {
        hipModuleLaunchKernel(function, grid, 1, 1, block, 1, 1, lds, stream, parameters, null_mut())
    });
}

/// Counts what was checked; says at the end whether all was right.
#[derive(Default)]
pub struct Verdict {
    checks: Cell<u32>,
    wrong: Cell<u32>,
}

impl Verdict {
    #[track_caller]
    pub fn check(&self, good: bool, what: &str) {
        self.checks.set(self.checks.get() + 1);
        if !good {
            self.wrong.set(self.wrong.get() + 1);
            eprintln!("{}: not so: {}", std::panic::Location::caller(), what);
        }
    }

    pub fn close(&self, name: &str) {
        let wrong = self.wrong.get() > 0 || self.checks.get() == 0;
        let word = if wrong { "WRONG" } else { "RIGHT" };
        println!("{}: {} checks, {} wrong: {}", name, self.checks.get(), self.wrong.get(), word);
        std::process::exit(wrong as i32);
    }
}
