//! What a sleeping session costs, counted at the allocator.
#![allow(clippy::unwrap_used)]

mod common;

use std::alloc::{GlobalAlloc, Layout, System};
use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};

use actor_sqlite_pagestore::{ClaimOptions, MemPageStore, PageStore};
use actor_sqlite_session::*;
use actor_sqlite_vfs::PageCache;
use common::*;

/// Bytes of Rust's allocations, each with the 8 bytes that malloc adds, rounded up to 16. SQLite
/// calls malloc by itself and is not counted: a sleeper has nothing of it.
static LIVE: AtomicI64 = AtomicI64::new(0);

struct Counting;

fn cost(layout: Layout) -> i64 {
    ((layout.size() + 8).next_multiple_of(16).max(32)) as i64
}

// SAFETY: every call goes to the system's allocator as it is.
unsafe impl GlobalAlloc for Counting {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        LIVE.fetch_add(cost(layout), Ordering::Relaxed);
        // SAFETY: the caller's promise is the system's.
        unsafe { System.alloc(layout) }
    }

    unsafe fn dealloc(&self, pointer: *mut u8, layout: Layout) {
        LIVE.fetch_sub(cost(layout), Ordering::Relaxed);
        // SAFETY: as above.
        unsafe { System.dealloc(pointer, layout) }
    }
}

#[global_allocator]
static ALLOCATOR: Counting = Counting;

const SESSIONS: usize = 5000;

#[test]
fn a_sleeper_takes_little() {
    let store = Arc::new(MemPageStore::new());
    let host =
        Host { cache: PageCache::new(0), ..host_with(store.clone(), 2, 2, Arc::new(SystemClock)) };
    for i in 0..SESSIONS {
        // What the store itself keeps.
        let claim = store.claim(&actor(&format!("actor/{i}")), &ClaimOptions::new("")).unwrap();
        store.release(&claim.lease);
    }
    let mut sessions = Vec::with_capacity(SESSIONS);
    drop(open(&host, "warm"));
    let before = LIVE.load(Ordering::Relaxed);
    let options = Arc::new(OpenOptions { idle_ms: Some(1), ..OpenOptions::default() });
    for i in 0..SESSIONS {
        let (send, receive) = std::sync::mpsc::channel();
        let done = Box::new(move |session| send.send(session).unwrap());
        Session::open(&host, actor(&format!("actor/{i}")), options.clone(), done);
        let session: Session = receive.recv().unwrap().unwrap();
        let (send, receive) = std::sync::mpsc::channel();
        let reply = Box::new(move |answer: Result<Answer>| send.send(answer).unwrap());
        let select = execute("SELECT 1", Params::None, Want::All);
        let command = Command { id: 1, action: select, transaction: None, timeout_ms: None };
        session.submit(command, reply);
        receive.recv().unwrap().unwrap();
        sessions.push(session);
    }
    while host.executor.sleep_metrics().awake > 0 {
        std::thread::yield_now();
    }
    let each = (LIVE.load(Ordering::Relaxed) - before) / SESSIONS as i64;
    println!("{each} bytes a sleeping session");
    // Of the 4 KiB that an open and idle database may cost, JavaScript takes the larger part.
    assert!(each <= 1536, "{each} bytes");
    assert!(each > 500, "{each} bytes: what was counted?");
}
