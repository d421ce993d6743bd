//! A file SQLite has open, whichever kind it is: what each `sqlite3_io_methods` callback means.

use std::sync::Arc;

use libsqlite3_sys as ffi;

use crate::code::Class;
use crate::commit::Route;
use crate::main_file::MainFile;
use crate::mount::Mount;
use crate::pragma::{self, PragmaAnswer};
use crate::read::ReadOutcome;
use crate::registry::{self, Named};
use crate::scratch::ScratchFile;
use crate::shared::{Failed, Shared};

/// One open file.
pub(crate) enum OpenFile {
    /// The main database file of a mount: the only one whose pages reach the store.
    Main { mount: Arc<Mount>, file: Box<MainFile> },
    /// The rollback journal of a mount.
    Journal { mount: Arc<Mount> },
    /// A temporary database, a statement journal, a sorter's run: gone when it is closed.
    Temporary { shared: Arc<Shared>, file: ScratchFile },
}

/// The file-control operations that mean something here.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Control {
    BeginAtomic,
    CommitAtomic,
    RollbackAtomic,
    /// Comes before each sync of the file, with `synchronous=OFF` instead of it.
    Sync,
}

impl OpenFile {
    /// Opens by name and kind. Names that this process did not give out are refused, so that
    /// nothing a statement says reaches the host's files.
    pub fn open(name: Option<&str>, flags: i32) -> Result<Self, Failed> {
        const MAIN: i32 = ffi::SQLITE_OPEN_MAIN_DB;
        const JOURNAL: i32 = ffi::SQLITE_OPEN_MAIN_JOURNAL;
        let refused = Failed(Class::Open.code());
        let Some(name) = name else {
            let shared = registry::scratch_owner().ok_or(refused)?;
            let file = ScratchFile::new(shared.scratch.clone());
            return Ok(Self::Temporary { shared, file });
        };
        match Named::parse(name) {
            Some(Named::Main(incarnation)) if flags & MAIN != 0 => {
                let mount = registry::find(incarnation).ok_or(refused)?;
                registry::enter(incarnation);
                let file = mount.open_main().ok_or(refused)?;
                Ok(Self::Main { mount, file })
            }
            Some(Named::Journal(incarnation)) if flags & JOURNAL != 0 => {
                let mount = registry::find(incarnation).ok_or(refused)?;
                Ok(Self::Journal { mount })
            }
            _ => Err(refused),
        }
    }

    /// Closes the file. What a main file has not committed is dropped.
    pub fn close(self) {
        if let Self::Main { mount, file } = self {
            mount.close_main(file);
        }
    }

    pub fn read(&mut self, offset: u64, out: &mut [u8]) -> Result<ReadOutcome, Failed> {
        let (read, shared) = match self {
            Self::Main { file, .. } => return file.read(offset, out),
            Self::Journal { mount } => (mount.shared().journal.read(offset, out), mount.shared()),
            Self::Temporary { shared, file } => (file.read(offset, out), &*shared),
        };
        let read = read.map_err(|error| shared.scratch_failed(&error, Class::Read))?;
        if read == out.len() {
            return Ok(ReadOutcome::Full);
        }
        out[read..].fill(0);
        Ok(ReadOutcome::Short)
    }

    pub fn write(&mut self, offset: u64, bytes: &[u8]) -> Result<(), Failed> {
        let (written, shared) = match self {
            Self::Main { file, .. } => return file.write(offset, bytes),
            Self::Journal { mount } => {
                (mount.shared().journal.write(offset, bytes), mount.shared())
            }
            Self::Temporary { shared, file } => (file.write(offset, bytes), &*shared),
        };
        written.map_err(|error| shared.scratch_failed(&error, Class::Write))
    }

    pub fn truncate(&mut self, size: u64) -> Result<(), Failed> {
        let (cut, shared) = match self {
            Self::Main { file, .. } => return file.truncate(size),
            Self::Journal { mount } => (mount.shared().journal.truncate(size), mount.shared()),
            Self::Temporary { shared, file } => (file.truncate(size), &*shared),
        };
        cut.map_err(|error| shared.scratch_failed(&error, Class::Truncate))
    }

