//! A consistent view: one RocksDB snapshot for all reads.

use std::ops::ControlFlow;

use actor_sqlite_kv::{KvError, Scan, Snapshot, Visit};
use rocksdb::{DB, ReadOptions};

use crate::metrics::count;
use crate::store::RocksKv;
use crate::{batch, error};

pub(crate) struct RocksSnapshot<'a> {
    store: &'a RocksKv,
    db: &'a DB,
    pinned: rocksdb::Snapshot<'a>,
    /// For point reads; one object for all of them.
    read: ReadOptions,
}

impl<'a> RocksSnapshot<'a> {
    pub(crate) fn new(store: &'a RocksKv, db: &'a DB) -> Self {
        let pinned = db.snapshot();
        let mut read = ReadOptions::default();
        read.set_snapshot(&pinned);
        Self { store, db, pinned, read }
    }

    fn lend(&self, key: &[u8], visit: &mut dyn FnMut(Option<&[u8]>)) -> Result<bool, KvError> {
        let value = self.db.get_pinned_opt(key, &self.read).map_err(error::of_read)?;
        count(&self.store.counters().read_bytes, value.as_ref().map_or(0, |value| value.len()));
        visit(value.as_deref());
        Ok(value.is_some())
    }
}

impl Snapshot for RocksSnapshot<'_> {
    fn get(&self, key: &[u8], visit: &mut dyn FnMut(&[u8])) -> Result<bool, KvError> {
        self.store.begin()?;
        count(&self.store.counters().gets, 1);
        self.lend(key, &mut |value| {
            if let Some(value) = value {
                visit(value);
            }
        })
    }

    fn multi_get(
        &self,
        keys: &[Vec<u8>],
        visit: &mut dyn FnMut(usize, Option<&[u8]>),
    ) -> Result<(), KvError> {
        self.store.begin()?;
        count(&self.store.counters().gets, keys.len());
        for (position, key) in keys.iter().enumerate() {
            self.lend(key, &mut |value| visit(position, value))?;
        }
        Ok(())
    }

    fn scan(&self, scan: Scan<'_>, visit: &mut Visit<'_>) -> Result<(), KvError> {
        self.store.begin()?;
        let mut rows = 0;
        let mut bytes = 0;
        let mut read = ReadOptions::default();
        read.set_snapshot(&self.pinned);
        let walked = if scan.limit == 0 {
            Ok(())
        } else {
            batch::walk(self.db, read, scan.start, scan.end, scan.reverse, &mut |key, value| {
                rows += 1;
                bytes += value.len();
                visit(key, value)?;
                if rows == scan.limit { ControlFlow::Break(()) } else { ControlFlow::Continue(()) }
            })
        };
        let counters = self.store.counters();
        count(&counters.scans, 1);
        count(&counters.scan_rows, rows);
        count(&counters.read_bytes, bytes);
        walked
    }
}
