//! Numbered transactions of which a missing, invented or half one can be told.

use std::path::Path;
use std::sync::Arc;

use actor_sqlite_engine::EngineOptions;
use actor_sqlite_kv::KvError;
use actor_sqlite_kv_rocksdb::{RocksKv, RocksOptions};
use actor_sqlite_pagestore::{ActorId, PageStoreAdmin};
use actor_sqlite_session::{OpenOptions, SessionError, Value};

use crate::{Database, Stack, StackOptions, TickingClock};

/// A stack over the RocksDB store in a folder, with thresholds so low that compaction and reclaim
/// run all the time.
pub fn stack(dir: &Path) -> Result<Stack, KvError> {
    let kv = RocksKv::open(dir, &RocksOptions::default())?;
    let engine = {
        let mut engine = EngineOptions::default();
        engine.compaction.delta_count = 8;
        engine
    };
    let options = StackOptions { engine, ..StackOptions::default() };
    Ok(Stack::new(kv, Arc::new(TickingClock::default()), options))
}

fn actor(number: u32) -> ActorId {
    ActorId::new("ledger", &number.to_string()).expect("a number is a legal name")
}

/// One actor's ledger.
pub struct Ledger<'a> {
    stack: &'a Stack,
    number: u32,
    db: Database,
}

impl<'a> Ledger<'a> {
    /// Opens an actor's ledger, and makes its tables if there are none.
    pub fn open(stack: &'a Stack, number: u32) -> Result<Self, SessionError> {
        let db = stack.open(&actor(number), OpenOptions::default())?;
        db.script(
            "BEGIN;
             CREATE TABLE IF NOT EXISTS entry (id INTEGER PRIMARY KEY, body BLOB NOT NULL);
             CREATE INDEX IF NOT EXISTS entry_size ON entry (length(body));
             CREATE TABLE IF NOT EXISTS total (entries INTEGER NOT NULL, bytes INTEGER NOT NULL);
             INSERT INTO total SELECT 0, 0 WHERE NOT EXISTS (SELECT * FROM total);
             COMMIT;",
        )?;
        Ok(Self { stack, number, db })
    }

    /// The highest entry, 0 if there is none.
    pub fn last(&self) -> Result<u32, SessionError> {
        self.integer("SELECT coalesce(max(id), 0) FROM entry").map(|last| last as u32)
    }

    /// Writes an entry and its share of the total in one transaction. On return it is durable.
    pub fn write(&self, id: u32) -> Result<(), SessionError> {
        let bytes = size(id);
        self.db.script(&format!(
            "BEGIN;
             INSERT INTO entry VALUES ({id}, CAST(printf('%0{bytes}d', {id}) AS BLOB));
             UPDATE total SET entries = entries + 1, bytes = bytes + {bytes};
             COMMIT;"
        ))
    }

    /// What is wrong, given the last entry that was acknowledged; empty if nothing is.
    pub fn check(&self, acknowledged: u32) -> Result<Vec<String>, SessionError> {
        let mut wrong = Vec::new();
        let last = self.last()?;
        if last < acknowledged {
            wrong.push(format!("entry {acknowledged} was acknowledged, the last is {last}"));
        }
        if last > acknowledged + 1 {
            wrong.push(format!("entry {last} is there, at most {} was begun", acknowledged + 1));
        }
        let bytes: u64 = (1..=last).map(|id| u64::from(size(id))).sum();
        for (what, sql, expected) in [
            ("entries", "SELECT count(*) FROM entry", u64::from(last)),
            (
                "entries in the index",
                "SELECT count(*) FROM entry WHERE length(body) > 0",
                u64::from(last),
            ),
            ("bytes", "SELECT coalesce(sum(length(body)), 0) FROM entry", bytes),
            ("the total's entries", "SELECT entries FROM total", u64::from(last)),
            ("the total's bytes", "SELECT bytes FROM total", bytes),
        ] {
            let actual = self.integer(sql)? as u64;
            if actual != expected {
                wrong.push(format!("{what}: {actual}, not {expected}"));
            }
        }
        let integrity = self.db.rows("PRAGMA integrity_check")?;
        if integrity != [[Value::Text("ok".into())]] {
            wrong.push(format!("integrity_check: {integrity:?}"));
        }
        let report = self.stack.engine.verify(&actor(self.number))?;
        wrong.extend(report.damage.iter().map(|damage| format!("verify: {damage:?}")));
        Ok(wrong)
    }

    fn integer(&self, sql: &str) -> Result<i64, SessionError> {
        let rows = self.db.rows(sql)?;
        match rows.first().and_then(|row| row.first()) {
            Some(Value::Integer(value)) => Ok(*value),
            other => unreachable!("an integer was asked for, {other:?} came"),
        }
    }
}

/// The size of an entry in bytes: small ones, one in 16 over many pages.
fn size(id: u32) -> u32 {
    if id.is_multiple_of(16) { 60_000 + id % 1000 } else { 20 + id * 37 % 700 }
}
