//! Records what a program does to the files of a directory, and shows what a power cut at any
//! moment of it would have left. For tests only.
//!
//! A test program that depends on this crate has its system calls go through [`Recording`]s: the
//! crate defines `open`, `write`, `fsync` and their kin, and the linker takes the program's own
//! definitions before the C library's, for the C++ of RocksDB as for Rust. Without a recording
//! under way they only pass on to the kernel. Linux with glibc; elsewhere nothing is recorded, see
//! [`Recording::is_possible`].
//!
//! [`Replay`] reads a recording up to any point and writes the files a power cut there could
//! leave. What it assumes of file systems is written there.

#[cfg(all(target_os = "linux", target_env = "gnu", target_pointer_width = "64"))]
mod hooks;
mod journal;
mod record;
mod replay;

pub use journal::Recording;
pub use record::Record;
pub use replay::{Loss, Replay};
