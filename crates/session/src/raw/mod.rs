//! The one place that calls SQLite's C interface: a connection handle and statements that keep it
//! alive. Everything above is safe code.

mod counts;
mod db;
mod functions;
mod statement;

pub(crate) use db::{Db, Kept as KeptCounts, RawError};
pub(crate) use functions::Registration;
pub(crate) use statement::{ColumnValue, Statement, Step, stepped_to_its_end};
