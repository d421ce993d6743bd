//! SQL functions and aggregates that a caller brings.

use std::ffi::{CString, c_int, c_void};
use std::panic::{AssertUnwindSafe, catch_unwind};

use rusqlite::ffi;

use crate::{FunctionOp, SqlFunction, Value, ValueRef};

/// Up to so many arguments are handed over without memory of their own.
const FEW: usize = 8;

/// A function on its way to SQLite.
pub(crate) struct Registration<'a> {
    pub(crate) name: &'a str,
    /// -1 for any number.
    pub(crate) arguments: i32,
    pub(crate) flags: c_int,
    /// Whether it is an aggregate, and one of windows.
    pub(crate) aggregate: Option<bool>,
}

/// Registers a function, or replaces the one of that name and number of arguments.
///
/// # Safety
/// `db` must be an open handle that only this thread uses.
pub(super) unsafe fn register(
    db: *mut ffi::sqlite3,
    registration: &Registration<'_>,
    function: Box<dyn SqlFunction>,
) -> c_int {
    let Ok(name) = CString::new(registration.name) else { return ffi::SQLITE_MISUSE };
    let flags = ffi::SQLITE_UTF8 | registration.flags;
    let user = Box::into_raw(Box::new(function)).cast::<c_void>();
    let count = registration.arguments;
    // SAFETY: the handle is open; SQLite calls `forget` with `user` exactly once, also if this
    // fails.
    unsafe {
        match registration.aggregate {
            None => ffi::sqlite3_create_function_v2(
                db,
                name.as_ptr(),
                count,
                flags,
                user,
                Some(call),
                None,
                None,
                Some(forget),
            ),
            Some(window) => ffi::sqlite3_create_window_function(
                db,
                name.as_ptr(),
                count,
                flags,
                user,
                Some(step),
                Some(last),
                if window { Some(value) } else { None },
                if window { Some(inverse) } else { None },
                Some(forget),
            ),
        }
    }
}

unsafe extern "C" fn forget(user: *mut c_void) {
    // SAFETY: what `register` made, given back once.
    let function = unsafe { Box::from_raw(user.cast::<Box<dyn SqlFunction>>()) };
    let _ = catch_unwind(AssertUnwindSafe(move || drop(function)));
}

unsafe extern "C" fn call(
    context: *mut ffi::sqlite3_context,
    count: c_int,
    arguments: *mut *mut ffi::sqlite3_value,
) {
    // SAFETY: SQLite's own context and arguments.
    unsafe { run(context, FunctionOp::Call, 0, count, arguments, true) };
}

unsafe extern "C" fn step(
    context: *mut ffi::sqlite3_context,
    count: c_int,
    arguments: *mut *mut ffi::sqlite3_value,
) {
    // SAFETY: as in `call`; a step may ask for its aggregate's memory.
    unsafe {
        let aggregate = aggregate(context, true);
        run(context, FunctionOp::Step, aggregate, count, arguments, false);
    }
}

unsafe extern "C" fn inverse(
    context: *mut ffi::sqlite3_context,
    count: c_int,
    arguments: *mut *mut ffi::sqlite3_value,
) {
    // SAFETY: as in `step`.
    unsafe {
        let aggregate = aggregate(context, true);
        run(context, FunctionOp::Inverse, aggregate, count, arguments, false);
    }
}

unsafe extern "C" fn value(context: *mut ffi::sqlite3_context) {
    // SAFETY: as in `step`.
    unsafe {
        let aggregate = aggregate(context, true);
        run(context, FunctionOp::Value, aggregate, 0, std::ptr::null_mut(), true);
    }
}

unsafe extern "C" fn last(context: *mut ffi::sqlite3_context) {
    // SAFETY: as in `step`; without a step before there is no memory.
    unsafe {
        let aggregate = aggregate(context, false);
        run(context, FunctionOp::Final, aggregate, 0, std::ptr::null_mut(), true);
    }
}

