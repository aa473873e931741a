//! y += a * x on the device, compared on the host.

mod hip;

use std::ffi::c_void;
use std::process::ExitCode;

use hip::{launch, DeviceVec, HipResult};

/// Does not wait for the kernel.
pub fn add_scaled(mut a: f32, x: &DeviceVec, y: &mut DeviceVec, mut n: i32) -> HipResult<()> {
    let (mut x, mut y) = (x.pointer, y.pointer);
    let mut arguments: [*mut c_void; 4] = [
        (&mut a as *mut f32).cast(),
        (&mut x as *mut *mut c_void).cast(),
        (&mut y as *mut *mut c_void).cast(),
        (&mut n as *mut i32).cast(),
    ];
    launch(env!("SAXPY_HSACO"), "saxpy", (n as u32).div_ceil(256), &mut arguments)
}

fn computed(n: usize) -> HipResult<Vec<f32>> {
    let x = DeviceVec::from_host(&vec![1.0; n])?;
    let mut y = DeviceVec::from_host(&vec![2.0; n])?;
    add_scaled(3.0, &x, &mut y, n as i32)?;
    y.to_host_vec()
}

fn main() -> ExitCode {
    let n = std::env::args().nth(1).map_or(1000, |text| text.parse().expect("a number of elements"));
    match computed(n) {
        Ok(values) if values.iter().all(|&value| value == 5.0) => println!("PASS"),
        Ok(_) => return ExitCode::FAILURE,
        Err(code) => {
            eprintln!("HIP error {code}");
            return ExitCode::FAILURE;
        }
    }
    ExitCode::SUCCESS
}
