// options: modules
//! The first program: a module, device memory, one kernel, arguments by address.
mod hip;
use hip::*;
use std::ptr::null_mut;

fn main() {
    let verdict = Verdict::default();
    let count = 10_007usize;
    let x: Vec<f32> = (0..count).map(|i| i as f32 * 0.5).collect();
    let y: Vec<f32> = (0..count).map(|i| (i % 31) as f32).collect();
    let module = module();
    {
        let (on_x, on_y) = (Buffer::from(&x), Buffer::from(&y));
        let (a, n) = (4.0f32, count as i32);
        let mut arguments = [argument(&a), argument(&on_x.pointer), argument(&on_y.pointer), argument(&n)];
        let blocks = ((count + 255) / 256) as u32;
        launch(function(module, "saxpy"), blocks, 256, 0, null_mut(), &mut arguments);
        let seen = on_y.read();
        verdict.check((0..count).all(|i| seen[i] == 4.0 * x[i] + y[i]), "a * x + y");
    }
    ok(unsafe { hipModuleUnload(module) });
    verdict.close("saxpy");
}
