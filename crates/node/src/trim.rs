//! Memory that databases gave up when they went to sleep, given back to the system.
//!
//! It lies in small pieces between what the sleepers keep, and glibc gives back only what is at the
//! end of a heap unless it is asked: 200,000 sleepers took 10 kB each, most of it free.

/// So many sleeps leave enough behind to ask for it in a quiet moment,
const SLEEPS_QUIET: u64 = 1000;
/// and so many at any time. It takes some milliseconds for each 100 MB of heap.
const SLEEPS_BUSY: u64 = 50_000;

/// Asks when it is worth it.
#[derive(Default)]
pub struct Trim {
    seen: u64,
    trimmed: u64,
}

impl Trim {
    /// To be called now and then, with the number of sleeps so far.
    pub fn look(&mut self, sleeps: u64) {
        let quiet = sleeps == self.seen;
        self.seen = sleeps;
        if sleeps - self.trimmed >= if quiet { SLEEPS_QUIET } else { SLEEPS_BUSY } {
            self.trimmed = sleeps;
            trim();
        }
    }
}

#[cfg(all(target_os = "linux", target_env = "gnu"))]
fn trim() {
    unsafe extern "C" {
        fn malloc_trim(pad: usize) -> i32;
    }
    // SAFETY: it may be called at any time from any thread, and moves nothing that is in use.
    unsafe { malloc_trim(0) };
}

#[cfg(not(all(target_os = "linux", target_env = "gnu")))]
fn trim() {}
