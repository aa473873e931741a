//! A kernel compiled while the program runs, by the names that libamdhip64 of HIP 5 exports itself.
mod hip;
use hip::*;
use std::ffi::{c_char, c_int, c_void, CStr, CString};
use std::ptr::{null, null_mut};

#[link(name = "amdhip64")]
extern "C" {
    fn hiprtcCreateProgram(
        program: *mut *mut c_void, source: *const c_char, name: *const c_char, headers: c_int,
        texts: *const *const c_char, names: *const *const c_char,
    ) -> c_int;
    fn hiprtcCompileProgram(program: *mut c_void, options: c_int, texts: *const *const c_char) -> c_int;
    fn hiprtcGetProgramLogSize(program: *mut c_void, size: *mut usize) -> c_int;
    fn hiprtcGetProgramLog(program: *mut c_void, log: *mut c_char) -> c_int;
    fn hiprtcGetCodeSize(program: *mut c_void, size: *mut usize) -> c_int;
    fn hiprtcGetCode(program: *mut c_void, code: *mut c_char) -> c_int;
    fn hiprtcDestroyProgram(program: *mut *mut c_void) -> c_int;
    fn hiprtcGetErrorString(result: c_int) -> *const c_char;
}

const SOURCE: &str = r#"
extern "C" __global__ void collatz(const unsigned *in, unsigned *steps, int count) {
    int at = blockIdx.x * blockDim.x + threadIdx.x;
    if (at >= count) return;
    unsigned n = in[at], taken = 0;
    while (n != 1) {
        n = n % 2 ? 3 * n + 1 : n / 2;
        ++taken;
    }
    steps[at] = taken;
}
"#;

#[track_caller]
fn rtc(result: c_int) {
    if result != 0 {
        let words = unsafe { CStr::from_ptr(hiprtcGetErrorString(result)) };
        eprintln!("{}: {}", std::panic::Location::caller(), words.to_string_lossy());
        std::process::exit(1);
    }
}

fn log_of(program: *mut c_void) -> String {
    let mut size = 0usize;
    rtc(unsafe { hiprtcGetProgramLogSize(program, &mut size) });
    let mut log = vec![0u8; size + 1];
    rtc(unsafe { hiprtcGetProgramLog(program, log.as_mut_ptr().cast()) });
    String::from_utf8_lossy(&log).into_owned()
}

fn compiled(source: &str) -> Result<Vec<u8>, String> {
    let (source, name) = (CString::new(source).unwrap(), CString::new("collatz.hip").unwrap());
    let mut program = null_mut();
    let mut size = 0usize;
    unsafe {
        rtc(hiprtcCreateProgram(&mut program, source.as_ptr(), name.as_ptr(), 0, null(), null()));
        if hiprtcCompileProgram(program, 0, null()) != 0 {
            let log = log_of(program);
            rtc(hiprtcDestroyProgram(&mut program));
            return Err(log);
        }
        rtc(hiprtcGetCodeSize(program, &mut size));
        let mut code = vec![0u8; size];
        rtc(hiprtcGetCode(program, code.as_mut_ptr().cast()));
        rtc(hiprtcDestroyProgram(&mut program));
        Ok(code)
    }
}

fn steps_of(mut n: u32) -> u32 {
    let mut taken = 0;
    while n != 1 {
        n = if n % 2 == 1 { 3 * n + 1 } else { n / 2 };
        taken += 1;
    }
    taken
}

fn main() {
    let verdict = Verdict::default();
    let code = compiled(SOURCE).expect("the source compiles");
    let mut module = null_mut();
    ok(unsafe { hipModuleLoadData(&mut module, code.as_ptr().cast()) });
    let numbers: Vec<u32> = (1..=1500).collect();
    let (input, steps) = (Buffer::from(&numbers), Buffer::<u32>::new(numbers.len()));
    let n = numbers.len() as i32;
    let mut arguments = [argument(&input.pointer), argument(&steps.pointer), argument(&n)];
    launch(function(module, "collatz"), 12, 128, 0, null_mut(), &mut arguments);
    let seen = steps.read();
    verdict.check(numbers.iter().zip(&seen).all(|(&n, &taken)| steps_of(n) == taken), "steps of all numbers");
    let log = compiled("__global__ void k() { no_such_name(); }").expect_err("this does not compile");
    verdict.check(log.contains("no_such_name"), "the log names what is wrong");
    drop((input, steps));
    ok(unsafe { hipModuleUnload(module) });
    verdict.close("runtime_compiled");
}
