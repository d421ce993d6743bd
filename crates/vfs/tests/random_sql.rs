//! Random statements agree with SQLite's own: see `support/pair.rs`. `SEED=…` repeats a run.
#![allow(clippy::unwrap_used)]

mod support;
use support::*;

#[test]
fn random_statements_agree_with_sqlite() {
    let first = support::random::seed();
    for (index, cache_spill) in [5, 20, 100, 5000].into_iter().enumerate() {
        for (page_size, auto_vacuum) in [(512, "full"), (4096, "none"), (1024, "incremental")] {
            let (cache_bytes, scratch_bytes_max) = (200_000, 150_000);
            let settings =
                Settings { page_size, cache_bytes, scratch_bytes_max, cache_spill, auto_vacuum };
            let bench = Bench::new(settings);
            bench.store.offer_neighbours(3);
            support::pair::run(first + index as u64, &bench);
        }
    }
}
