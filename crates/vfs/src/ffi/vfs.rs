//! `sqlite3_vfs`: files by name, and what is the platform's own.

use std::ffi::{CStr, c_char, c_int, c_void};
use std::panic::{AssertUnwindSafe, catch_unwind};

use libsqlite3_sys as ffi;

use super::io;
use crate::code::Class;
use crate::open_file::{self, OpenFile};
use crate::shared::Failed;

/// A name from SQLite; `None` if there is none, or it is none of ours because it is not UTF-8.
///
/// # Safety
/// `name` is null or a NUL-terminated string that outlives `'a`.
unsafe fn text<'a>(name: *const c_char) -> Option<&'a str> {
    if name.is_null() {
        return None;
    }
    // SAFETY: as the caller promises.
    unsafe { CStr::from_ptr(name) }.to_str().ok()
}

fn caught(class: Class, body: impl FnOnce() -> Result<(), Failed>) -> c_int {
    match catch_unwind(AssertUnwindSafe(body)) {
        Ok(Ok(())) => ffi::SQLITE_OK,
        Ok(Err(Failed(code))) => code,
        Err(_) => class.code(),
    }
}

pub(super) unsafe extern "C" fn open(
    _: *mut ffi::sqlite3_vfs,
    name: ffi::sqlite3_filename,
    file: *mut ffi::sqlite3_file,
    flags: c_int,
    out_flags: *mut c_int,
) -> c_int {
    // SAFETY: SQLite hands in `szOsFile` bytes for a handle. Null methods say that it is not open.
    unsafe { io::clear(file) };
    let unnamed = name.is_null();
    // SAFETY: a name lives until xClose.
    let name = unsafe { text(name) };
    caught(Class::Open, || {
        if name.is_none() && !unnamed {
            return Err(Failed(Class::Open.code()));
        }
        let open = OpenFile::open(name, flags)?;
        // SAFETY: `file` is still the handle's memory; `out_flags` is null or valid.
        unsafe {
            io::install(file, open);
            if let Some(out_flags) = out_flags.as_mut() {
                *out_flags = flags;
            }
        }
        Ok(())
    })
}

pub(super) unsafe extern "C" fn delete(
    _: *mut ffi::sqlite3_vfs,
    name: *const c_char,
    _sync_dir: c_int,
) -> c_int {
    // SAFETY: SQLite passes a NUL-terminated string for the time of the call.
    let name = unsafe { text(name) };
    caught(Class::Delete, || open_file::delete(name.unwrap_or_default()))
}

pub(super) unsafe extern "C" fn access(
    _: *mut ffi::sqlite3_vfs,
    name: *const c_char,
    _flags: c_int,
    out: *mut c_int,
) -> c_int {
    // SAFETY: SQLite passes a NUL-terminated string for the time of the call.
    let name = unsafe { text(name) };
    caught(Class::Access, || {
        let exists = open_file::exists(name.unwrap_or_default());
        // SAFETY: `out` points at SQLite's result variable.
        unsafe { *out = exists.into() };
        Ok(())
    })
}

pub(super) unsafe extern "C" fn full_pathname(
    _: *mut ffi::sqlite3_vfs,
    name: *const c_char,
    out_bytes: c_int,
    out: *mut c_char,
) -> c_int {
    // SAFETY: SQLite passes a NUL-terminated string for the time of the call.
    let name = unsafe { CStr::from_ptr(name) }.to_bytes_with_nul();
    let Ok(out_bytes) = usize::try_from(out_bytes) else {
        return ffi::SQLITE_CANTOPEN;
    };
    if name.len() > out_bytes {
        return ffi::SQLITE_CANTOPEN;
    }
    // SAFETY: `out` has `out_bytes` bytes, and SQLite's buffer is not the name's.
    unsafe { std::ptr::copy_nonoverlapping(name.as_ptr().cast(), out, name.len()) };
    ffi::SQLITE_OK
}

/// The platform's VFS.
///
/// # Safety
/// `own` is the object that `register` made: its `pAppData` is a VFS that lives for ever.
unsafe fn platform(own: *mut ffi::sqlite3_vfs) -> *mut ffi::sqlite3_vfs {
    // SAFETY: as the caller promises.
    unsafe { (*own).pAppData.cast() }
}

pub(super) unsafe extern "C" fn randomness(
    own: *mut ffi::sqlite3_vfs,
    bytes: c_int,
    out: *mut c_char,
) -> c_int {
    // SAFETY: SQLite calls with our own object, and `out` has `bytes` bytes.
    unsafe {
        let platform = platform(own);
        (*platform).xRandomness.map_or(0, |call| call(platform, bytes, out))
    }
}

pub(super) unsafe extern "C" fn sleep(own: *mut ffi::sqlite3_vfs, microseconds: c_int) -> c_int {
    // SAFETY: SQLite calls with our own object.
    unsafe {
        let platform = platform(own);
        (*platform).xSleep.map_or(0, |call| call(platform, microseconds))
    }
}

pub(super) unsafe extern "C" fn current_time(own: *mut ffi::sqlite3_vfs, out: *mut f64) -> c_int {
    // SAFETY: SQLite calls with our own object and its result variable.
    unsafe {
        let platform = platform(own);
        (*platform).xCurrentTime.map_or(ffi::SQLITE_ERROR, |call| call(platform, out))
    }
}

pub(super) unsafe extern "C" fn current_time_int64(
    own: *mut ffi::sqlite3_vfs,
    out: *mut ffi::sqlite3_int64,
) -> c_int {
    // SAFETY: SQLite calls with our own object and its result variable; our version is 2 only if
    // the platform's VFS has this method.
    unsafe {
        let platform = platform(own);
        (*platform).xCurrentTimeInt64.map_or(ffi::SQLITE_ERROR, |call| call(platform, out))
    }
}

pub(super) unsafe extern "C" fn last_error(
    _: *mut ffi::sqlite3_vfs,
    _: c_int,
    _: *mut c_char,
) -> c_int {
    0
}

pub(super) unsafe extern "C" fn dl_open(_: *mut ffi::sqlite3_vfs, _: *const c_char) -> *mut c_void {
    std::ptr::null_mut()
}

pub(super) unsafe extern "C" fn dl_error(_: *mut ffi::sqlite3_vfs, bytes: c_int, out: *mut c_char) {
    if bytes > 0 {
        // SAFETY: `out` has `bytes` bytes.
        unsafe { *out = 0 };
    }
}

pub(super) unsafe extern "C" fn dl_sym(
    _: *mut ffi::sqlite3_vfs,
    _: *mut c_void,
    _: *const c_char,
) -> Option<unsafe extern "C" fn(*mut ffi::sqlite3_vfs, *mut c_void, *const c_char)> {
    None
}

pub(super) unsafe extern "C" fn dl_close(_: *mut ffi::sqlite3_vfs, _: *mut c_void) {}
