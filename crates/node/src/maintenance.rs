//! The thread that looks after a store: compaction and reclaim, whenever there is some to do.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::{Arc, Condvar, Mutex, PoisonError};
use std::thread::{self, JoinHandle};
use std::time::Duration;

use actor_sqlite_engine::{Engine, MaintenanceBudget};

/// How much one round does before it looks whether it must stop.
const ROUND: MaintenanceBudget = MaintenanceBudget { compactions_max: 4, reclaim_batches_max: 4 };

/// How long to wait when there was nothing to do.
const IDLE: Duration = Duration::from_millis(200);

#[derive(Default)]
struct Stop {
    wanted: Mutex<bool>,
    changed: Condvar,
}

/// A running thread.
pub struct Maintenance {
    stop: Arc<Stop>,
    thread: Mutex<Option<JoinHandle<()>>>,
}

impl Maintenance {
    /// Starts it. Without a thread to spare, commits compact in the hard limit's name.
    pub fn start(engine: Arc<Engine>) -> Self {
        let stop = Arc::new(Stop::default());
        let seen = Arc::clone(&stop);
        let thread = thread::Builder::new()
            .name("actor-sqlite-compact".into())
            .spawn(move || run(&engine, &seen))
            .ok();
        Self { stop, thread: Mutex::new(thread) }
    }

    /// Ends it and waits for that: at most one round.
    pub fn stop(&self) {
        *self.stop.wanted.lock().unwrap_or_else(PoisonError::into_inner) = true;
        self.stop.changed.notify_all();
        let thread = self.thread.lock().unwrap_or_else(PoisonError::into_inner).take();
        if let Some(thread) = thread {
            let _ = thread.join();
        }
    }
}

fn run(engine: &Engine, stop: &Stop) {
    loop {
        // A panic must not end it: the next round starts anew from the store.
        let round = catch_unwind(AssertUnwindSafe(|| engine.maintain(ROUND)));
        let idle = !round.is_ok_and(|report| report.waiting > 0 && report.compactions > 0);
        let wanted = stop.wanted.lock().unwrap_or_else(PoisonError::into_inner);
        let wanted = if idle && !*wanted {
            let waited = stop.changed.wait_timeout(wanted, IDLE);
            waited.unwrap_or_else(PoisonError::into_inner).0
        } else {
            wanted
        };
        if *wanted {
            return;
        }
    }
}
