//! What is recorded.

use std::path::PathBuf;

/// One step, in the order of completion. Files are numbered as they are first seen: a file keeps
/// its number whatever its names. Paths are relative to the recorded directory.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Record {
    /// A file got a name: it was made, or linked.
    Name {
        /// The name.
        path: PathBuf,
        /// The file.
        file: u32,
    },
    /// A name was given to another file or taken; the file it had before lost it.
    Rename {
        /// The old name.
        from: PathBuf,
        /// The new one.
        to: PathBuf,
    },
    /// A name was removed.
    Unlink {
        /// The name.
        path: PathBuf,
    },
    /// A directory was made.
    MakeDirectory {
        /// Its name.
        path: PathBuf,
    },
    /// Bytes were written.
    Write {
        /// The file.
        file: u32,
        /// Where, in bytes.
        offset: u64,
        /// What.
        bytes: Vec<u8>,
    },
    /// A file was cut or extended.
    Resize {
        /// The file.
        file: u32,
        /// Its new size.
        bytes: u64,
    },
    /// A sync began: it covers what was recorded before it.
    SyncBegun {
        /// The sync's number.
        sync: u64,
        /// The file; nothing for a directory.
        file: Option<u32>,
    },
    /// A sync succeeded.
    SyncEnded {
        /// Its number.
        sync: u64,
    },
    /// The program said something: see [`crate::Recording::mark`].
    Mark(
        /// What it said.
        Vec<u8>,
    ),
}
