//! `sqlite3_io_methods`: the callbacks on an open file.

use std::ffi::{c_int, c_void};
use std::panic::{AssertUnwindSafe, catch_unwind};

use libsqlite3_sys as ffi;

use super::pragma;
use crate::code::Class;
use crate::open_file::{Control, OpenFile};
use crate::read::ReadOutcome;
use crate::shared::Failed;

/// What SQLite allocates for each open file.
#[repr(C)]
struct Handle {
    base: ffi::sqlite3_file,
    /// Owned, from `Box::into_raw`; valid while `base.pMethods` is not null.
    file: *mut OpenFile,
}

pub(super) const HANDLE_BYTES: c_int = size_of::<Handle>() as c_int;

/// A page is one sector: nothing is ever written in smaller steps.
const SECTOR_BYTES: c_int = 4096;

/// Version 1: no shared memory, and so no write-ahead log; no memory map.
static METHODS: ffi::sqlite3_io_methods = ffi::sqlite3_io_methods {
    iVersion: 1,
    xClose: Some(close),
    xRead: Some(read),
    xWrite: Some(write),
    xTruncate: Some(truncate),
    xSync: Some(sync),
    xFileSize: Some(file_size),
    xLock: Some(lock),
    xUnlock: Some(unlock),
    xCheckReservedLock: Some(check_reserved_lock),
    xFileControl: Some(file_control),
    xSectorSize: Some(sector_size),
    xDeviceCharacteristics: Some(device_characteristics),
    xShmMap: None,
    xShmLock: None,
    xShmBarrier: None,
    xShmUnmap: None,
    xFetch: None,
    xUnfetch: None,
};

/// Marks a handle as not open.
///
/// # Safety
/// `file` points at [`HANDLE_BYTES`] bytes of writable memory.
pub(super) unsafe fn clear(file: *mut ffi::sqlite3_file) {
    // SAFETY: as the caller promises.
    unsafe { (*file).pMethods = std::ptr::null() };
}

/// Puts an open file into a handle.
///
/// # Safety
/// `file` points at [`HANDLE_BYTES`] bytes of writable memory, and holds no open file.
pub(super) unsafe fn install(file: *mut ffi::sqlite3_file, open: OpenFile) {
    let base = ffi::sqlite3_file { pMethods: &raw const METHODS };
    let handle = Handle { base, file: Box::into_raw(Box::new(open)) };
    // SAFETY: as the caller promises; SQLite aligns the memory to 8 bytes.
    unsafe { file.cast::<Handle>().write(handle) };
}

/// Runs a callback's body on its file, and stops panics.
///
/// # Safety
/// `file` is a handle that `install` filled and `close` has not emptied. SQLite makes one call on
/// a file at a time, so that the reference is the only one.
unsafe fn on_file(
    file: *mut ffi::sqlite3_file,
    class: Class,
    body: impl FnOnce(&mut OpenFile) -> Result<c_int, Failed>,
) -> c_int {
    // SAFETY: as the caller promises.
    let open = unsafe { &mut *(*file.cast::<Handle>()).file };
    match catch_unwind(AssertUnwindSafe(|| body(&mut *open))) {
        Ok(Ok(code)) | Ok(Err(Failed(code))) => code,
        Err(_) => open.panicked(class).0,
    }
}

unsafe extern "C" fn close(file: *mut ffi::sqlite3_file) -> c_int {
    // SAFETY: SQLite closes a file it has open, once; the box is taken back here.
    let open = unsafe {
        clear(file);
        Box::from_raw((*file.cast::<Handle>()).file)
    };
    // A panic in here has nothing left to poison.
    let _ = catch_unwind(AssertUnwindSafe(|| open.close()));
    ffi::SQLITE_OK
}

unsafe extern "C" fn read(
    file: *mut ffi::sqlite3_file,
    out: *mut c_void,
    bytes: c_int,
    offset: ffi::sqlite3_int64,
) -> c_int {
    // SAFETY: `out` has `bytes` writable bytes, which nobody else touches during the call.
    let out = unsafe { std::slice::from_raw_parts_mut(out.cast::<u8>(), bytes.max(0) as usize) };
    let body = |open: &mut OpenFile| {
        Ok(match open.read(offset.max(0) as u64, out)? {
            ReadOutcome::Full => ffi::SQLITE_OK,
            ReadOutcome::Short => ffi::SQLITE_IOERR_SHORT_READ,
        })
    };
    // SAFETY: SQLite calls with a file it has open.
    unsafe { on_file(file, Class::Read, body) }
}

