// options: modules
//! Properties by the offsets of HIP 5.2's struct, a matrix with a pitch, free memory, errors.
mod hip;
use hip::*;
use std::ffi::{c_int, c_void, CStr};
use std::ptr::{null, null_mut};

const PROPERTIES_BYTES: usize = 792;
const WARP_SIZE: c_int = 87; // hipDeviceAttributeWarpSize of HIP 5

fn number_at(properties: &[u8], at: usize) -> i32 {
    i32::from_ne_bytes(properties[at..at + 4].try_into().unwrap())
}

fn check_device(verdict: &Verdict) {
    let (mut count, mut warp) = (0, 0);
    let mut properties = vec![0xa5u8; PROPERTIES_BYTES + 64];
    unsafe {
        ok(hipInit(0));
        ok(hipGetDeviceCount(&mut count));
        ok(hipSetDevice(0));
        ok(hipGetDeviceProperties(properties.as_mut_ptr().cast::<c_void>(), 0));
        ok(hipDeviceGetAttribute(&mut warp, WARP_SIZE, 0));
    }
    verdict.check(count >= 1, "there is a device");
    verdict.check(number_at(&properties, 276) == warp && (warp == 32 || warp == 64), "the size of a wave");
    verdict.check(number_at(&properties, 280) == 1024, "threads of a workgroup");
    let name = CStr::from_bytes_until(&properties[396..]);
    verdict.check(name.starts_with("gfx"), "the name of the target");
    verdict.check(properties[PROPERTIES_BYTES..].iter().all(|&byte| byte == 0xa5), "nothing beyond the struct");
}

trait UntilNul {
    fn from_bytes_until(bytes: &[u8]) -> String;
}

impl UntilNul for CStr {
    fn from_bytes_until(bytes: &[u8]) -> String {
        bytes.iter().take_while(|&&byte| byte != 0).map(|&byte| byte as char).collect()
    }
}

fn check_errors(verdict: &Verdict) {
    unsafe {
        let refused = hipMemcpy(null_mut(), null(), 4, HOST_TO_DEVICE);
        verdict.check(refused == INVALID_VALUE, "a copy from nowhere is refused");
        verdict.check(hipGetLastError() == INVALID_VALUE, "and remembered");
        verdict.check(hipGetLastError() == SUCCESS, "once");
        let words = CStr::from_ptr(hipGetErrorString(INVALID_VALUE)).to_string_lossy();
        verdict.check(words == "invalid argument", "and has words");
    }
}

fn main() {
    let verdict = Verdict::default();
    check_device(&verdict);
    let (rows, columns) = (45usize, 19usize);
    let matrix: Vec<f32> = (0..rows * columns).map(|i| (i % 23) as f32 - 11.0).collect();
    let x: Vec<f32> = (0..columns).map(|i| i as f32 * 0.25).collect();
    let (mut pointer, mut pitch, mut free, mut total) = (null_mut(), 0usize, 0usize, 0usize);
    let row = columns * 4;
    unsafe {
        ok(hipMallocPitch(&mut pointer, &mut pitch, row, rows));
        ok(hipMemcpy2D(pointer, pitch, matrix.as_ptr().cast(), row, row, rows, HOST_TO_DEVICE));
        ok(hipMemGetInfo(&mut free, &mut total));
    }
    verdict.check(free < total && pitch >= row, "memory is in use");
    let module = module();
    let (on_x, on_y) = (Buffer::from(&x), Buffer::<f32>::new(rows));
    let (m, n) = (rows as i32, columns as i32);
    let mut arguments = [
        argument(&pointer), argument(&pitch), argument(&on_x.pointer), argument(&on_y.pointer), argument(&m), argument(&n),
    ];
    launch(function(module, "matvec"), 1, 64, 0, null_mut(), &mut arguments);
    let seen = on_y.read();
    for i in 0..rows {
        let wanted: f32 = (0..columns).map(|j| matrix[i * columns + j] * x[j]).sum();
        verdict.check(seen[i] == wanted, "a row times x");
    }
    check_errors(&verdict);
    drop((on_x, on_y));
    ok(unsafe { hipFree(pointer) });
    ok(unsafe { hipModuleUnload(module) });
    verdict.close("matvec");
}
