// options: modules
//! A softmax of rows, its arguments packed into one buffer (`extra`), and row sums with dynamic LDS.
mod hip;
use hip::*;
use std::mem::size_of;
use std::ptr::null_mut;

#[repr(C)]
struct Packed {
    input: Pointer,
    output: Pointer,
    width: i32,
}

fn launch_packed(kernel: Function, grid: u32, block: u32, lds: u32, mut packed: Packed) {
    let mut size = size_of::<Packed>();
    let mut extra = [
        PARAM_BUFFER_POINTER,
        &mut packed as *mut Packed as Pointer,
        PARAM_BUFFER_SIZE,
        &mut size as *mut usize as Pointer,
        PARAM_END,
    ];
    let extra = extra.as_mut_ptr();
    ok(unsafe { hipModuleLaunchKernel(kernel, grid, 1, 1, block, 1, 1, lds, null_mut(), null_mut(), extra) });
}

fn softmax(row: &[f32]) -> Vec<f64> {
    let largest = row.iter().cloned().fold(f32::NEG_INFINITY, f32::max) as f64;
    let powers: Vec<f64> = row.iter().map(|&x| (x as f64 - largest).exp()).collect();
    let sum: f64 = powers.iter().sum();
    powers.iter().map(|power| power / sum).collect()
}

fn main() {
    let verdict = Verdict::default();
    let (rows, width) = (17usize, 301usize);
    let values: Vec<f32> = (0..rows * width).map(|i| ((i * 37) % 101) as f32 * 0.125 - 6.0).collect();
    let module = module();
    let (input, output, sums) = (Buffer::from(&values), Buffer::<f32>::new(rows * width), Buffer::<f32>::new(rows));
    let packed = |to: Pointer| Packed { input: input.pointer, output: to, width: width as i32 };
    launch_packed(function(module, "row_softmax"), rows as u32, 256, 0, packed(output.pointer));
    launch_packed(function(module, "row_sums"), rows as u32, 64, 64 * 4, packed(sums.pointer));
    let (seen, seen_sums) = (output.read(), sums.read());
    for row in 0..rows {
        let line = &values[row * width..(row + 1) * width];
        let wanted = softmax(line);
        let close = (0..width).all(|i| (seen[row * width + i] as f64 - wanted[i]).abs() <= 2e-6 * wanted[i] + 1e-9);
        verdict.check(close, "softmax of a row");
        let sum: f64 = line.iter().map(|&x| x as f64).sum();
        verdict.check((seen_sums[row] as f64 - sum).abs() < 1e-2, "sum of a row");
    }
    drop((input, output, sums));
    ok(unsafe { hipModuleUnload(module) });
    verdict.close("softmax");
}
