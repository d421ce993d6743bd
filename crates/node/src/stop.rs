//! Ending the threads that look after a store.

use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::thread::{self, JoinHandle};
use std::time::Duration;

/// Whether a thread is to end.
#[derive(Default)]
pub struct Stop {
    wishes: Mutex<Wishes>,
    changed: Condvar,
}

#[derive(Default)]
struct Wishes {
    end: bool,
    called: bool,
}

impl Stop {
    /// Whether it is to end now.
    pub fn is_wanted(&self) -> bool {
        self.wishes().end
    }

    /// Waits that long, or until it is to end; whether it is.
    pub fn wait(&self, wait: Duration) -> bool {
        self.wait_while(wait, |_| true)
    }

    /// As [`Self::wait`], but no longer than until the next call, or not at all if there was one since
    /// the last wait of this kind.
    pub fn wait_for_call(&self, wait: Duration) -> bool {
        let end = self.wait_while(wait, |wishes| !wishes.called);
        self.wishes().called = false;
        end
    }

    fn wait_while(&self, wait: Duration, on: impl Fn(&Wishes) -> bool) -> bool {
        let waiting = |wishes: &mut Wishes| !wishes.end && on(wishes);
        let waited = self.changed.wait_timeout_while(self.wishes(), wait, waiting);
        waited.unwrap_or_else(PoisonError::into_inner).0.end
    }

    fn call(&self) {
        self.wishes().called = true;
        self.changed.notify_all();
    }

    fn wishes(&self) -> MutexGuard<'_, Wishes> {
        self.wishes.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// A running thread that ends when it is told to.
pub struct Stoppable {
    stop: Arc<Stop>,
    thread: Mutex<Option<JoinHandle<()>>>,
}

impl Stoppable {
    /// Starts it. Nothing runs if there is no thread to spare.
    pub fn start(name: &str, run: impl FnOnce(&Stop) + Send + 'static) -> Self {
        let stop = Arc::new(Stop::default());
        let seen = Arc::clone(&stop);
        let thread = thread::Builder::new().name(name.into()).spawn(move || run(&seen)).ok();
        Self { stop, thread: Mutex::new(thread) }
    }

    /// What calls it out of [`Stop::wait_for_call`].
    pub fn caller(&self) -> impl Fn() + Send + Sync + 'static {
        let stop = Arc::clone(&self.stop);
        move || stop.call()
    }

    /// Tells it to end and waits for that.
    pub fn stop(&self) {
        self.stop.wishes().end = true;
        self.stop.changed.notify_all();
        let thread = self.thread.lock().unwrap_or_else(PoisonError::into_inner).take();
        if let Some(thread) = thread {
            let _ = thread.join();
        }
    }
}
