//! Many cases on all cores, and how one of them is run again.

use std::fmt;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Mutex, PoisonError};
use std::thread;

use crate::{Counts, Shrunk, shrink};

/// A number of cases, each with a seed of its own.
///
/// `SEED` in the environment sets the first case, `CASES` their number.
#[derive(Clone, Copy, Debug)]
pub struct Campaign {
    /// In words for people.
    pub name: &'static str,
    /// The arguments of `cargo test` that run it.
    pub arguments: &'static str,
    /// The seed of the first case; each next one has the next number.
    pub seed: u64,
    /// How many cases.
    pub cases: u64,
}

impl Campaign {
    /// A campaign that runs `cases` cases from `seed` on, or from a fresh seed, unless the
    /// environment says otherwise.
    pub fn new(name: &'static str, arguments: &'static str, seed: Option<u64>, cases: u64) -> Self {
        let number = |name: &str| std::env::var(name).ok().and_then(|text| text.parse().ok());
        let fresh = || u64::from(fastrand::u32(..));
        let seed = number("SEED").or(seed).unwrap_or_else(fresh);
        Self { name, arguments, seed, cases: number("CASES").unwrap_or(cases) }
    }

    /// Runs all cases, as many at a time as there are cores, and prints the sum of their counts.
    ///
    /// # Panics
    /// With the first failure and the command that repeats it.
    pub fn run(&self, case: impl Fn(u64) -> Result<Counts, String> + Sync) -> Counts {
        let (next, failed) = (AtomicU64::new(0), AtomicBool::new(false));
        let total = Mutex::new(Counts::default());
        let failure = Mutex::new(None);
        thread::scope(|scope| {
            for _ in 0..threads(self.cases) {
                scope.spawn(|| {
                    while !failed.load(Ordering::Relaxed) {
                        let at = next.fetch_add(1, Ordering::Relaxed);
                        if at >= self.cases {
                            return;
                        }
                        let seed = self.seed.wrapping_add(at);
                        match caught(|| case(seed)) {
                            Ok(counts) => {
                                total.lock().unwrap_or_else(PoisonError::into_inner).merge(&counts);
                            }
                            Err(reason) => {
                                failed.store(true, Ordering::Relaxed);
                                let mut first =
                                    failure.lock().unwrap_or_else(PoisonError::into_inner);
                                first.get_or_insert((seed, reason));
                            }
                        }
                    }
                });
            }
        });
        if let Some((seed, reason)) = failure.into_inner().unwrap_or_else(PoisonError::into_inner) {
            panic!("{}\nto repeat: {}\n", reason.trim_end(), self.command(seed));
        }
        let total = total.into_inner().unwrap_or_else(PoisonError::into_inner);
        println!("{}: SEED={} CASES={}: {total}, failures: 0", self.name, self.seed, self.cases);
        total
    }

    /// Runs all cases, each of which is a list of operations, and shrinks the list of the first one
    /// that fails.
    ///
    /// # Panics
    /// With the smallest failure that was found and the command that repeats the case.
    pub fn run_workloads<Op: Clone + fmt::Debug>(
        &self,
        generate: impl Fn(u64) -> Vec<Op> + Sync,
        run: impl Fn(u64, &[Op]) -> Result<Counts, String> + Sync,
    ) -> Counts {
        self.run(|seed| {
            let ops = generate(seed);
            caught(|| run(seed, &ops)).map_err(|first| {
                let again = |ops: &[Op]| caught(|| run(seed, ops)).map(drop);
                match shrink(&ops, again) {
                    Some(shrunk) => format!("case {seed}: {shrunk}"),
                    None => format!("case {seed}: {first}\nit does not fail a second time"),
                }
            })
        })
    }

    /// The shrunk failure of the first case that fails, for a campaign against a planted fault;
    /// `None` if no case notices it.
    pub fn first_failure<Op: Clone + fmt::Debug>(
        &self,
        generate: impl Fn(u64) -> Vec<Op>,
        run: impl Fn(u64, &[Op]) -> Result<Counts, String>,
    ) -> Option<Shrunk<Op>> {
        let found = (0..self.cases).find_map(|at| {
            let seed = self.seed.wrapping_add(at);
            shrink(&generate(seed), |ops| caught(|| run(seed, ops)).map(drop))
        })?;
        println!("{}: noticed: {found}", self.name);
        Some(found)
    }

    fn command(&self, seed: u64) -> String {
        let arguments = self.arguments;
        format!("SEED={seed} CASES=1 cargo test --release {arguments} -- --nocapture")
    }
}

fn threads(cases: u64) -> u64 {
    let cores = thread::available_parallelism().map_or(1, |cores| cores.get() as u64);
    cores.min(cases).max(1)
}

/// Runs something and makes a panic an error like any other.
pub fn caught<T>(run: impl FnOnce() -> Result<T, String>) -> Result<T, String> {
    catch_unwind(AssertUnwindSafe(run)).unwrap_or_else(|panic| {
        let text = panic.downcast_ref::<&str>().map(|text| (*text).to_owned());
        let text = text.or_else(|| panic.downcast_ref::<String>().cloned());
        Err(format!("panicked: {}", text.unwrap_or_default()))
    })
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    #[test]
    fn a_failure_is_shrunk_and_says_how_to_repeat_it() {
        let campaign = Campaign { name: "test", arguments: "-p x", seed: 7, cases: 20 };
        let run = |_, ops: &[u64]| {
            let sum: u64 = ops.iter().sum();
            assert!(!ops.contains(&1_003), "a planted panic");
            let mut counts = Counts::default();
            counts.add("sum", sum);
            Ok(counts)
        };
        let sound = campaign.run_workloads(|seed| vec![seed], run);
        assert_eq!(sound.get("sum"), (7..27).sum::<u64>());
        let failure = caught(|| {
            campaign.run_workloads(|seed| (0..seed * 100).collect(), run);
            Ok(())
        });
        let failure = failure.unwrap_err();
        assert!(failure.contains("  0: 1003\nto repeat: SEED="), "{failure}");
        assert!(failure.contains("CASES=1 cargo test --release -p x -- --nocapture"), "{failure}");
    }
}
