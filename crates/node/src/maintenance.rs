//! The thread that looks after a store: compaction and reclaim, whenever there is some to do, and
//! room given back to the disk when there is none.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;
use std::time::Duration;

use actor_sqlite_engine::{Engine, MaintenanceBudget};
use actor_sqlite_kv_rocksdb::RocksKv;

use crate::stop::{Stop, Stoppable};

/// How much one round does before it looks whether it must stop.
const ROUND: MaintenanceBudget = MaintenanceBudget { compactions_max: 4, reclaim_batches_max: 4 };

/// How long to wait when there was nothing to do.
const IDLE: Duration = Duration::from_millis(200);

/// After so many bytes were deleted, and nothing is left to do, their room is given back.
const GIVE_BACK_BYTES: u64 = 16 << 20;

/// Starts the thread. Without one to spare, commits compact in the hard limit's name.
pub fn start(engine: Arc<Engine>, kv: Arc<RocksKv>) -> Stoppable {
    Stoppable::start("actor-sqlite-compact", move |stop| run(&engine, &kv, stop))
}

fn run(engine: &Engine, kv: &RocksKv, stop: &Stop) {
    let mut deleted_bytes = 0;
    loop {
        // A panic must not end it: the next round starts anew from the store.
        let round = catch_unwind(AssertUnwindSafe(|| engine.maintain(ROUND)));
        let idle = match round {
            Ok(report) => {
                deleted_bytes += report.reclaimed_bytes;
                report.waiting == 0 || (report.compactions == 0 && report.reclaimed_rows == 0)
            }
            Err(_) => true,
        };
        if idle && deleted_bytes >= GIVE_BACK_BYTES {
            // A store that cannot do it now is asked again after as many bytes.
            let _ = kv.give_back();
            deleted_bytes = 0;
        }
        if if idle { stop.wait(IDLE) } else { stop.is_wanted() } {
            return;
        }
    }
}
