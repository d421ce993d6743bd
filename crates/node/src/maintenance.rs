//! The thread that looks after a store: compaction and reclaim, whenever there is some to do, and
//! room given back to the disk when there is none.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;
use std::time::Duration;

use actor_sqlite_engine::{Engine, MaintenanceBudget};
use actor_sqlite_kv_rocksdb::RocksKv;

use crate::priority;
use crate::stop::{Stop, Stoppable};

/// How much one round does before it looks whether it must stop.
const ROUND: MaintenanceBudget = MaintenanceBudget { compactions_max: 4, reclaim_batches_max: 4 };

/// How long to rest after a round that left nothing to do. Short enough that each finds little: commits
/// of all databases wait behind the bursts of one. One that commits faster than this and its soft
/// limit allow is slowed there.
const REST: Duration = Duration::from_millis(35);

/// How long to wait for more when there was nothing to do. Databases that are idle do not call.
const IDLE: Duration = Duration::from_millis(500);

/// After so many bytes were deleted, and nothing is left to do, their room is given back.
const GIVE_BACK_BYTES: u64 = 16 << 20;

/// Starts the thread. Without one to spare, commits compact in the hard limit's name.
pub fn start(engine: Arc<Engine>, kv: Arc<RocksKv>) -> Stoppable {
    let own = Arc::clone(&engine);
    let thread = Stoppable::start("actor-sqlite-compact", move |stop| run(&own, &kv, stop));
    engine.on_work(Box::new(thread.caller()));
    thread
}

fn run(engine: &Engine, kv: &RocksKv, stop: &Stop) {
    priority::lower();
    let mut deleted_bytes = 0;
    while !stop.is_wanted() {
        // A panic must not end it: the next round starts anew from the store.
        let round = catch_unwind(AssertUnwindSafe(|| engine.maintain(ROUND))).unwrap_or_default();
        deleted_bytes += round.reclaimed_bytes;
        let worked = round.compactions > 0 || round.reclaimed_rows > 0;
        if worked && round.waiting > 0 {
            continue;
        }
        let nothing = !worked && round.waiting == 0;
        if nothing && deleted_bytes >= GIVE_BACK_BYTES {
            // A store that cannot do it now is asked again after as many bytes.
            let _ = kv.give_back();
            deleted_bytes = 0;
        }
        if stop.wait(REST) || (nothing && stop.wait_for_call(IDLE)) {
            return;
        }
    }
}
