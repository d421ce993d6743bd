//! Ending the threads that look after a store.

use std::sync::{Arc, Condvar, Mutex, PoisonError};
use std::thread::{self, JoinHandle};
use std::time::Duration;

/// Whether a thread is to end.
#[derive(Default)]
pub struct Stop {
    wanted: Mutex<bool>,
    changed: Condvar,
}

impl Stop {
    /// Whether it is to end now.
    pub fn is_wanted(&self) -> bool {
        *self.wanted.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Waits that long, or until it is to end; whether it is.
    pub fn wait(&self, wait: Duration) -> bool {
        let wanted = self.wanted.lock().unwrap_or_else(PoisonError::into_inner);
        let waited = self.changed.wait_timeout_while(wanted, wait, |wanted| !*wanted);
        *waited.unwrap_or_else(PoisonError::into_inner).0
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

    /// Tells it to end and waits for that.
    pub fn stop(&self) {
        *self.stop.wanted.lock().unwrap_or_else(PoisonError::into_inner) = true;
        self.stop.changed.notify_all();
        let thread = self.thread.lock().unwrap_or_else(PoisonError::into_inner).take();
        if let Some(thread) = thread {
            let _ = thread.join();
        }
    }
}
