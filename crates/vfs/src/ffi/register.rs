//! Making the VFS known to SQLite.

use std::ffi::{CStr, c_int};
use std::sync::OnceLock;

use libsqlite3_sys as ffi;

use super::{io, vfs};

/// The VFS's name, for `sqlite3_open_v2`.
const NAME: &CStr = c"actor-sqlite";

/// Longer than any name that is given out, with SQLite's suffixes.
const PATH_BYTES_MAX: c_int = 256;

/// Why the VFS is not registered.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum RegisterError {
    /// SQLite has no VFS of its own, to take time and randomness from.
    #[error("SQLite has no default VFS")]
    NoDefaultVfs,
    /// SQLite refused it.
    #[error("SQLite refused the VFS with code {0}")]
    Refused(c_int),
}

/// Registers the VFS, once in a process, and answers its name. It is never the default VFS, so
/// that other databases of the process are not touched.
///
/// # Errors
/// The first outcome stays.
pub fn register() -> Result<&'static str, RegisterError> {
    static OUTCOME: OnceLock<Result<&'static str, RegisterError>> = OnceLock::new();
    *OUTCOME.get_or_init(register_now)
}

fn register_now() -> Result<&'static str, RegisterError> {
    // SAFETY: a null name asks for the default VFS; the call initialises SQLite if need be.
    let platform = unsafe { ffi::sqlite3_vfs_find(std::ptr::null()) };
    if platform.is_null() {
        return Err(RegisterError::NoDefaultVfs);
    }
    // SAFETY: SQLite's registered VFS objects live as long as the process.
    let platform_version = unsafe { (*platform).iVersion };
    let own = Box::leak(Box::new(ffi::sqlite3_vfs {
        iVersion: platform_version.min(2),
        szOsFile: io::HANDLE_BYTES,
        mxPathname: PATH_BYTES_MAX,
        pNext: std::ptr::null_mut(),
        zName: NAME.as_ptr(),
        pAppData: platform.cast(),
        xOpen: Some(vfs::open),
        xDelete: Some(vfs::delete),
        xAccess: Some(vfs::access),
        xFullPathname: Some(vfs::full_pathname),
        xDlOpen: Some(vfs::dl_open),
        xDlError: Some(vfs::dl_error),
        xDlSym: Some(vfs::dl_sym),
        xDlClose: Some(vfs::dl_close),
        xRandomness: Some(vfs::randomness),
        xSleep: Some(vfs::sleep),
        xCurrentTime: Some(vfs::current_time),
        xGetLastError: Some(vfs::last_error),
        xCurrentTimeInt64: Some(vfs::current_time_int64),
        xSetSystemCall: None,
        xGetSystemCall: None,
        xNextSystemCall: None,
    }));
    // SAFETY: the object is leaked, so that it outlives SQLite, and complete for its version.
    match unsafe { ffi::sqlite3_vfs_register(own, 0) } {
        ffi::SQLITE_OK => Ok(NAME.to_str().unwrap_or_default()),
        code => Err(RegisterError::Refused(code)),
    }
}