unsafe extern "C" fn write(
    file: *mut ffi::sqlite3_file,
    bytes: *const c_void,
    length: c_int,
    offset: ffi::sqlite3_int64,
) -> c_int {
    // SAFETY: `bytes` has `length` bytes that do not change during the call.
    let bytes = unsafe { std::slice::from_raw_parts(bytes.cast::<u8>(), length.max(0) as usize) };
    let body = |open: &mut OpenFile| open.write(offset.max(0) as u64, bytes).map(|()| 0);
    // SAFETY: SQLite calls with a file it has open.
    unsafe { on_file(file, Class::Write, body) }
}

unsafe extern "C" fn truncate(file: *mut ffi::sqlite3_file, size: ffi::sqlite3_int64) -> c_int {
    let body = |open: &mut OpenFile| open.truncate(size.max(0) as u64).map(|()| 0);
    // SAFETY: SQLite calls with a file it has open.
    unsafe { on_file(file, Class::Truncate, body) }
}

unsafe extern "C" fn sync(file: *mut ffi::sqlite3_file, _flags: c_int) -> c_int {
    // SAFETY: SQLite calls with a file it has open.
    unsafe { on_file(file, Class::Commit, |open| open.sync().map(|()| 0)) }
}

unsafe extern "C" fn file_size(
    file: *mut ffi::sqlite3_file,
    out: *mut ffi::sqlite3_int64,
) -> c_int {
    let body = |open: &mut OpenFile| {
        // SAFETY: `out` points at SQLite's result variable.
        unsafe { *out = open.size() as ffi::sqlite3_int64 };
        Ok(ffi::SQLITE_OK)
    };
    // SAFETY: SQLite calls with a file it has open.
    unsafe { on_file(file, Class::Size, body) }
}

unsafe extern "C" fn lock(file: *mut ffi::sqlite3_file, _level: c_int) -> c_int {
    // SAFETY: SQLite calls with a file it has open.
    unsafe { on_file(file, Class::Lock, |open| open.lock().map(|()| 0)) }
}

unsafe extern "C" fn unlock(file: *mut ffi::sqlite3_file, level: c_int) -> c_int {
    let body = |open: &mut OpenFile| {
        open.unlock(level);
        Ok(ffi::SQLITE_OK)
    };
    // SAFETY: SQLite calls with a file it has open.
    unsafe { on_file(file, Class::Lock, body) }
}

unsafe extern "C" fn check_reserved_lock(_: *mut ffi::sqlite3_file, out: *mut c_int) -> c_int {
    // SAFETY: `out` points at SQLite's result variable.
    unsafe { *out = 0 };
    ffi::SQLITE_OK
}

unsafe extern "C" fn file_control(
    file: *mut ffi::sqlite3_file,
    operation: c_int,
    argument: *mut c_void,
) -> c_int {
    let control = match operation {
        ffi::SQLITE_FCNTL_BEGIN_ATOMIC_WRITE => Control::BeginAtomic,
        ffi::SQLITE_FCNTL_COMMIT_ATOMIC_WRITE => Control::CommitAtomic,
        ffi::SQLITE_FCNTL_ROLLBACK_ATOMIC_WRITE => Control::RollbackAtomic,
        ffi::SQLITE_FCNTL_SYNC => Control::Sync,
        ffi::SQLITE_FCNTL_PRAGMA => {
            // SAFETY: SQLite calls with a file it has open, and for this operation with an array
            // of four strings.
            return unsafe {
                on_file(file, Class::Lock, |open| Ok(pragma::handle(open, argument.cast())))
            };
        }
        _ => return ffi::SQLITE_NOTFOUND,
    };
    // SAFETY: SQLite calls with a file it has open.
    unsafe { on_file(file, Class::Commit, |open| open.control(control)) }
}

unsafe extern "C" fn sector_size(_: *mut ffi::sqlite3_file) -> c_int {
    SECTOR_BYTES
}

unsafe extern "C" fn device_characteristics(file: *mut ffi::sqlite3_file) -> c_int {
    // SAFETY: SQLite calls with a file it has open; the answer is of constants, so nothing panics.
    unsafe { (*(*file.cast::<Handle>()).file).characteristics() }
}
