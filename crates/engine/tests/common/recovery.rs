//! What must be true of a database as a crash left it, and stay true as maintenance goes on.

use actor_sqlite_engine::{Compaction, Engine};
use actor_sqlite_kv::{FaultKv, Image};
use actor_sqlite_pagestore::{ActorId, PageStoreAdmin, StoreError};

use super::workload::{Setting, differing, rows_of, text};
use super::{Owner, Pages};

/// No damage, and the accounts are right.
pub fn sound(engine: &Engine, kv: &FaultKv, name: &ActorId) -> Result<(), String> {
    let report = engine.verify(name).map_err(text)?;
    if let Some(damage) = report.damage.first() {
        return Err(format!("{}: {}", damage.row, damage.reason));
    }
    let stat = engine.stat(name).map_err(text)?.ok_or("no such database")?;
    // Counted here a second time.
    let (image, prefix) = (kv.image(), name.namespace().len() + name.name().len() + 3);
    let rows = rows_of(&image, name);
    let there = rows.iter().map(|(path, value)| (prefix + path.len() + value.len()) as u64).sum();
    if (stat.stored_bytes, report.bytes) != (there, there) {
        let accounts = stat.stored_bytes;
        return Err(format!(
            "accounts of {accounts} bytes, {} verified, {there} there",
            report.bytes
        ));
    }
    let databases = image.iter().filter(|(key, _)| key[0] == 2);
    let there: i64 = databases.map(|(key, value)| (key.len() + value.len()) as i64).sum();
    let counter = image.iter().find(|(key, _)| key[0] == 3 && key.ends_with(b"USAGE"));
    let counter = counter.map(|(_, value)| value.to_vec()).unwrap_or_default();
    if counter != [there.to_le_bytes(), (-there).to_le_bytes()].concat() {
        return Err(format!("the namespace counts {counter:?} bytes, {there} are there"));
    }
    Ok(())
}

/// Compaction, reclaim and sweep until there is nothing left to do.
pub fn maintain(engine: &Engine, name: &ActorId) -> Result<(), String> {
    for _ in 0..1_000 {
        let compaction = engine.compact(name).map_err(text)?;
        let reclaim = engine.reclaim(name, 8).map_err(text)?;
        let sweep = engine.sweep(name, 8).map_err(text)?;
        if compaction == Compaction::Nothing && !reclaim.more && !sweep.more {
            return Ok(());
        }
    }
    Err("maintenance has no end".into())
}

/// Whether deltas are kept as the retention says: all that serve one of the newest states, and when
/// nothing is left to do none besides.
fn retained(
    setting: &Setting,
    engine: &Engine,
    image: &Image,
    name: &ActorId,
) -> Result<(), String> {
    let stat = engine.stat(name).map_err(text)?.ok_or("no such database")?;
    let head = stat.head.txid.get();
    let retention = setting.options.compaction.retention_txids;
    let number = |bytes: &[u8]| u64::from_be_bytes(bytes.try_into().unwrap());
    let rows = rows_of(image, name);
    let stages = |kind: &[u8]| {
        let numbers = rows.iter().filter_map(|(path, _)| path.strip_prefix(kind)?.get(..8));
        numbers.collect::<std::collections::BTreeSet<_>>()
    };
    if stages(b"STAGE/") != stages(b"STAGED/") {
        return Err("a stage that was never committed is still there".into());
    }
    // Each span of states ends where the next begins, at the last where the shards are.
    let spans: Vec<(u64, u64)> = rows
        .iter()
        .filter_map(|(path, value)| Some((number(path.strip_prefix(b"PAST/")?), value)))
        .map(|(watermark, value)| (watermark, number(&value[1..9])))
        .collect();
    let base = spans.first().map_or(head - stat.delta_count, |&(watermark, _)| watermark);
    let needless = spans.first().is_some_and(|&(_, next)| next + retention <= head);
    // History gives way before a quota refuses a commit.
    let options = setting.options;
    let quota = options.actor_quota_bytes.or(options.namespace_quota_bytes).is_some();
    if needless || !quota && base > head.saturating_sub(retention) {
        return Err(format!("head {head}, {retention} states to keep, and {spans:?} kept"));
    }
    let txids: Vec<u64> =
        rows.iter().filter_map(|(path, _)| path.strip_prefix(b"PIDX/")).map(number).collect();
    let expected: Vec<u64> = (base + 1..=head).collect();
    if txids == expected {
        Ok(())
    } else {
        Err(format!("deltas {txids:?} instead of {expected:?}"))
    }
}

/// Verifies, claims, reads, and maintains one database of a store as a crash left it.
pub fn recover(
    setting: &Setting,
    image: &Image,
    name: &ActorId,
    expected: &Pages,
) -> Result<bool, String> {
    let kv = setting.store(image.clone());
    let engine = setting.engine(kv.clone());
    match engine.verify(name) {
        Err(StoreError::NotFound { .. }) if expected.is_empty() => return Ok(false),
        _ => sound(&engine, &kv, name)?,
    }
    let owner = Owner::try_claim(&engine, name).map_err(text)?;
    if let Some(difference) = differing(expected, &owner.model) {
        return Err(format!("recovered: {difference}"));
    }
    maintain(&engine, name)?;
    let read = owner.read_all().map_err(text)?;
    if let Some(difference) = differing(expected, &read) {
        return Err(format!("after maintenance: {difference}"));
    }
    sound(&engine, &kv, name)?;
    retained(setting, &engine, &kv.image(), name)?;
    Ok(true)
}
