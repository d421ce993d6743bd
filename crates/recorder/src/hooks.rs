//! The C library's calls on files, which pass on to the kernel and are recorded.
//!
//! Each has the C library's name and arguments, so that the linker resolves every call of the
//! program here. They go to the kernel with `syscall`, which sets `errno` as the C library does.
//! `open` is variadic in C; on the supported platforms a variadic argument is passed as any other,
//! and the mode is looked at only when the caller gave one.
//!
//! A recorded call holds the recordings' lock until its record is written, so that records are in
//! the order of completion; a sync holds it only to note its beginning and its end. Nothing under
//! the lock calls back: the record keeping neither opens nor writes files.

use std::ffi::{CStr, OsStr};
use std::os::unix::ffi::OsStrExt;
use std::path::Path;
use std::slice;
use std::sync::MutexGuard;

use libc::{c_char, c_int, c_long, c_void, iovec, mode_t, off_t, size_t, ssize_t};

use crate::journal::{Live, recordings};

/// The recordings, locked, if one of them is about `fd`.
fn recorded(fd: c_int) -> Option<MutexGuard<'static, Option<Live>>> {
    recordings().filter(|live| live.as_ref().is_some_and(|live| live.is_recorded(fd)))
}

/// # Safety
/// `path` must be a C string, as the C library demands.
unsafe fn path_of<'a>(path: *const c_char) -> &'a Path {
    // SAFETY: the caller's promise; the string outlives the call it was given for.
    Path::new(OsStr::from_bytes(unsafe { CStr::from_ptr(path) }.to_bytes()))
}

fn int(result: c_long) -> c_int {
    c_int::try_from(result).unwrap_or(-1)
}

/// # Safety
/// As of `openat` of the C library.
unsafe fn open_at(at: c_int, path: *const c_char, flags: c_int, mode: mode_t) -> c_int {
    // SAFETY: the arguments are passed on as they came.
    let call = || int(unsafe { libc::syscall(libc::SYS_openat, at, path, flags, mode) });
    let Some(mut live) = recordings() else { return call() };
    let fd = call();
    let Some(live) = live.as_mut().filter(|_| fd >= 0) else { return fd };
    live.closed(fd);
    // SAFETY: the kernel has taken it as a path.
    let Some(place) = live.place(unsafe { path_of(path) }) else { return fd };
    if is_directory(fd) {
        live.opened_directory(fd, &place);
    } else {
        let writable = flags & libc::O_ACCMODE != libc::O_RDONLY;
        live.opened(fd, &place, writable, flags & libc::O_TRUNC != 0);
    }
    fd
}

fn stat(fd: c_int) -> Option<libc::stat> {
    // SAFETY: a stat of zeros is a valid one to be filled.
    let mut stat: libc::stat = unsafe { std::mem::zeroed() };
    // SAFETY: `stat` lives through the call.
    (unsafe { libc::fstat(fd, &raw mut stat) } == 0).then_some(stat)
}

fn is_directory(fd: c_int) -> bool {
    stat(fd).is_some_and(|stat| stat.st_mode & libc::S_IFMT == libc::S_IFDIR)
}

/// See the module.
///
/// # Safety
/// As of the C library; so for all that follow.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn open(path: *const c_char, flags: c_int, mode: mode_t) -> c_int {
    // SAFETY: as the caller promised.
    unsafe { open_at(libc::AT_FDCWD, path, flags, mode) }
}

/// See the module.
///
/// # Safety
/// As of the C library.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn open64(path: *const c_char, flags: c_int, mode: mode_t) -> c_int {
    // SAFETY: as the caller promised.
    unsafe { open_at(libc::AT_FDCWD, path, flags, mode) }
}

/// See the module.
///
/// # Safety
/// As of the C library.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn openat(
    at: c_int,
    path: *const c_char,
    flags: c_int,
    mode: mode_t,
) -> c_int {
    // SAFETY: as the caller promised.
    unsafe { open_at(at, path, flags, mode) }
}

/// See the module.
///
/// # Safety
/// As of the C library.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn openat64(
    at: c_int,
    path: *const c_char,
    flags: c_int,
    mode: mode_t,
) -> c_int {
    // SAFETY: as the caller promised.
    unsafe { open_at(at, path, flags, mode) }
}

/// See the module.
///
/// # Safety
/// As of the C library.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn creat(path: *const c_char, mode: mode_t) -> c_int {
    // SAFETY: as the caller promised.
    unsafe { open(path, libc::O_CREAT | libc::O_WRONLY | libc::O_TRUNC, mode) }
}

