//! One process at a time, and the others learn which.

use std::fs::{self, File, OpenOptions, TryLockError};
use std::path::Path;

use actor_sqlite_kv::KvError;

/// Locked for as long as the store is open.
const LOCK_FILE: &str = "OWNER.lock";
/// Who locked it, in text for people.
const HOLDER_FILE: &str = "HOLDER";

/// The right to open a directory. Ends when dropped.
pub(crate) struct Holder {
    lock: File,
}

impl Holder {
    /// Takes the directory for this process and says so in the file `HOLDER`.
    ///
    /// The lock is taken before RocksDB's own, so that a refusal is told apart from every other
    /// failure of opening, and it belongs to the open file, so that a second copy of this code in
    /// the same process is refused as well.
    pub(crate) fn take(directory: &Path) -> Result<Self, KvError> {
        let lock = OpenOptions::new()
            .create(true)
            .truncate(false)
            .write(true)
            .open(directory.join(LOCK_FILE))
            .map_err(|error| unavailable(directory, &error))?;
        match lock.try_lock() {
            Ok(()) => {}
            Err(TryLockError::WouldBlock) => return Err(in_use(directory)),
            Err(TryLockError::Error(error)) => return Err(unavailable(directory, &error)),
        }
        let holder = Self { lock };
        fs::write(directory.join(HOLDER_FILE), describe_self())
            .map_err(|error| unavailable(directory, &error))?;
        Ok(holder)
    }
}

impl Drop for Holder {
    fn drop(&mut self) {
        // Closing alone would leave the lock to a child that was forked but has not yet exec'd.
        let _ = self.lock.unlock();
    }
}

fn in_use(directory: &Path) -> KvError {
    let holder = fs::read_to_string(directory.join(HOLDER_FILE)).unwrap_or_default();
    let holder = holder.trim();
    KvError::InUse {
        path: directory.display().to_string(),
        holder: if holder.is_empty() { "an unknown process".into() } else { holder.into() },
    }
}

fn unavailable(directory: &Path, error: &std::io::Error) -> KvError {
    KvError::Unavailable { reason: format!("{}: {error}", directory.display()) }
}

fn describe_self() -> String {
    let mut text = format!("process {}", std::process::id());
    if let Ok(host) = fs::read_to_string("/proc/sys/kernel/hostname") {
        text += &format!(" on {}", host.trim());
    }
    if let Some(ticks) = start_ticks() {
        text += &format!(", started {ticks} ticks after boot");
    }
    if let Ok(executable) = std::env::current_exe() {
        text += &format!(", {}", executable.display());
    }
    text + "\n"
}

/// When this process started: field 22 of its `stat`, counted after the command's closing
/// parenthesis because the command may hold spaces. Tells a process from a later one of its id.
fn start_ticks() -> Option<u64> {
    let stat = fs::read_to_string("/proc/self/stat").ok()?;
    let (_, after_command) = stat.rsplit_once(')')?;
    after_command.split_whitespace().nth(19)?.parse().ok()
}
