// options: modules
//! Threads of Rust, each with a stream of its own, on one module.
mod hip;
use hip::*;
use std::ptr::null_mut;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::Arc;

const COUNT: usize = 1000;

fn work(mine: usize, polynomial: usize) -> usize {
    let mut stream = null_mut();
    ok(unsafe { hipStreamCreate(&mut stream) });
    let mut wrong = 0;
    for round in 0..8 {
        let x: Vec<f32> = (0..COUNT).map(|i| ((i * (mine + 1) + round) % 16) as f32).collect();
        let (on_x, on_y) = (Buffer::from(&x), Buffer::<f32>::new(COUNT));
        let n = COUNT as i32;
        let mut arguments = [argument(&on_x.pointer), argument(&on_y.pointer), argument(&n)];
        launch(polynomial as Function, 8, 128, 0, stream, &mut arguments);
        ok(unsafe { hipStreamSynchronize(stream) });
        let seen = on_y.read();
        wrong += (0..COUNT).filter(|&i| seen[i] != 1.0 + x[i] * (0.5 + x[i] * (0.25 + x[i] * 0.125))).count();
    }
    ok(unsafe { hipStreamDestroy(stream) });
    wrong
}

fn main() {
    let verdict = Verdict::default();
    let module = module();
    let polynomial = function(module, "polynomial") as usize; // threads share numbers, not pointers
    let wrong = Arc::new(AtomicUsize::new(0));
    let threads: Vec<_> = (0..6)
        .map(|mine| {
            let wrong = wrong.clone();
            std::thread::spawn(move || wrong.fetch_add(work(mine, polynomial), Ordering::SeqCst))
        })
        .collect();
    for thread in threads {
        verdict.check(thread.join().is_ok(), "a thread ends");
    }
    verdict.check(wrong.load(Ordering::SeqCst) == 0, "all threads have what they computed");
    ok(unsafe { hipModuleUnload(module) });
    verdict.close("threads");
}
