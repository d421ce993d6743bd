//! The threads that answer questions about stores: some at most, however many questions there are, so
//! that a program may ask about all its actors at once. Deletions that wait together share a sync.

use std::collections::VecDeque;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::thread;

const THREADS_MAX: usize = 64;

type Work = Box<dyn FnOnce() + Send>;

/// What waits, in the order in which it came, and how many threads there are to do it.
struct Waiting {
    work: VecDeque<Work>,
    threads: usize,
}

static WAITING: Mutex<Waiting> = Mutex::new(Waiting { work: VecDeque::new(), threads: 0 });

fn waiting() -> MutexGuard<'static, Waiting> {
    WAITING.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Has work done soon, on another thread if there is one to be had.
pub fn ask(work: impl FnOnce() + Send + 'static) {
    let mut waiting = waiting();
    waiting.work.push_back(Box::new(work));
    if waiting.threads == THREADS_MAX {
        return;
    }
    waiting.threads += 1;
    drop(waiting);
    let name = "actor-sqlite-ask".into();
    if thread::Builder::new().name(name).spawn(answer).is_err() {
        answer();
    }
}

/// Does what waits, until nothing does.
fn answer() {
    loop {
        let mut waiting = waiting();
        let Some(work) = waiting.work.pop_front() else {
            waiting.threads -= 1;
            return;
        };
        drop(waiting);
        // It answers for its own panics; the thread goes on in any case.
        let _ = catch_unwind(AssertUnwindSafe(work));
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use std::sync::atomic::{AtomicUsize, Ordering};
    use std::sync::{Arc, mpsc};

    use super::*;

    #[test]
    fn all_questions_are_answered_by_no_more_threads_than_there_may_be() {
        let (answered, answers) = mpsc::channel();
        let (now, most) = (Arc::new(AtomicUsize::new(0)), Arc::new(AtomicUsize::new(0)));
        for number in 0..2_000_u32 {
            let (answered, now, most) = (answered.clone(), Arc::clone(&now), Arc::clone(&most));
            ask(move || {
                most.fetch_max(now.fetch_add(1, Ordering::SeqCst) + 1, Ordering::SeqCst);
                thread::yield_now();
                now.fetch_sub(1, Ordering::SeqCst);
                answered.send(number).unwrap();
                assert!(!number.is_multiple_of(100), "a panic ends nothing");
            });
        }
        let mut all: Vec<_> = answers.iter().take(2_000).collect();
        all.sort_unstable();
        assert!(all.into_iter().eq(0..2_000));
        assert!(most.load(Ordering::SeqCst) <= THREADS_MAX);
    }
}
