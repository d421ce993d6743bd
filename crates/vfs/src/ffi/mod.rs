//! The C side: `sqlite3_vfs` and `sqlite3_io_methods`, each callback one call into safe code.
//!
//! Every callback catches panics: none may cross into C.

mod io;
mod pragma;
mod register;
mod vfs;

pub use register::{RegisterError, register};