/// The number of the aggregate that runs, kept in its memory; 0 if it has none and `make` is false.
///
/// # Safety
/// `context` must be that of an aggregate's call.
unsafe fn aggregate(context: *mut ffi::sqlite3_context, make: bool) -> u64 {
    use std::sync::atomic::{AtomicU64, Ordering};
    static NEXT: AtomicU64 = AtomicU64::new(1);
    let bytes = if make { size_of::<u64>() as c_int } else { 0 };
    // SAFETY: SQLite's memory of that size, zero at first, or a null pointer.
    unsafe {
        let place = ffi::sqlite3_aggregate_context(context, bytes).cast::<u64>();
        if place.is_null() {
            return 0;
        }
        if place.read_unaligned() == 0 {
            place.write_unaligned(NEXT.fetch_add(1, Ordering::Relaxed));
        }
        place.read_unaligned()
    }
}

/// # Safety
/// To be called by SQLite for a function that `register` made, with `count` arguments.
unsafe fn run(
    context: *mut ffi::sqlite3_context,
    op: FunctionOp,
    aggregate: u64,
    count: c_int,
    arguments: *mut *mut ffi::sqlite3_value,
    answers: bool,
) {
    // SAFETY: the arguments and the user data are alive for the call.
    let result = unsafe {
        let function = &*ffi::sqlite3_user_data(context).cast::<Box<dyn SqlFunction>>();
        let count = usize::try_from(count).unwrap_or(0);
        catch_unwind(AssertUnwindSafe(|| {
            let mut few = [ValueRef::Null; FEW];
            let mut many = Vec::new();
            let values = match few.get_mut(..count) {
                Some(few) => few,
                None => {
                    many.resize(count, ValueRef::Null);
                    many.as_mut_slice()
                }
            };
            for (index, place) in values.iter_mut().enumerate() {
                *place = borrowed(*arguments.add(index));
            }
            function.call(op, aggregate, values)
        }))
    };
    // SAFETY: as above; SQLite copies what it is given.
    unsafe {
        match result {
            Ok(Some(value)) if answers => set_result(context, &value),
            Ok(Some(_)) => {}
            Ok(None) | Err(_) => {
                let text = "a function failed";
                ffi::sqlite3_result_error(context, text.as_ptr().cast(), text.len() as c_int);
            }
        }
    }
}

/// # Safety
/// `value` must be alive as long as what is borrowed.
pub(super) unsafe fn borrowed<'a>(value: *mut ffi::sqlite3_value) -> ValueRef<'a> {
    // SAFETY: by this function's contract; the length is asked for after the pointer.
    unsafe {
        match ffi::sqlite3_value_type(value) {
            ffi::SQLITE_INTEGER => ValueRef::Integer(ffi::sqlite3_value_int64(value)),
            ffi::SQLITE_FLOAT => ValueRef::Real(ffi::sqlite3_value_double(value)),
            ffi::SQLITE_TEXT => ValueRef::Text(bytes(ffi::sqlite3_value_text(value), value)),
            ffi::SQLITE_BLOB => ValueRef::Blob(bytes(ffi::sqlite3_value_blob(value).cast(), value)),
            _ => ValueRef::Null,
        }
    }
}

/// # Safety
/// `start` must be what SQLite answered for the bytes of `value`.
unsafe fn bytes<'a>(start: *const u8, value: *mut ffi::sqlite3_value) -> &'a [u8] {
    if start.is_null() {
        return &[];
    }
    // SAFETY: SQLite answered with that many bytes.
    unsafe {
        let length = ffi::sqlite3_value_bytes(value);
        std::slice::from_raw_parts(start, usize::try_from(length).unwrap_or(0))
    }
}

/// # Safety
/// `context` must be that of a call which answers with a value.
pub(super) unsafe fn set_result(context: *mut ffi::sqlite3_context, value: &Value) {
    let copy = ffi::SQLITE_TRANSIENT();
    // SAFETY: SQLite copies the bytes before this returns.
    unsafe {
        match value {
            Value::Null => ffi::sqlite3_result_null(context),
            Value::Integer(value) => ffi::sqlite3_result_int64(context, *value),
            Value::Real(value) => ffi::sqlite3_result_double(context, *value),
            Value::Text(text) => ffi::sqlite3_result_text64(
                context,
                text.as_ptr().cast(),
                text.len() as u64,
                copy,
                ffi::SQLITE_UTF8 as u8,
            ),
            Value::Blob(blob) => {
                ffi::sqlite3_result_blob64(context, blob.as_ptr().cast(), blob.len() as u64, copy)
            }
        }
    }
}
