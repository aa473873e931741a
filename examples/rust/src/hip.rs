//! What of HIP is used, and arrays in device memory.

use std::ffi::{c_char, c_int, c_uint, c_void, CString};
use std::mem::size_of_val;
use std::ptr::null_mut;

extern "C" {
    fn hipMalloc(pointer: *mut *mut c_void, size: usize) -> c_int;
    fn hipFree(pointer: *mut c_void) -> c_int;
    fn hipMemcpy(dst: *mut c_void, src: *const c_void, size: usize, kind: c_int) -> c_int;
    fn hipModuleLoad(module: *mut *mut c_void, path: *const c_char) -> c_int;
    fn hipModuleGetFunction(function: *mut *mut c_void, module: *mut c_void, name: *const c_char) -> c_int;
    fn hipModuleLaunchKernel(
        function: *mut c_void,
        grid_x: c_uint,
        grid_y: c_uint,
        grid_z: c_uint,
        block_x: c_uint,
        block_y: c_uint,
        block_z: c_uint,
        shared_bytes: c_uint,
        stream: *mut c_void,
        arguments: *mut *mut c_void,
        extra: *mut *mut c_void,
    ) -> c_int;
}

const TO_DEVICE: c_int = 1;
const TO_HOST: c_int = 2;

/// What HIP refused, by its number.
pub type HipResult<T> = Result<T, c_int>;

fn check(code: c_int) -> HipResult<()> {
    if code == 0 { Ok(()) } else { Err(code) }
}

/// Floats in device memory, freed when dropped.
pub struct DeviceVec {
    pub pointer: *mut c_void,
    len: usize,
}

impl DeviceVec {
    /// Uploads values.
    pub fn from_host(values: &[f32]) -> HipResult<Self> {
        let mut pointer = null_mut();
        check(unsafe { hipMalloc(&mut pointer, size_of_val(values)) })?;
        let made = Self { pointer, len: values.len() };
        check(unsafe { hipMemcpy(pointer, values.as_ptr().cast(), size_of_val(values), TO_DEVICE) })?;
        Ok(made)
    }

    /// Downloads all of it.
    pub fn to_host_vec(&self) -> HipResult<Vec<f32>> {
        let mut values = vec![0.0; self.len];
        check(unsafe { hipMemcpy(values.as_mut_ptr().cast(), self.pointer, size_of_val(&values[..]), TO_HOST) })?;
        Ok(values)
    }
}

impl Drop for DeviceVec {
    fn drop(&mut self) {
        unsafe { hipFree(self.pointer) };
    }
}

/// Launches a kernel of a code object on so many workgroups of 256; does not wait for it.
pub fn launch(path: &str, symbol: &str, workgroups: u32, arguments: &mut [*mut c_void]) -> HipResult<()> {
    let path = CString::new(path).expect("a path without NUL");
    let symbol = CString::new(symbol).expect("a name without NUL");
    let (mut module, mut function) = (null_mut(), null_mut());
    unsafe {
        check(hipModuleLoad(&mut module, path.as_ptr()))?;
        check(hipModuleGetFunction(&mut function, module, symbol.as_ptr()))?;
        let arguments = arguments.as_mut_ptr();
        check(hipModuleLaunchKernel(function, workgroups, 1, 1, 256, 1, 1, 0, null_mut(), arguments, null_mut()))
    }
}
