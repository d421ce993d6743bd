//! A SQLite file becomes a database: staged as it comes, checked by SQLite, and committed at once.

use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use actor_sqlite_ltx::{PageSize, Pgno};
use actor_sqlite_pagestore::{
    ActorId, Claim, ClaimOptions, Clock, CommitId, CommitRequest, Generation, Head, Hints, Lease,
    PageStore, PageStoreAdmin, StageRequest, StoreError, Ticket,
};

use super::check::check;
use super::error::{ImportError, refused};
use super::header::{HEADER_BYTES, Header, leave_wal};
use super::staged::Staged;

/// So much is staged at a time. A multiple of every page size.
const STAGE_BYTES: usize = 4 << 20;

/// Deletes the database that a claim of that generation has made, unless it was committed to or
/// claimed since.
pub type Withdraw = Arc<dyn Fn(&ActorId, Generation) -> Result<bool, StoreError> + Send + Sync>;

/// What an import works with.
#[derive(Clone)]
pub struct ImportHost {
    /// Where the pages go.
    pub store: Arc<dyn PageStore>,
    /// What databases there are.
    pub admin: Arc<dyn PageStoreAdmin>,
    /// Undoes the making of a database.
    pub withdraw: Withdraw,
    /// Time.
    pub clock: Arc<dyn Clock>,
    /// For scratch files without a name.
    pub scratch_dir: PathBuf,
}

/// How to import.
#[derive(Clone, Debug)]
pub struct ImportOptions {
    /// Who imports, in words for people.
    pub owner: String,
    /// Replace the database that is there, if one is.
    pub overwrite: bool,
}

/// What was imported.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Imported {
    /// The size in pages.
    pub pages: u32,
    /// Bytes a page; `None` for a file of 0 bytes.
    pub page_size: Option<PageSize>,
}

/// An import that is under way. The database is claimed when its header has come; whoever had it is
/// fenced then. Dropped before its end it leaves the store as it was.
pub struct Import {
    host: ImportHost,
    actor: ActorId,
    options: ImportOptions,
    stop: Arc<AtomicBool>,
    /// What has come and is not staged: less than `STAGE_BYTES` between two calls.
    bytes: Vec<u8>,
    target: Option<Target>,
    /// Pages that have gone by, the lock page among them.
    pages: u64,
}

/// The claimed database.
struct Target {
    header: Header,
    lease: Lease,
    head: Head,
    commit_id: CommitId,
    /// The claim has made it.
    made: bool,
}

impl Import {
    /// Begins, if there may be such a database. It ends early once `stop` is set.
    ///
    /// # Errors
    /// [`ImportError::Exists`]; [`ImportError::Store`].
    pub fn begin(
        host: ImportHost,
        actor: ActorId,
        options: ImportOptions,
        stop: Arc<AtomicBool>,
    ) -> Result<Self, ImportError> {
        if !options.overwrite && host.admin.exists(&actor)? {
            return Err(ImportError::Exists { actor });
        }
        Ok(Self { host, actor, options, stop, bytes: Vec::new(), target: None, pages: 0 })
    }

    /// Takes the next bytes of the file.
    ///
    /// # Errors
    /// All of [`ImportError`]; the import is over then.
    pub fn write(&mut self, bytes: &[u8]) -> Result<(), ImportError> {
        if self.stop.load(Ordering::Relaxed) {
            return Err(ImportError::Stopped);
        }
        self.bytes.extend_from_slice(bytes);
        if self.target.is_none() {
            let Some(first) = self.bytes.first_chunk::<HEADER_BYTES>() else { return Ok(()) };
            let header = Header::parse(first)?;
            self.target = Some(self.claim(header)?);
        }
        while self.bytes.len() >= STAGE_BYTES {
            self.stage(STAGE_BYTES)?;
        }
        Ok(())
    }

    /// Checks what has come, and makes it the database.
    ///
    /// # Errors
    /// As [`Self::write`].
    pub fn finish(mut self) -> Result<Imported, ImportError> {
        let Some(page_size) = self.target.as_ref().map(|target| target.header.page_size) else {
            return match self.bytes.len() {
                0 => self.make_empty(),
                bytes => Err(refused(format!("it ends in its header, after {bytes} bytes"))),
            };
        };
        let rest = self.bytes.len();
        if !rest.is_multiple_of(page_size.bytes()) {
            let bytes = self.pages * page_size.bytes() as u64 + rest as u64;
            let page_bytes = page_size.get();
            let reason = format!("its {bytes} bytes are no whole number of pages of {page_bytes}");
            return Err(refused(reason));
        }
        if rest > 0 {
            self.stage(rest)?;
        }
        self.bytes = Vec::new();
        let pages = self.size()?;
        self.check(pages)?;
        if self.stop.load(Ordering::Relaxed) {
            return Err(ImportError::Stopped);
        }
        self.commit(pages)?;
        Ok(Imported { pages, page_size: Some(page_size) })
    }

