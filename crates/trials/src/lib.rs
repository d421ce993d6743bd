//! Trials of the whole stack: SQL on sessions over the engine over a store that crashes, is
//! killed, or has had its bytes changed, compared with stock SQLite.
//!
//! Ships nowhere. `tests/` has one trial a file; this library has what they share.

#![forbid(unsafe_code)]

mod clock;
pub mod ledger;
mod oracle;
mod seed;
mod small;
mod stack;
mod workload;

pub use clock::TickingClock;
pub use oracle::{Oracle, Table, dump_with};
pub use seed::seed;
pub use small::{small_limits, small_open, small_options};
pub use stack::{Database, Stack, StackOptions};
pub use workload::Workload;
