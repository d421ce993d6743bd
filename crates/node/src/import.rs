//! A SQLite file that comes in, part by part.

use std::sync::Arc;
use std::sync::mpsc::Receiver;

use actor_sqlite_pagestore::ActorId;
use actor_sqlite_session::{Import, ImportError, ImportHost, ImportOptions, Imported};
use napi_derive::napi;

use crate::admin::Fact;
use crate::error::import_error;
use crate::store::StoreRef;
use crate::transfer::{Reply, Transfer};

/// What was imported.
#[napi(object)]
#[derive(Debug)]
pub struct NativeImported {
    /// The size in pages.
    pub pages: u32,
    /// Bytes a page; 0 for a file of 0 bytes.
    pub page_size: u32,
}

impl From<Imported> for NativeImported {
    fn from(imported: Imported) -> Self {
        let page_size = imported.page_size.map_or(0, |page_size| page_size.get());
        Self { pages: imported.pages, page_size }
    }
}

/// What an import is told.
pub enum Tell {
    /// The next bytes.
    Write(Vec<u8>, Reply),
    /// That there are no more; the reply is a [`NativeImported`].
    Finish(Reply),
    /// To end, whatever has come of it, and to say when the store is let go.
    Close(Reply),
}

/// Begins an import; `begun` is answered when there is nothing against it.
pub fn begin(
    storage: u64,
    store: StoreRef,
    actor: ActorId,
    options: ImportOptions,
    begun: Reply,
) -> Transfer<Tell> {
    Transfer::start("actor-sqlite-import", storage, move |tells, stop| {
        let begin = Import::begin(host(&store), actor, options, Arc::clone(stop));
        let closing = serve(begin, begun, tells);
        store.close();
        if let Some(reply) = closing {
            reply.done();
        }
    })
}

fn host(store: &StoreRef) -> ImportHost {
    let engine = store.store().engine();
    let withdrawing = Arc::clone(engine);
    let host = store.store().host();
    ImportHost {
        store: Arc::clone(engine) as _,
        admin: Arc::clone(engine) as _,
        withdraw: Arc::new(move |actor, generation| withdrawing.withdraw(actor, generation)),
        clock: Arc::clone(&host.clock),
        scratch_dir: host.scratch_dir.clone(),
    }
}

/// Does as it is told until the end; then answers with what waits for that.
fn serve(
    begin: Result<Import, ImportError>,
    begun: Reply,
    tells: &Receiver<Tell>,
) -> Option<Reply> {
    let mut import = match begin {
        Ok(import) => {
            begun.done();
            Some(import)
        }
        Err(error) => {
            begun.fact(Err(Box::new(import_error(&error))));
            None
        }
    };
    for tell in tells {
        match tell {
            Tell::Write(bytes, reply) => {
                let Some(running) = &mut import else { continue };
                match running.write(&bytes) {
                    Ok(()) => reply.done(),
                    Err(error) => {
                        // What it left behind is gone when its failure is known.
                        import = None;
                        reply.fact(Err(Box::new(import_error(&error))));
                    }
                }
            }
            Tell::Finish(reply) => {
                let Some(running) = import.take() else { continue };
                let finished = running.finish().map(|imported| Fact::Imported(imported.into()));
                reply.fact(finished.map_err(|error| Box::new(import_error(&error))));
            }
            Tell::Close(reply) => return Some(reply),
        }
    }
    None
}
