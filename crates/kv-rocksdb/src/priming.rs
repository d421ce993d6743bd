//! Old space for the first log.

use actor_sqlite_kv::KvError;
use rocksdb::{DB, WriteBatch};

use crate::{RocksOptions, error};

/// What one filler record adds to the log.
const FILLER_BYTES: usize = 1 << 20;

/// Fills the first log with nothing and puts it aside, so that RocksDB reuses its space for the
/// second next: a commit that writes over old space syncs in two thirds of the time of one that
/// makes a file grow.
///
/// Filler goes to the log only. Each change of the log needs a memtable with something in it: the
/// delete of a key that is longer than any the store takes.
pub(crate) fn prime(db: &DB, options: &RocksOptions) -> Result<(), KvError> {
    let nobody = vec![0xff; options.limits().key_bytes_max + 1];
    let filler = vec![0; FILLER_BYTES];
    for _ in 0..options.primed_log_bytes.div_ceil(FILLER_BYTES) {
        let mut batch = WriteBatch::default();
        batch.put_log_data(&filler);
        db.write(batch).map_err(error::of_read)?;
    }
    for _ in 0..2 {
        db.delete(&nobody).map_err(error::of_read)?;
        db.flush_wal(true).map_err(error::of_read)?;
        db.flush().map_err(error::of_read)?;
    }
    Ok(())
}
