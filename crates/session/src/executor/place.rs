//! Lending a place on purpose: who knows that it will wait need not stand still first.

use std::cell::RefCell;
use std::sync::Arc;
use std::sync::atomic::Ordering;

use super::pool::Shared;

thread_local! {
    /// The executor this thread works for, and its index there.
    static WORKER: RefCell<Option<(Arc<Shared>, usize)>> = const { RefCell::new(None) };
}

/// Makes this thread known as a worker.
pub(super) fn set_worker(worker: Option<(Arc<Shared>, usize)>) {
    WORKER.with(|it| it.replace(worker));
}

/// Lets another thread run while `wait` does. On a thread of no executor it just runs.
pub(crate) fn without_place<T>(wait: impl FnOnce() -> T) -> T {
    /// Takes the place again, also when `wait` panics.
    struct Back(Arc<Shared>, usize);
    impl Drop for Back {
        fn drop(&mut self) {
            self.0.take_place_back(self.1);
        }
    }
    let worker = WORKER.with(|it| it.borrow().clone());
    let _back =
        worker.and_then(|(shared, index)| shared.lend_place(index).then(|| Back(shared, index)));
    wait()
}

impl Shared {
    /// False if the place is lent already.
    fn lend_place(self: &Arc<Self>, index: usize) -> bool {
        let mut state = self.lock();
        let worker = &mut state.workers[index];
        if !worker.busy || std::mem::replace(&mut worker.lent, true) {
            return false;
        }
        worker.progress.lent.store(true, Ordering::Relaxed);
        state.running -= 1;
        state.counters.places_lent += 1;
        self.staff(&mut state);
        true
    }

    /// If no place is free, the thread runs on to the end of its command without one.
    fn take_place_back(&self, index: usize) {
        let mut state = self.lock();
        if state.running < self.options.threads {
            state.running += 1;
            state.workers[index].lent = false;
            state.workers[index].progress.lent.store(false, Ordering::Relaxed);
        }
    }
}
