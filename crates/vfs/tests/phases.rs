//! Where the time of a commit went: four phases that sum to the whole, whatever the store claims.
#![allow(clippy::unwrap_used)]

mod support;
use std::sync::Arc;

use support::stores::Wrapped;
use support::*;

fn run(serialize_ns: u64, state_update_ns: u64) -> actor_sqlite_vfs::CommitPhaseTotals {
    let bench = Bench::new(Settings::default());
    let store = Wrapped::new(bench.store.clone());
    let store = Wrapped { serialize_ns, state_update_ns, ..store };
    let mount = bench.mount_over(Arc::new(store));
    let db = Db { sql: bench.connect(&mount).unwrap(), mount };
    db.exec("CREATE TABLE t(a); INSERT INTO t VALUES(1); INSERT INTO t VALUES(2)");
    bench.store.fail_next_commit(unavailable());
    db.failure("INSERT INTO t VALUES(3)");
    let phases = db.metrics().commit_phases;
    assert_eq!(phases.commit_count, 3, "a failed commit is not among them");
    assert_eq!(
        phases.total_ns,
        phases.request_build_ns
            + phases.serialize_ns
            + phases.transport_ns
            + phases.state_update_ns
    );
    // The clock moves by one with each look, and a commit looks four times.
    assert_eq!(phases.total_ns, 3 * 3);
    phases
}

#[test]
fn phases_sum_to_the_total() {
    let silent = run(0, 0);
    assert_eq!((silent.serialize_ns, silent.transport_ns, silent.state_update_ns), (0, 3, 3));
    let all = run(1, 0);
    assert_eq!((all.serialize_ns, all.transport_ns, all.state_update_ns), (3, 0, 3));
}

#[test]
fn a_store_that_claims_too_much_is_cut() {
    let absurd = run(1 << 40, 1 << 40);
    assert_eq!((absurd.serialize_ns, absurd.transport_ns, absurd.state_update_ns), (3, 0, 3));
}

#[test]
fn counters_follow_the_pages() {
    let bench = Bench::new(Settings::default());
    let db = bench.open();
    db.exec(&format!("CREATE TABLE t(a, b); INSERT INTO t {}", rows(100, 900)));
    let metrics = db.metrics();
    assert_eq!(metrics.bytes_written, metrics.pages_written * 4096);
    assert_eq!(metrics.db_size_pages, u64::from(head(&bench).size));
    assert_eq!(metrics.cache_misses, 0, "committed pages are cached");
    assert!(metrics.page_cache.entries >= metrics.db_size_pages);
    assert!(metrics.page_cache.weighted_bytes <= metrics.page_cache.capacity_bytes);
}

#[test]
fn commits_of_nothing_do_not_reach_the_store() {
    let bench = Bench::new(Settings::default());
    let db = bench.open();
    db.exec("CREATE TABLE t(a)");
    let commits = bench.store.counts().commits;
    db.exec("BEGIN IMMEDIATE; COMMIT; BEGIN EXCLUSIVE; SELECT * FROM t; COMMIT");
    assert_eq!(bench.store.counts().commits, commits);
}