/// See the module.
///
/// # Safety
/// As of the C library.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn close(fd: c_int) -> c_int {
    let mut live = recordings();
    if let Some(live) = live.as_deref_mut().and_then(Option::as_mut) {
        live.closed(fd);
    }
    // SAFETY: the arguments are passed on as they came.
    int(unsafe { libc::syscall(libc::SYS_close, fd) })
}

/// See the module.
///
/// # Safety
/// As of the C library.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn write(fd: c_int, from: *const c_void, bytes: size_t) -> ssize_t {
    // SAFETY: the arguments are passed on as they came.
    let call = || unsafe { libc::syscall(libc::SYS_write, fd, from, bytes) as ssize_t };
    let Some(mut live) = recorded(fd) else { return call() };
    let offset = position(fd);
    let written = call();
    if let (Some(live), Ok(written)) = (live.as_mut(), usize::try_from(written)) {
        // SAFETY: the kernel has just read so many bytes there.
        live.wrote(fd, offset, unsafe { slice::from_raw_parts(from.cast(), written) }.to_vec());
    }
    written
}

/// Where the next write goes; RocksDB and this project append by position, never by `O_APPEND`.
fn position(fd: c_int) -> u64 {
    // SAFETY: no memory is involved.
    u64::try_from(unsafe { libc::lseek(fd, 0, libc::SEEK_CUR) }).unwrap_or(0)
}

/// See the module.
///
/// # Safety
/// As of the C library.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn pwrite(
    fd: c_int,
    from: *const c_void,
    bytes: size_t,
    offset: off_t,
) -> ssize_t {
    // SAFETY: the arguments are passed on as they came.
    let call = || unsafe { libc::syscall(libc::SYS_pwrite64, fd, from, bytes, offset) as ssize_t };
    let Some(mut live) = recorded(fd) else { return call() };
    let written = call();
    if let (Some(live), Ok(written)) = (live.as_mut(), usize::try_from(written)) {
        // SAFETY: the kernel has just read so many bytes there.
        let bytes = unsafe { slice::from_raw_parts(from.cast(), written) }.to_vec();
        live.wrote(fd, offset as u64, bytes);
    }
    written
}

/// See the module.
///
/// # Safety
/// As of the C library.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn pwrite64(
    fd: c_int,
    from: *const c_void,
    bytes: size_t,
    offset: off_t,
) -> ssize_t {
    // SAFETY: as the caller promised.
    unsafe { pwrite(fd, from, bytes, offset) }
}

/// See the module.
///
/// # Safety
/// As of the C library.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn writev(fd: c_int, parts: *const iovec, count: c_int) -> ssize_t {
    // SAFETY: the arguments are passed on as they came.
    let call = || unsafe { libc::syscall(libc::SYS_writev, fd, parts, count) as ssize_t };
    let Some(mut live) = recorded(fd) else { return call() };
    let offset = position(fd);
    let written = call();
    if let (Some(live), Ok(written), Ok(count)) =
        (live.as_mut(), usize::try_from(written), usize::try_from(count))
    {
        let mut all = Vec::with_capacity(written);
        // SAFETY: the kernel has just read these parts, and so many bytes of them.
        for part in unsafe { slice::from_raw_parts(parts, count) } {
            let bytes = part.iov_len.min(written - all.len());
            // SAFETY: as above.
            all.extend_from_slice(unsafe { slice::from_raw_parts(part.iov_base.cast(), bytes) });
        }
        live.wrote(fd, offset, all);
    }
    written
}

fn sync(fd: c_int, call: c_long) -> c_int {
    let begun = recorded(fd).and_then(|mut live| live.as_mut()?.sync_begins(fd));
    // SAFETY: no memory is involved.
    let result = int(unsafe { libc::syscall(call, fd) });
    if let (Some(begun), 0) = (begun, result)
        && let Some(live) = recordings().as_deref_mut().and_then(Option::as_mut)
    {
        live.sync_ended(begun);
    }
    result
}

/// See the module.
///
/// # Safety
/// As of the C library.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn fsync(fd: c_int) -> c_int {
    sync(fd, libc::SYS_fsync)
}

/// See the module.
///
/// # Safety
/// As of the C library.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn fdatasync(fd: c_int) -> c_int {
    sync(fd, libc::SYS_fdatasync)
}

