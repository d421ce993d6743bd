//! A process that is meant to be killed: many actors of one RocksDB store write numbered
//! transactions, and each is reported on standard output once it is acknowledged.
//!
//! Usage: `trial_writer DIR ACTORS`. A report is two little-endian u32: actor and number.

#![forbid(unsafe_code)]

use std::io::Write;
use std::path::Path;
use std::sync::Arc;
use std::thread;

use actor_sqlite_engine::MaintenanceBudget;
use actor_sqlite_trials::ledger::{self, Ledger};

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let mut arguments = std::env::args().skip(1);
    let (Some(dir), Some(actors)) = (arguments.next(), arguments.next()) else {
        return Err("usage: trial_writer DIR ACTORS".into());
    };
    let stack = Arc::new(ledger::stack(Path::new(&dir))?);
    let maintained = stack.clone();
    thread::spawn(move || {
        loop {
            let report = maintained.engine.maintain(MaintenanceBudget::default());
            assert!(report.failures.is_empty(), "maintenance failed: {:?}", report.failures);
            thread::yield_now();
        }
    });
    let writers: Vec<_> = (0..actors.parse()?)
        .map(|actor: u32| {
            let stack = stack.clone();
            thread::spawn(move || {
                let ledger = Ledger::open(&stack, actor).expect("the ledger opens");
                let mut number = ledger.last().expect("the ledger is readable");
                loop {
                    number += 1;
                    ledger.write(number).expect("a write succeeds");
                    let mut report = [0; 8];
                    report[..4].copy_from_slice(&actor.to_le_bytes());
                    report[4..].copy_from_slice(&number.to_le_bytes());
                    // One write to the pipe: it is out of this process when it returns.
                    if std::io::stdout().lock().write_all(&report).is_err() {
                        return;
                    }
                    let _ = std::io::stdout().flush();
                }
            })
        })
        .collect();
    for writer in writers {
        let _ = writer.join();
    }
    Ok(())
}
