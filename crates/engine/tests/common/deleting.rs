//! Databases with every kind of row, to be deleted, and what must be true of a store afterwards.

use std::sync::Arc;

use actor_sqlite_engine::{Engine, EngineOptions};
use actor_sqlite_kv::{FaultKv, Image};
use actor_sqlite_ltx::Pgno;
use actor_sqlite_pagestore::{ActorId, HintRange, Hints, PageStore, StoreError};
use fastrand::Rng;

use super::{Owner, Pages, engine_with, small_options};

pub const SIZE: u32 = 150;

/// Several chunks, batches and versions for a few pages.
pub fn options() -> EngineOptions {
    let mut options = small_options();
    options.compaction.batch_bytes = 3_000;
    options.compaction.retention_txids = 1;
    options
}

pub fn on(kv: &Arc<FaultKv>) -> Arc<Engine> {
    engine_with(kv.clone(), options())
}

/// An owner of a database with deltas, shards, replaced versions, hints and a stage that is open. All
/// fills make the same keys.
pub fn filled(engine: &Arc<Engine>, name: &ActorId, fill: u8) -> Owner {
    let mut owner = Owner::claim(engine, name);
    let noise = |from: u32, to: u32, fill: u8| -> Pages {
        let mut rng = Rng::with_seed(u64::from(fill));
        (from..=to).map(|pgno| (pgno, (0..512).map(|_| rng.u8(..)).collect())).collect()
    };
    owner.commit(&noise(1, SIZE, fill), SIZE).unwrap();
    owner.commit(&noise(1, 3, fill + 1), SIZE).unwrap();
    engine.compact(name).unwrap();
    owner.commit(&noise(1, 80, fill + 2), SIZE).unwrap();
    engine.compact(name).unwrap();
    owner.commit(&noise(60, 70, fill + 3), SIZE).unwrap();
    engine.save_hints(&owner.lease, &hints(1)).unwrap();
    let id = owner.next_id();
    owner.stage(id, &noise(1, 9, fill + 4)).unwrap();
    owner
}

pub fn hints(pages: u32) -> Hints {
    Hints { ranges: vec![HintRange { first: Pgno::ONE, pages, score: 1 }] }
}

pub fn one(fill: u8) -> Pages {
    [(1, vec![fill; 512])].into()
}

/// The counter of each namespace is what its databases store.
pub fn assert_counted(image: &Image) {
    for (key, value) in image.iter().filter(|(key, _)| key[0] == 3) {
        let namespace = [&[2], &key[1..key.len() - b"USAGE".len()]].concat();
        let rows = image.iter().filter(|(key, _)| key.starts_with(&namespace));
        let there: i64 = rows.map(|(key, value)| (key.len() + value.len()) as i64).sum();
        assert_eq!(value, [there.to_le_bytes(), (-there).to_le_bytes()].concat());
    }
}

pub fn assert_over<T: std::fmt::Debug>(refused: Result<T, StoreError>) {
    assert!(matches!(refused, Err(StoreError::Fenced { .. })), "{refused:?}");
}
