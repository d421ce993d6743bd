//! Databases whose calls run on the thread of JavaScript, and return what came of them.
//!
//! Nothing here waits in a queue. While a call is under way SQLite may call a function of
//! JavaScript, which may call in here again: that is refused for the same database.

mod answer;
mod callbacks;
mod database;
mod functions;
mod kept;
mod memory;
mod opening;
mod program;
mod rows;
mod statements;
mod tables;
mod values;

pub use database::SyncDatabase;
