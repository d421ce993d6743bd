//! The one place that calls SQLite's C interface: a connection handle and statements that keep it
//! alive. Everything above is safe code.

mod changeset;
mod counts;
mod db;
mod functions;
mod image;
mod modules;
mod scans;
mod statement;

pub(crate) use changeset::Recorder;
pub(crate) use db::{Db, Kept as KeptCounts, RawError};
pub(crate) use functions::Registration;
pub use statement::StatementCounter;
pub(crate) use statement::{ColumnValue, Statement, Step, stepped_to_its_end};
