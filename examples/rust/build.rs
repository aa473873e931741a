//! Compiles the kernel to a code object, by rocverify's own command: it needs no ROCm.

use std::env;
use std::path::PathBuf;
use std::process::Command;

fn main() {
    println!("cargo:rerun-if-changed=kernels/saxpy.hip");
    let object = PathBuf::from(env::var_os("OUT_DIR").expect("Cargo sets it")).join("saxpy.hsaco");
    let status = Command::new("rocverify")
        .args(["compile", "kernels/saxpy.hip", "-o"])
        .arg(&object)
        .status()
        .expect("rocverify is on the PATH");
    assert!(status.success(), "kernels/saxpy.hip does not compile");
    println!("cargo:rustc-env=SAXPY_HSACO={}", object.display());
    println!("cargo:rustc-link-lib=dylib=amdhip64");
}
