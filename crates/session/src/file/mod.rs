//! SQLite files as a whole, as they come in and go out.

mod check;
mod error;
mod header;
mod import;
mod staged;

pub use error::ImportError;
pub use header::leave_wal;
pub use import::{Import, ImportHost, ImportOptions, Imported, Withdraw};
