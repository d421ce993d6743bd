//! What one large transaction takes of memory: SQL over the engine over RocksDB in this process, with
//! a maintenance thread, and the budgets of a small machine.
//!
//! `large_transaction <new directory> [MiB, 2048] [seconds afterwards, 25]` prints the resident memory
//! as it goes. glibc's heap is as it comes: `MALLOC_ARENA_MAX=2 MALLOC_MMAP_THRESHOLD_=1048576` set
//! it up as the binding does, but for what that gives back in between.

#![forbid(unsafe_code)]

use std::error::Error;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering::Relaxed};
use std::time::{Duration, Instant, SystemTime};
use std::{env, fs, thread};

use actor_sqlite_engine::{Engine, EngineOptions, MaintenanceBudget};
use actor_sqlite_kv_rocksdb::{RocksKv, RocksOptions};
use actor_sqlite_pagestore::{ActorId, Clock};
use actor_sqlite_session::{Action, OpenOptions, Params, Source, Value, Want};
use actor_sqlite_trials::{Stack, StackOptions};

const FILL: &str = "INSERT INTO t (v) WITH RECURSIVE n(i) AS \
     (VALUES (1) UNION ALL SELECT i + 1 FROM n WHERE i < ?) SELECT randomblob(4000) FROM n";

/// Rows of one statement. A row takes a page of 4 KiB.
const ROWS: i64 = 10_000;

const ROUND: MaintenanceBudget = MaintenanceBudget { compactions_max: 4, reclaim_batches_max: 4 };

struct SystemClock(Instant);

impl Clock for SystemClock {
    fn now_ms(&self) -> i64 {
        SystemTime::UNIX_EPOCH.elapsed().map_or(0, |since| since.as_millis() as i64)
    }

    fn monotonic_ns(&self) -> u64 {
        self.0.elapsed().as_nanos() as u64
    }
}

fn main() -> Result<(), Box<dyn Error>> {
    let mut words = env::args().skip(1);
    let dir = words.next().ok_or("no directory")?;
    let mib: i64 = words.next().map_or(Ok(2048), |word| word.parse())?;
    let after_s: u64 = words.next().map_or(Ok(25), |word| word.parse())?;
    let memory_budget_bytes = 64 << 20;
    let options = RocksOptions {
        memory_budget_bytes,
        write_buffer_bytes: memory_budget_bytes / 4,
        ..RocksOptions::default()
    };
    let kv = RocksKv::open(dir.as_ref(), &options)?;
    let clock = Arc::new(SystemClock(Instant::now()));
    let engine = EngineOptions::default();
    let stack = Stack::new(kv, clock, StackOptions { engine, cache_bytes: 16 << 20, threads: 2 });
    let (stop, peak_mib) = (AtomicBool::new(false), AtomicU64::new(0));
    thread::scope(|scope| {
        scope.spawn(|| maintain(&stack.engine, &stop));
        scope.spawn(|| watch(&peak_mib, &stop));
        let done = run(&stack, mib * 256 / ROWS, after_s, &peak_mib);
        stop.store(true, Relaxed);
        done
    })
}

fn maintain(engine: &Engine, stop: &AtomicBool) {
    while !stop.load(Relaxed) {
        let report = engine.maintain(ROUND);
        if report.compactions == 0 && report.reclaimed_rows == 0 {
            thread::sleep(Duration::from_millis(200));
        }
    }
}

fn watch(peak_mib: &AtomicU64, stop: &AtomicBool) {
    while !stop.load(Relaxed) {
        peak_mib.fetch_max(resident_mib(), Relaxed);
        thread::sleep(Duration::from_millis(20));
    }
}

fn run(
    stack: &Stack,
    statements: i64,
    after_s: u64,
    peak_mib: &AtomicU64,
) -> Result<(), Box<dyn Error>> {
    let begun = Instant::now();
    let phase = |name: &str| {
        let (peak, staged) = (peak_mib.swap(0, Relaxed), stack.engine.metrics().stage_bytes >> 20);
        let (seconds, now) = (begun.elapsed().as_secs_f64(), resident_mib());
        println!("{seconds:5.1} s  {name:9} peak {peak:3} MiB, now {now:3}; staged {staged} MiB");
    };
    let db = stack.open(&ActorId::new("trial", "large")?, OpenOptions::default())?;
    db.script("CREATE TABLE t (id INTEGER PRIMARY KEY, v BLOB)")?;
    phase("opened");
    let transaction = db.begin()?;
    for at in 0..statements {
        let params = Params::Positional(vec![Value::Integer(ROWS)]);
        let action = Action::Execute { source: Source::Sql(FILL.into()), params, want: Want::Run };
        db.ask_in(Some(transaction), action)?;
        if at % 10 == 9 {
            phase("filling");
        }
    }
    phase("filled");
    db.ask_in(Some(transaction), Action::Commit)?;
    phase("committed");
    for _ in 0..after_s / 5 {
        thread::sleep(Duration::from_secs(5));
        phase("folding");
    }
    let count = db.rows("SELECT count(*) FROM t")?;
    phase("counted");
    println!("{count:?}");
    Ok(db.close()?)
}

/// What the process has of the machine's memory, on Linux.
fn resident_mib() -> u64 {
    let status = fs::read_to_string("/proc/self/status").unwrap_or_default();
    let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:"));
    let kib = line.and_then(|line| line.split_whitespace().next()?.parse::<u64>().ok());
    kib.unwrap_or(0) / 1024
}
