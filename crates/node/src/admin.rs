//! Looking at databases beside their owners: facts of a store's administration for JavaScript.

use actor_sqlite_pagestore::{
    ActorId, ActorStat, ListRequest, PageStore, PageStoreAdmin, VerifyReport,
};
use napi_derive::napi;

use crate::error::{ErrorPayload, Outcome, store_error};
use crate::import::NativeImported;
use crate::snapshot::NativeSnapshot;
use crate::store::Store;

/// What a store knows of one database.
#[napi(object)]
#[derive(Debug)]
pub struct NativeStat {
    /// The number of the newest committed state; 0 before the first commit.
    pub txid: f64,
    /// The fencing number of the last claim.
    pub generation: f64,
    /// Bytes a page.
    pub page_size: u32,
    /// The size in pages.
    pub pages: u32,
    /// Bytes of keys and values in the store.
    pub stored_bytes: f64,
    /// Commits not yet folded into shards.
    pub delta_count: f64,
    /// When the last commit was made, in milliseconds since the Unix epoch.
    pub committed_at_ms: f64,
}

impl From<ActorStat> for NativeStat {
    fn from(stat: ActorStat) -> Self {
        Self {
            txid: stat.head.txid.get() as f64,
            generation: stat.generation.0 as f64,
            page_size: stat.head.page_size.get(),
            pages: stat.head.size,
            stored_bytes: stat.stored_bytes as f64,
            delta_count: stat.delta_count as f64,
            committed_at_ms: stat.committed_at_ms as f64,
        }
    }
}

/// A damaged row.
#[napi(object)]
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NativeDamage {
    /// Of the actor.
    pub namespace: String,
    /// Whose row.
    pub actor: String,
    /// The row, in words.
    pub row: String,
    /// What is wrong with it.
    pub reason: String,
}

impl NativeDamage {
    pub(crate) fn new(actor: &ActorId, damage: actor_sqlite_pagestore::Damage) -> Self {
        Self {
            namespace: actor.namespace().into(),
            actor: actor.name().into(),
            row: damage.row,
            reason: damage.reason,
        }
    }
}

/// What a walk over every row of a database found.
#[napi(object)]
#[derive(Debug)]
pub struct NativeVerify {
    /// Rows read.
    pub rows: f64,
    /// Their keys and values.
    pub bytes: f64,
    /// Pages decoded and checked.
    pub pages: f64,
    /// What is wrong.
    pub damage: Vec<NativeDamage>,
}

impl NativeVerify {
    fn new(actor: &ActorId, report: VerifyReport) -> Self {
        Self {
            rows: report.rows as f64,
            bytes: report.bytes as f64,
            pages: report.pages as f64,
            damage: report
                .damage
                .into_iter()
                .map(|damage| NativeDamage::new(actor, damage))
                .collect(),
        }
    }
}

/// Which databases to list.
#[napi(object)]
#[derive(Debug)]
pub struct NativeList {
    /// The namespace.
    pub namespace: String,
    /// What names begin with.
    pub prefix: String,
    /// Names come after it.
    pub after: Option<String>,
    /// The most names.
    pub limit: u32,
}

/// A question about a store, and its answer.
pub enum Fact {
    /// `None` if there is no such database.
    Stat(Option<NativeStat>),
    /// Damage is in it.
    Verify(NativeVerify),
    /// A number of bytes.
    Bytes(f64),
    /// A snapshot that is open.
    Snapshot(NativeSnapshot),
    /// Names of actors.
    Names(Vec<String>),
    /// Whether it is, or was, so.
    Flag(bool),
    /// A file that was imported.
    Imported(NativeImported),
}

/// See [`PageStoreAdmin::stat`].
pub fn stat(store: &Store, actor: &ActorId) -> Outcome<Fact> {
    let stat = store.engine().stat(actor).map_err(|error| Box::new(store_error(&error)))?;
    Ok(Fact::Stat(stat.map(NativeStat::from)))
}

/// See [`PageStoreAdmin::list`].
pub fn list(store: &Store, request: &NativeList) -> Outcome<Fact> {
    let NativeList { namespace, prefix, after, limit } = request;
    let (after, limit) = (after.as_deref(), *limit as usize);
    let actors = store
        .engine()
        .list(&ListRequest { namespace, prefix, after, limit })
        .map_err(|error| Box::new(store_error(&error)))?;
    Ok(Fact::Names(actors.iter().map(|actor| actor.name().to_owned()).collect()))
}

/// See [`PageStoreAdmin::exists`].
pub fn exists(store: &Store, actor: &ActorId) -> Outcome<Fact> {
    let exists = store.engine().exists(actor);
    exists.map(Fact::Flag).map_err(|error| Box::new(store_error(&error)))
}

/// See [`PageStoreAdmin::delete`]. It answers when the deletion is durable.
pub fn delete(store: &Store, actor: &ActorId) -> Outcome<Fact> {
    let engine = store.engine();
    let deletion = engine.delete(actor).and_then(|deletion| {
        engine.wait_durable(deletion.ticket)?;
        Ok(deletion)
    });
    deletion
        .map(|deletion| Fact::Flag(deletion.existed))
        .map_err(|error| Box::new(store_error(&error)))
}

/// See [`PageStoreAdmin::verify`].
pub fn verify(store: &Store, actor: &ActorId) -> Outcome<Fact> {
    let report = store.engine().verify(actor).map_err(|error| Box::new(store_error(&error)))?;
    Ok(Fact::Verify(NativeVerify::new(actor, report)))
}

/// See [`actor_sqlite_engine::Engine::namespace_usage`].
pub fn usage(store: &Store, namespace: &str) -> Outcome<Fact> {
    let used = store.engine().namespace_usage(namespace);
    used.map(|bytes| Fact::Bytes(bytes as f64)).map_err(|error| Box::new(store_error(&error)))
}

/// The name of a database, checked.
pub fn actor_id(namespace: &str, actor: &str) -> Outcome<ActorId> {
    ActorId::new(namespace, actor).map_err(|error| Box::new(ErrorPayload::invalid(error)))
}
