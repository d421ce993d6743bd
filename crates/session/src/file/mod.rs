//! SQLite files as a whole, as they come in and go out.

mod header;

pub use header::leave_wal;
