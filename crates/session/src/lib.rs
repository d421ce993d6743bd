//! One actor's SQL: its connection, statements, limits and cache, and the executor that runs the
//! sessions of a process on few threads.
//!
//! Knows neither keys nor the network: pages come from a `PageStore` through the VFS.
//!
//! A [`Session`] is a mailbox of [`Command`]s. An [`Executor`] gives it a thread for a turn at a
//! time; the turn runs commands on the connection and hands each answer to the durability gate,
//! which lets it go when the state it rests on is durable.

#![deny(unsafe_op_in_unsafe_fn)]

mod authorizer;
mod changes;
mod collect;
mod command;
mod compiled;
mod connection;
mod control;
mod core;
mod error;
mod executor;
mod fault;
mod file;
mod gate;
mod keyword;
mod mailbox;
mod metrics;
mod options;
mod params;
mod raw;
mod rows;
mod session;
mod settings;
mod sleep;
mod slow_store;
mod sync;
mod value;

pub use actor_sqlite_pagestore::Clock;
pub use actor_sqlite_vfs::VfsMetrics;
pub use authorizer::{AskedAuthorizer, Authorization, AuthorizerQuestion};
pub use changes::{ApplyChanges, ChangesetKind};
pub use command::{
    Action, Answer, BatchEntry, BatchResult, Behavior, Changes, Command, Reply, Source,
    StatementId, StatementInfo, TransactionId, Want,
};
pub use error::SessionError;
pub use executor::{Executor, ExecutorMetrics, ExecutorOptions, SleepMetrics};
pub use file::{Import, ImportError, ImportHost, ImportOptions, Imported, Withdraw, leave_wal};
pub use gate::Durability;
pub use metrics::{QueueMetrics, SessionMetrics, StatementMetrics, TransactionMetrics};
pub use options::{Host, Limits, OpenOptions};
pub use raw::StatementCounter;
pub use rows::{Cell, Column, CursorId, Rows, Shape};
pub use session::{OpenReply, Session};
pub use sync::{
    FunctionOp, FunctionOptions, RowRef, RowSink, SqlFunction, SqlModule, SqlScan, SqlTable,
    SqlTableDefinition, SyncLimit, SyncPrepared, SyncSession, SyncSetting, SyncSight,
    SyncStatement, ValueRef,
};
pub use value::{Params, Value};