    /// Claims the database, and makes it if there is none.
    fn claim(&self, header: Header) -> Result<Target, ImportError> {
        let before = self.host.admin.stat(&self.actor)?;
        let replaced = before.filter(|stat| stat.head.page_size != header.page_size);
        if let Some(stat) = replaced {
            let kept = stat.head.txid.get() > 0;
            if kept || !(self.host.withdraw)(&self.actor, stat.generation)? {
                let (old, new) = (stat.head.page_size.get(), header.page_size.get());
                let reason = format!("it has pages of {new} bytes, the database of {old}");
                return Err(ImportError::Replacement { actor: self.actor.clone(), reason });
            }
        }
        let made = before.is_none() || replaced.is_some();
        let claim = self.take(header.page_size)?;
        let generation = claim.lease.generation();
        let commit_id = CommitId { generation, sequence: claim.next_sequence };
        let target = Target { header, lease: claim.lease, head: claim.head, commit_id, made };
        // Somebody may have come in between.
        let committed = target.head.txid.get() > 0;
        if target.head.page_size != header.page_size || (committed && !self.options.overwrite) {
            self.host.store.release(&target.lease);
            return Err(ImportError::Exists { actor: self.actor.clone() });
        }
        Ok(target)
    }

    fn take(&self, page_size: PageSize) -> Result<Claim, StoreError> {
        let options = ClaimOptions {
            page_size,
            preload_bytes_max: 0,
            ..ClaimOptions::new(self.options.owner.clone())
        };
        self.host.store.claim(&self.actor, &options)
    }

    /// Stages the pages at the beginning of the bytes.
    fn stage(&mut self, bytes: usize) -> Result<(), ImportError> {
        let Some(target) = &self.target else { return Ok(()) };
        let page_size = target.header.page_size;
        let count = (bytes / page_size.bytes()) as u64;
        let last = u32::try_from(self.pages + count).ok().filter(|&last| last < u32::MAX);
        if last.is_none() {
            return Err(refused("it has more pages than a database can have"));
        }
        if self.pages == 0 {
            leave_wal(&mut self.bytes);
        }
        let numbers = (self.pages + 1..).map_while(|number| Pgno::new(number as u32));
        let pages: Vec<(Pgno, &[u8])> = numbers
            .zip(self.bytes[..bytes].chunks_exact(page_size.bytes()))
            .filter(|(pgno, _)| *pgno != page_size.lock_page())
            .collect();
        if !pages.is_empty() {
            self.host.store.stage(
                &target.lease,
                &StageRequest {
                    commit_id: target.commit_id,
                    expected_head: target.head.txid,
                    pages: &pages,
                },
            )?;
        }
        drop(pages);
        self.pages += count;
        self.bytes.drain(..bytes);
        Ok(())
    }

    /// The size of the file, which must be what its header says.
    fn size(&self) -> Result<u32, ImportError> {
        let said = self.target.as_ref().and_then(|target| target.header.pages);
        match (u32::try_from(self.pages), said) {
            (Ok(pages), Some(said)) if pages != said => {
                Err(refused(format!("it has {pages} pages, and its header says {said}")))
            }
            (Ok(pages), _) => Ok(pages),
            (Err(_), _) => Err(refused("it has more pages than a database can have")),
        }
    }

    /// Has SQLite look at what was staged.
    fn check(&self, pages: u32) -> Result<(), ImportError> {
        let Some(target) = &self.target else { return Ok(()) };
        let store = Arc::clone(&self.host.store);
        let staged = Staged { store, commit_id: target.commit_id };
        let claim = Claim {
            lease: target.lease.clone(),
            head: Head { size: pages, ..target.head },
            ticket: Ticket::ZERO,
            pages: Vec::new(),
            hints: Hints::default(),
            commit_bytes_max: u64::MAX,
            next_sequence: target.commit_id.sequence,
            quota_bytes: None,
        };
        check(&self.host, staged, claim, &self.stop)
    }

    fn commit(&mut self, size: u32) -> Result<(), ImportError> {
        let Some(target) = &self.target else { return Ok(()) };
        let committed = self.host.store.commit(
            &target.lease,
            &CommitRequest {
                commit_id: target.commit_id,
                expected_head: target.head.txid,
                pages: &[],
                size,
                staged: true,
                frees: false,
            },
        )?;
        self.host.store.release(&target.lease);
        self.target = None;
        Ok(self.host.store.wait_durable(committed.ticket)?)
    }

    /// Of a file of 0 bytes: what SQLite makes of it has no page either.
    fn make_empty(&self) -> Result<Imported, ImportError> {
        let before = self.host.admin.stat(&self.actor)?;
        if before.is_some_and(|stat| stat.head.txid.get() > 0) {
            let (actor, reason) = (self.actor.clone(), "it is empty".into());
            return Err(ImportError::Replacement { actor, reason });
        }
        let claim = self.take(PageSize::DEFAULT)?;
        self.host.store.release(&claim.lease);
        self.host.store.wait_durable(claim.ticket)?;
        Ok(Imported { pages: 0, page_size: None })
    }
}

impl Drop for Import {
    fn drop(&mut self) {
        let Some(target) = self.target.take() else { return };
        self.host.store.discard(&target.lease, target.commit_id);
        self.host.store.release(&target.lease);
        if target.made {
            // If that fails an empty database is left, which says nothing that is wrong.
            let _ = (self.host.withdraw)(&self.actor, target.lease.generation());
        }
    }
}
