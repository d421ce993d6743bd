//! Random statements agree with SQLite's own: see `support/pair.rs`. `SEED=…` repeats a run.
#![allow(clippy::unwrap_used)]

mod support;
use support::*;

#[test]
fn random_statements_agree_with_sqlite() {
    let first = support::random::seed();
    let scratch_bytes_max = 150_000;
    for (index, cache_spill) in [5, 20, 100, 5000].into_iter().enumerate() {
        for (page_size, auto_vacuum) in [(512, "full"), (4096, "none"), (1024, "incremental")] {
            // Every write, now and then, never.
            let eight_pages = 8 * (u64::from(page_size) + 112);
            for write_set_pages in [2, 6, 1 << 20] {
                let settings = Settings {
                    page_size,
                    cache_bytes: match write_set_pages {
                        2 => 0,
                        6 => eight_pages,
                        _ => 200_000,
                    },
                    scratch_bytes_max,
                    write_set_bytes_max: write_set_pages * u64::from(page_size),
                    cache_spill,
                    auto_vacuum,
                    ..Settings::default()
                };
                let bench = Bench::new(settings);
                bench.store.offer_neighbours(3);
                support::pair::run(first + index as u64, &bench);
                let counts = bench.store.counts();
                assert_eq!(counts.stages > 0, write_set_pages < 100);
                assert!(counts.staged_reads > 0 || write_set_pages > 2 || cache_spill > 5);
                assert_eq!(bench.store.staged(&actor()), 0, "a stage was left behind");
            }
        }
    }
}