/// See the module.
///
/// # Safety
/// As of the C library.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn ftruncate(fd: c_int, bytes: off_t) -> c_int {
    // SAFETY: no memory is involved.
    let call = || int(unsafe { libc::syscall(libc::SYS_ftruncate, fd, bytes) });
    let Some(mut live) = recorded(fd) else { return call() };
    let result = call();
    if let (Some(live), 0) = (live.as_mut(), result) {
        live.resized(fd, bytes as u64);
    }
    result
}

/// See the module.
///
/// # Safety
/// As of the C library.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn ftruncate64(fd: c_int, bytes: off_t) -> c_int {
    // SAFETY: as the caller promised.
    unsafe { ftruncate(fd, bytes) }
}

/// See the module.
///
/// # Safety
/// As of the C library.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn fallocate(fd: c_int, mode: c_int, offset: off_t, bytes: off_t) -> c_int {
    // SAFETY: no memory is involved.
    let call = || int(unsafe { libc::syscall(libc::SYS_fallocate, fd, mode, offset, bytes) });
    let Some(mut live) = recorded(fd) else { return call() };
    let before = stat(fd).map(|stat| stat.st_size);
    let result = call();
    let after = stat(fd).map(|stat| stat.st_size);
    if let (Some(live), Some(after), 0) = (live.as_mut(), after, result)
        && before != Some(after)
    {
        live.resized(fd, after as u64);
    }
    result
}

/// See the module.
///
/// # Safety
/// As of the C library.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn fallocate64(fd: c_int, mode: c_int, offset: off_t, bytes: off_t) -> c_int {
    // SAFETY: as the caller promised.
    unsafe { fallocate(fd, mode, offset, bytes) }
}

/// See the module.
///
/// # Safety
/// As of the C library.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn rename(from: *const c_char, to: *const c_char) -> c_int {
    let at = libc::AT_FDCWD;
    // SAFETY: the arguments are passed on as they came.
    let call = || int(unsafe { libc::syscall(libc::SYS_renameat2, at, from, at, to, 0) });
    let Some(mut live) = recordings() else { return call() };
    let result = call();
    if let (Some(live), 0) = (live.as_mut(), result) {
        // SAFETY: the kernel has taken them as paths.
        let places = unsafe { (live.place(path_of(from)), live.place(path_of(to))) };
        if let (Some(from), Some(to)) = places {
            live.renamed(from, to);
        }
    }
    result
}

/// See the module.
///
/// # Safety
/// As of the C library.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn link(from: *const c_char, to: *const c_char) -> c_int {
    // SAFETY: as the caller promised.
    unsafe { linkat(libc::AT_FDCWD, from, libc::AT_FDCWD, to, 0) }
}

/// See the module. Recorded with absolute paths only, which is how the standard library calls it.
///
/// # Safety
/// As of the C library.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn linkat(
    from_at: c_int,
    from: *const c_char,
    to_at: c_int,
    to: *const c_char,
    flags: c_int,
) -> c_int {
    // SAFETY: the arguments are passed on as they came.
    let call = || int(unsafe { libc::syscall(libc::SYS_linkat, from_at, from, to_at, to, flags) });
    let Some(mut live) = recordings() else { return call() };
    let result = call();
    if let (Some(live), 0) = (live.as_mut(), result) {
        // SAFETY: the kernel has taken them as paths.
        let places = unsafe { (live.place(path_of(from)), live.place(path_of(to))) };
        if let (Some(from), Some(to)) = places {
            live.linked(from, to);
        }
    }
    result
}

/// See the module.
///
/// # Safety
/// As of the C library.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn unlink(path: *const c_char) -> c_int {
    // SAFETY: the arguments are passed on as they came.
    let call = || int(unsafe { libc::syscall(libc::SYS_unlinkat, libc::AT_FDCWD, path, 0) });
    let Some(mut live) = recordings() else { return call() };
    let result = call();
    if let (Some(live), 0) = (live.as_mut(), result) {
        // SAFETY: the kernel has taken it as a path.
        if let Some(place) = live.place(unsafe { path_of(path) }) {
            live.unlinked(place);
        }
    }
    result
}

/// See the module.
///
/// # Safety
/// As of the C library.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn mkdir(path: *const c_char, mode: mode_t) -> c_int {
    // SAFETY: the arguments are passed on as they came.
    let call = || int(unsafe { libc::syscall(libc::SYS_mkdirat, libc::AT_FDCWD, path, mode) });
    let Some(mut live) = recordings() else { return call() };
    let result = call();
    if let (Some(live), 0) = (live.as_mut(), result) {
        // SAFETY: the kernel has taken it as a path.
        if let Some(place) = live.place(unsafe { path_of(path) }) {
            live.made_directory(place);
        }
    }
    result
}
