// options: modules
//! Streams and events: copies from pinned memory, kernels that wait for another stream, times.
mod hip;
use hip::*;
use std::ptr::null_mut;

const COUNT: usize = 4096;

fn pinned() -> *mut f32 {
    let mut pointer = null_mut();
    ok(unsafe { hipHostMalloc(&mut pointer, COUNT * 4, 0) });
    pointer.cast()
}

fn stream() -> Stream {
    let mut stream = null_mut();
    ok(unsafe { hipStreamCreateWithFlags(&mut stream, STREAM_NON_BLOCKING) });
    stream
}

fn event() -> Event {
    let mut event = null_mut();
    ok(unsafe { hipEventCreate(&mut event) });
    event
}

fn main() {
    let verdict = Verdict::default();
    let module = module();
    let saxpy = function(module, "saxpy");
    let (host, back) = (pinned(), pinned());
    for i in 0..COUNT {
        unsafe { *host.add(i) = i as f32 };
    }
    let (x, y) = (Buffer::<f32>::new(COUNT), Buffer::<f32>::new(COUNT));
    let (upload, compute, start, uploaded, stop) = (stream(), stream(), event(), event(), event());
    unsafe {
        ok(hipEventRecord(start, upload));
        ok(hipMemcpyAsync(x.pointer, host.cast(), COUNT * 4, HOST_TO_DEVICE, upload));
        ok(hipMemcpyAsync(y.pointer, host.cast(), COUNT * 4, HOST_TO_DEVICE, upload));
        ok(hipEventRecord(uploaded, upload));
        ok(hipStreamWaitEvent(compute, uploaded, 0));
    }
    let (a, n) = (2.0f32, COUNT as i32);
    for _ in 0..3 {
        let mut arguments = [argument(&a), argument(&x.pointer), argument(&y.pointer), argument(&n)];
        launch(saxpy, (COUNT / 128) as u32, 128, 0, compute, &mut arguments);
    }
    unsafe {
        ok(hipMemcpyAsync(back.cast(), y.pointer, COUNT * 4, DEVICE_TO_HOST, compute));
        ok(hipEventRecord(stop, compute));
        ok(hipEventSynchronize(stop));
        ok(hipStreamQuery(compute));
        let mut ms = -1.0f32;
        ok(hipEventElapsedTime(&mut ms, start, stop));
        verdict.check(ms > 0.0 && ms < 600_000.0, "a time that is plausible");
    }
    let right = (0..COUNT).all(|i| unsafe { *back.add(i) } == 7.0 * i as f32);
    verdict.check(right, "three times 2x, and x");
    drop((x, y));
    unsafe {
        for event in [start, uploaded, stop] {
            ok(hipEventDestroy(event));
        }
        ok(hipStreamDestroy(upload));
        ok(hipStreamDestroy(compute));
        ok(hipHostFree(host.cast()));
        ok(hipHostFree(back.cast()));
        ok(hipModuleUnload(module));
    }
    verdict.close("streams");
}
