//! One actor's SQL: its connection, statements, limits and cache, and the executor that runs the
//! sessions of a process on few threads.
//!
//! Knows neither keys nor the network: pages come from a `PageStore` through the VFS.

#![deny(unsafe_op_in_unsafe_fn)]

mod command;
mod error;
mod rows;
mod value;

pub use command::{
    Action, Answer, BatchEntry, BatchResult, Behavior, Changes, Command, Reply, Source,
    StatementId, StatementInfo, TransactionId, Want,
};
pub use error::SessionError;
pub use rows::{Cell, Column, CursorId, Rows, Shape};
pub use value::{Params, Value};
