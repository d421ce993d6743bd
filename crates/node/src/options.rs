//! The options of openings, as the facade hands them over: checked for their types, and here for
//! their values.

use actor_sqlite_ltx::PageSize;
use actor_sqlite_pagestore::ActorId;
use actor_sqlite_session::{Durability, Limits, OpenOptions};
use napi_derive::napi;

use crate::error::{ErrorPayload, Outcome};

/// Of `openStorage`.
#[napi(object)]
#[derive(Debug)]
pub struct NativeStorageOptions {
    /// The directory, absolute.
    pub path: String,
    /// Page cache.
    pub cache_bytes: Option<f64>,
    /// Block cache and write buffers.
    pub memory_bytes: Option<f64>,
    /// Connections at a time.
    pub awake_max: Option<f64>,
    /// Of each database.
    pub quota_bytes: Option<f64>,
    /// Of each namespace.
    pub namespace_quota_bytes: Option<f64>,
    /// Old states that stay: how many.
    pub retention_commits: Option<f64>,
    /// Old states that stay: how young.
    pub retention_age_ms: Option<f64>,
    /// Old states that stay: the most of a database.
    pub retention_bytes: Option<f64>,
    /// Reading for damage.
    pub scrub_bytes_per_second: Option<f64>,
}

/// SQLite's limits.
#[napi(object)]
#[derive(Debug, Default)]
pub struct NativeLimits {
    /// See `sqlite3_limit`.
    pub length: Option<i32>,
    /// See `sqlite3_limit`.
    pub sql_length: Option<i32>,
    /// See `sqlite3_limit`.
    pub column: Option<i32>,
    /// See `sqlite3_limit`.
    pub expr_depth: Option<i32>,
    /// See `sqlite3_limit`.
    pub compound_select: Option<i32>,
    /// See `sqlite3_limit`.
    pub vdbe_op: Option<i32>,
    /// See `sqlite3_limit`.
    pub function_arg: Option<i32>,
    /// See `sqlite3_limit`.
    pub like_pattern_length: Option<i32>,
    /// See `sqlite3_limit`.
    pub variable_number: Option<i32>,
    /// See `sqlite3_limit`.
    pub trigger_depth: Option<i32>,
}

impl From<NativeLimits> for Limits {
    fn from(limits: NativeLimits) -> Self {
        Self {
            length: limits.length,
            sql_length: limits.sql_length,
            column: limits.column,
            expr_depth: limits.expr_depth,
            compound_select: limits.compound_select,
            vdbe_op: limits.vdbe_op,
            function_arg: limits.function_arg,
            attached: None,
            like_pattern_length: limits.like_pattern_length,
            variable_number: limits.variable_number,
            trigger_depth: limits.trigger_depth,
        }
    }
}

/// Of `openDatabase`. What is absent takes the session's default.
#[napi(object)]
#[derive(Debug)]
pub struct NativeDatabaseOptions {
    /// The actor's name.
    pub actor: String,
    /// Its namespace.
    pub namespace: String,
    /// Who opens, for people.
    pub owner: String,
    /// `strict` or `gated`.
    pub durability: String,
    /// Refuse writes.
    pub readonly: Option<bool>,
    /// Make the database if there is none.
    pub create: Option<bool>,
    /// Of a database that is made.
    pub page_size: Option<u32>,
    /// SQLite's own cache.
    pub cache_bytes: Option<f64>,
    /// Enforce foreign keys.
    pub foreign_keys: Option<bool>,
    /// Statements kept compiled.
    pub statement_cache_size: Option<u32>,
    /// Of a call.
    pub query_timeout_ms: Option<f64>,
    /// Of a transaction.
    pub transaction_timeout_ms: Option<f64>,
    /// How long it is left alone before it sleeps; 0 for never.
    pub idle_timeout_ms: Option<f64>,
    /// The most it may store.
    pub quota_bytes: Option<f64>,
    /// SQLite's limits.
    pub limits: Option<NativeLimits>,
}

impl NativeDatabaseOptions {
    /// The name and the settings of a session.
    pub fn check(self) -> Outcome<(ActorId, OpenOptions)> {
        let actor = ActorId::new(&self.namespace, &self.actor)
            .map_err(|error| Box::new(ErrorPayload::invalid(error)))?;
        let base = OpenOptions::default();
        let page_size = match self.page_size {
            Some(bytes) => {
                PageSize::new(bytes).map_err(|error| Box::new(ErrorPayload::invalid(error)))?
            }
            None => base.page_size,
        };
        let options = OpenOptions {
            owner: self.owner,
            create: self.create.unwrap_or(base.create),
            readonly: self.readonly.unwrap_or(base.readonly),
            page_size,
            durability: match self.durability.as_str() {
                "gated" => Durability::Gated,
                _ => Durability::Strict,
            },
            foreign_keys: self.foreign_keys.unwrap_or(base.foreign_keys),
            cache_bytes: self.cache_bytes.map_or(base.cache_bytes, |bytes| bytes as u64),
            statement_cache_size: self
                .statement_cache_size
                .map_or(base.statement_cache_size, |size| size as usize),
            timeout_ms: self.query_timeout_ms.map(|ms| ms as u64),
            transaction_timeout_ms: self.transaction_timeout_ms.map(|ms| ms as u64),
            idle_ms: match self.idle_timeout_ms {
                Some(ms) => Some(ms as u64).filter(|ms| *ms > 0),
                None => base.idle_ms,
            },
            quota_bytes: self.quota_bytes.map(|bytes| bytes as u64),
            limits: self.limits.map(Limits::from).unwrap_or_default(),
            ..base
        };
        Ok((actor, options))
    }
}