    pub fn sync(&mut self) -> Result<(), Failed> {
        match self {
            Self::Main { file, .. } => file.sync(),
            Self::Journal { mount } => {
                mount.shared().journal.sync();
                Ok(())
            }
            Self::Temporary { .. } => Ok(()),
        }
    }

    pub fn size(&mut self) -> u64 {
        match self {
            Self::Main { file, .. } => file.size(),
            Self::Journal { mount } => mount.shared().journal.measure(),
            Self::Temporary { file, .. } => file.size(),
        }
    }

    /// Locks nothing, since the lease has one owner and the owner one connection; a dead handle
    /// is refused here, before a transaction begins.
    pub fn lock(&mut self) -> Result<(), Failed> {
        if let Self::Main { mount, .. } = self {
            registry::enter(mount.incarnation());
            mount.shared().journal.begin();
            mount.shared().check(Class::Lock)?;
        }
        Ok(())
    }

    /// The end of a transaction, when down to `SHARED` or less. Whatever is written by then and not
    /// committed never will be: SQLite gave up on it without a playback.
    pub fn unlock(&mut self, level: i32) {
        if let Self::Main { file, .. } = self
            && level <= ffi::SQLITE_LOCK_SHARED
        {
            file.roll_back();
        }
    }

    pub fn control(&mut self, control: Control) -> Result<i32, Failed> {
        let Self::Main { mount, file } = self else {
            return Ok(ffi::SQLITE_NOTFOUND);
        };
        match control {
            Control::BeginAtomic => {
                mount.shared().journal.begin();
                mount.shared().check(Class::Commit)?;
                file.atomic = true;
            }
            Control::CommitAtomic => file.commit(Route::Batch)?,
            Control::RollbackAtomic => file.roll_back(),
            Control::Sync => file.sync()?,
        }
        Ok(ffi::SQLITE_OK)
    }

    pub fn pragma(&mut self, name: &str, argument: Option<&str>) -> PragmaAnswer {
        match self {
            Self::Main { mount, .. } if mount.shared().is_sealed() => {
                pragma::answer(name, argument)
            }
            _ => PragmaAnswer::Execute,
        }
    }

    /// Of the main file: a commit is one step, a torn write cannot be, and bytes may be read
    /// within a page. Neither `SAFE_APPEND` nor `SEQUENTIAL`: without them `syncJournal` writes and
    /// syncs the journal before each commit, which is how a commit is told from a rollback.
    pub fn characteristics(&self) -> i32 {
        match self {
            Self::Main { .. } => {
                ffi::SQLITE_IOCAP_BATCH_ATOMIC
                    | ffi::SQLITE_IOCAP_POWERSAFE_OVERWRITE
                    | ffi::SQLITE_IOCAP_SUBPAGE_READ
            }
            _ => ffi::SQLITE_IOCAP_POWERSAFE_OVERWRITE,
        }
    }

    /// A callback on this file panicked.
    pub fn panicked(&self, class: Class) -> Failed {
        match self {
            Self::Main { mount, .. } | Self::Journal { mount } => mount.shared().panicked(class),
            Self::Temporary { shared, .. } => shared.panicked(class),
        }
    }
}

/// `xDelete`: only a journal can be.
pub(crate) fn delete(name: &str) -> Result<(), Failed> {
    let mount = match Named::parse(name) {
        Some(Named::Journal(incarnation)) => registry::find(incarnation),
        Some(Named::Main(_)) => return Err(Failed(Class::Delete.code())),
        None => None,
    };
    match mount {
        Some(mount) => {
            let shared = mount.shared();
            let cut = shared.journal.truncate(0);
            cut.map_err(|error| shared.scratch_failed(&error, Class::Delete))
        }
        None => Err(Failed(ffi::SQLITE_IOERR_DELETE_NOENT)),
    }
}

/// `xAccess`: whether there is such a file.
pub(crate) fn exists(name: &str) -> bool {
    match Named::parse(name) {
        Some(Named::Main(incarnation)) => registry::find(incarnation).is_some(),
        Some(Named::Journal(incarnation)) => {
            registry::find(incarnation).is_some_and(|mount| mount.shared().journal.exists())
        }
        None => false,
    }
}
