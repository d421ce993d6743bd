//! One committed state of a database as the bytes of a SQLite file, read in parts.

use std::mem;
use std::sync::mpsc::Receiver;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use actor_sqlite_engine::Reader;
use actor_sqlite_ltx::Pgno;
use actor_sqlite_pagestore::{ActorId, PageSink, PageStore};
use napi_derive::napi;

use crate::admin::Fact;
use crate::error::{ErrorPayload, Outcome, store_error};
use crate::store::StoreRef;
use crate::transfer::{Reply, Transfer};

/// What a snapshot shows.
#[napi(object)]
#[derive(Debug)]
pub struct NativeSnapshot {
    /// The number of the state.
    pub txid: f64,
    /// The size in pages.
    pub pages: u32,
    /// Bytes a page.
    pub page_size: u32,
}

/// What a snapshot is asked.
pub enum Ask {
    /// To have pages ready: from this one on, so many.
    Read(u32, u32, Reply),
    /// To end, and to say when the store is let go.
    Close(Reply),
}

/// An open snapshot. It holds the rows of its state in the store, whatever becomes of the database.
pub struct Snapshot {
    /// Its thread.
    pub transfer: Transfer<Ask>,
    ready: Arc<Mutex<Vec<u8>>>,
}

impl Snapshot {
    /// Opens the newest committed state; `opened` is answered with a [`NativeSnapshot`] once that
    /// state is durable.
    pub fn open(storage: u64, store: StoreRef, actor: ActorId, opened: Reply) -> Self {
        let ready = Arc::new(Mutex::new(Vec::new()));
        let filled = Arc::clone(&ready);
        let run = move |asks: &Receiver<Ask>| {
            let closing = serve(&store, &actor, opened, asks, &filled);
            store.close();
            if let Some(reply) = closing {
                reply.done();
            }
        };
        let transfer = Transfer::start("actor-sqlite-export", storage, move |asks, _| run(asks));
        Self { transfer, ready }
    }

    /// Copies the pages that were read last to the start of a buffer; their number of bytes.
    pub fn take(&self, into: &mut [u8]) -> usize {
        let ready = locked(&self.ready);
        let bytes = ready.len().min(into.len());
        into[..bytes].copy_from_slice(&ready[..bytes]);
        bytes
    }
}

fn locked(ready: &Mutex<Vec<u8>>) -> MutexGuard<'_, Vec<u8>> {
    // Only whole buffers are put there.
    ready.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Answers until it is told to end; then with what waits for that.
fn serve(
    store: &StoreRef,
    actor: &ActorId,
    opened: Reply,
    asks: &Receiver<Ask>,
    ready: &Mutex<Vec<u8>>,
) -> Option<Reply> {
    let engine = store.store().engine();
    // What leaves the process must not rest on what a power cut could undo.
    let reader = engine.reader(actor, None).and_then(|reader| {
        engine.wait_durable(reader.ticket())?;
        Ok(reader)
    });
    let mut reader = match reader {
        Ok(reader) => reader,
        Err(error) => {
            opened.fact(Err(Box::new(store_error(&error))));
            return closing(asks);
        }
    };
    let head = reader.head();
    opened.fact(Ok(Fact::Snapshot(NativeSnapshot {
        txid: head.txid.get() as f64,
        pages: head.size,
        page_size: head.page_size.get(),
    })));
    let mut bytes = Vec::new();
    for ask in asks {
        match ask {
            Ask::Read(first, count, reply) => {
                let read = read(&mut reader, first, count, &mut bytes);
                if read.is_ok() {
                    mem::swap(&mut *locked(ready), &mut bytes);
                }
                reply.fact(read.map(Fact::Bytes));
            }
            Ask::Close(reply) => return Some(reply),
        }
    }
    None
}

/// Waits for the end of a snapshot that could not be opened.
fn closing(asks: &Receiver<Ask>) -> Option<Reply> {
    asks.iter().find_map(|ask| match ask {
        Ask::Close(reply) => Some(reply),
        Ask::Read(..) => None,
    })
}

/// Reads pages into a buffer in their order. Answers how many bytes that are.
fn read(reader: &mut Reader<'_>, first: u32, count: u32, bytes: &mut Vec<u8>) -> Outcome<f64> {
    let head = reader.head();
    let end = first.checked_add(count).filter(|&end| first > 0 && end - 1 <= head.size);
    let end = end.ok_or_else(|| {
        let reason = format!("{count} pages from page {first} of {}", head.size);
        Box::new(ErrorPayload::invalid(reason))
    })?;
    bytes.clear();
    // The lock page is no page of the database: in a file it is zeros.
    bytes.resize(count as usize * head.page_size.bytes(), 0);
    let pages: Vec<Pgno> = (first..end)
        .filter_map(Pgno::new)
        .filter(|&pgno| pgno != head.page_size.lock_page())
        .collect();
    let mut part = Part { first, page_bytes: head.page_size.bytes(), bytes };
    reader.read(&pages, &mut part).map_err(|error| Box::new(store_error(&error)))?;
    if first == 1 {
        actor_sqlite_session::leave_wal(bytes);
    }
    Ok(bytes.len() as f64)
}

/// Consecutive pages of a file.
struct Part<'b> {
    first: u32,
    page_bytes: usize,
    bytes: &'b mut [u8],
}

impl PageSink for Part<'_> {
    fn buffer(&mut self, pgno: Pgno) -> Option<&mut [u8]> {
        let at = pgno.get().checked_sub(self.first)? as usize * self.page_bytes;
        self.bytes.get_mut(at..at + self.page_bytes)
    }
}
