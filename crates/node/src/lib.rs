//! The N-API binding: JavaScript values to session calls, and back. The composition root of the
//! embedded system: here a clock, a key-value store, an engine, a page cache and threads become one
//! store. No SQL logic.
//!
//! Requests of a tick come as one call (`exports`); answers go as one call of one threadsafe
//! function an environment. Handles are numbers (`table`); a stale one is an error, never another
//! object. A panic behind an export is an exception, one in a session ends that database.

// A test has no environment, and napi-derive leaves the exports out of it.
#![cfg_attr(test, allow(dead_code))]

mod admin;
mod clock;
mod connection;
mod database;
mod decode;
mod encode;
mod engine_metrics;
mod error;
mod exports;
mod file_exports;
mod heap;
mod import;
mod kv_metrics;
mod maintenance;
mod metrics;
mod options;
mod port;
mod priority;
mod questions;
mod scrubber;
mod settings;
mod snapshot;
mod stop;
mod store;
mod sync;
mod table;
mod transfer;
mod words;

/// The message of a panic.
pub(crate) fn panic_text(panic: &(dyn std::any::Any + Send)) -> String {
    let text = panic.downcast_ref::<&str>().map(|text| (*text).to_owned());
    text.or_else(|| panic.downcast_ref::<String>().cloned()).unwrap_or_else(|| "unknown".into())
}
