//! What a power cut leaves.

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::path::{Path, PathBuf};
use std::{fs, io};

use fastrand::Rng;

use crate::Record;

/// The unit that a disk writes whole, in bytes.
const SECTOR_BYTES: usize = 512;

/// What becomes of all that no sync covers.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Loss {
    /// It is gone.
    Everything,
    /// It is there, as after a crash of the program alone.
    Nothing,
    /// Of each file, and of the names, the last steps are gone.
    Tail,
    /// The same, and the last write that is left of a file was cut at a sector.
    TornTail,
    /// Each sector that was written over, and each change of a size, is there or not by chance; of
    /// what was appended the last sectors are gone.
    Sectors,
    /// One of these for each file.
    Mixed,
    /// As [`Loss::Sectors`], and what was appended has holes of zeros. Not among [`Loss::ALL`]: a
    /// file system that writes data before the size that covers it leaves none.
    Holes,
}

impl Loss {
    /// All that the model knows.
    pub const ALL: [Self; 6] =
        [Self::Everything, Self::Nothing, Self::Tail, Self::TornTail, Self::Sectors, Self::Mixed];
}

/// A recording played up to a point.
///
/// The model is stricter than ext4 and xfs are:
/// - A write is sure to survive once a sync of its file that began after it has ended. Without
///   one any sector that was written over may be the old one, and of what was appended a part may
///   be missing at the end; one file may have lost more than another.
/// - A file does not grow before its bytes are there, which is what ext4 with `data=ordered` and
///   xfs promise. [`Loss::Holes`] is for file systems that do not.
/// - A change of names (making, renaming, removing) survives once a sync of a directory that
///   began after it has ended; syncing a file does not make its name durable. Without one, names
///   survive in order: if one change did, all before it did.
/// - What was synced does not change any more.
pub struct Replay<'r> {
    records: &'r [Record],
    at: usize,
    files: HashMap<u32, File>,
    names: Names,
    pending_names: Vec<usize>,
    syncs: HashMap<u64, (Option<u32>, usize)>,
}

#[derive(Default)]
struct File {
    durable: Vec<u8>,
    /// Positions of records.
    pending: Vec<usize>,
}

#[derive(Clone, Default)]
struct Names {
    files: BTreeMap<PathBuf, u32>,
    directories: BTreeSet<PathBuf>,
}

impl Names {
    fn apply(&mut self, record: &Record) {
        match record {
            Record::Name { path, file } => drop(self.files.insert(path.clone(), *file)),
            Record::Rename { from, to } => {
                if let Some(file) = self.files.remove(from) {
                    self.files.insert(to.clone(), file);
                }
            }
            Record::Unlink { path } => drop(self.files.remove(path)),
            Record::MakeDirectory { path } => drop(self.directories.insert(path.clone())),
            _ => {}
        }
    }
}

impl<'r> Replay<'r> {
    /// Before the first step.
    pub fn new(records: &'r [Record]) -> Self {
        Self {
            records,
            at: 0,
            files: HashMap::new(),
            names: Names::default(),
            pending_names: Vec::new(),
            syncs: HashMap::new(),
        }
    }

    /// Moments that are worth a cut, rising: about half of them right before, during and right
    /// after a sync, the others anywhere.
    pub fn moments(records: &[Record], count: usize, rng: &mut Rng) -> Vec<usize> {
        let syncs: Vec<_> = (0..records.len())
            .filter(|at| {
                matches!(records[*at], Record::SyncBegun { .. } | Record::SyncEnded { .. })
            })
            .collect();
        let mut moments: Vec<_> = (0..count)
            .map(|number| match rng.choice(&syncs) {
                Some(sync) if number % 2 == 0 => sync + rng.usize(0..2),
                _ => rng.usize(0..records.len() + 1),
            })
            .collect();
        moments.sort_unstable();
        moments
    }

    /// Plays up to and without the record at a position, which must not be behind.
    pub fn advance(&mut self, to: usize) {
        let records = self.records;
        for (position, record) in records.iter().enumerate().take(to).skip(self.at) {
            match record {
                Record::Write { file, .. } | Record::Resize { file, .. } => {
                    self.files.entry(*file).or_default().pending.push(position);
                }
                Record::SyncBegun { sync, file } => {
                    self.syncs.insert(*sync, (*file, position));
                }
                Record::SyncEnded { sync } => {
                    if let Some((file, begun)) = self.syncs.remove(sync) {
                        self.synced(file, begun);
                    }
                }
                Record::Mark(_) => {}
                _ => self.pending_names.push(position),
            }
        }
        self.at = to.max(self.at);
    }

    fn synced(&mut self, file: Option<u32>, begun: usize) {
        let Some(file) = file else {
            let covered = self.pending_names.partition_point(|position| *position < begun);
            for position in self.pending_names.drain(..covered) {
                self.names.apply(&self.records[position]);
            }
            return;
        };
        let Some(file) = self.files.get_mut(&file) else { return };
        let covered = file.pending.partition_point(|position| *position < begun);
        for position in file.pending.drain(..covered) {
            apply(&mut file.durable, &self.records[position]);
        }
    }

    /// Writes the files that a power cut now could leave into an empty directory, which is made.
    ///
    /// # Errors
    /// What writing them failed with.
    pub fn cut(&self, loss: Loss, rng: &mut Rng, directory: &Path) -> io::Result<()> {
        let kept = match loss {
            Loss::Everything => 0,
            Loss::Nothing => self.pending_names.len(),
            _ => rng.usize(0..=self.pending_names.len()),
        };
        let mut names = self.names.clone();
        for position in &self.pending_names[..kept] {
            names.apply(&self.records[*position]);
        }
        fs::create_dir_all(directory)?;
        for path in names.directories {
            fs::create_dir_all(directory.join(path))?;
        }
        for (path, file) in names.files {
            fs::write(directory.join(path), self.content(file, loss, rng))?;
        }
        Ok(())
    }

    fn content(&self, file: u32, loss: Loss, rng: &mut Rng) -> Vec<u8> {
        let Some(file) = self.files.get(&file) else { return Vec::new() };
        let mut content = file.durable.clone();
        let loss = match loss {
            Loss::Mixed => rng.choice(Loss::ALL).unwrap_or(Loss::Everything),
            loss => loss,
        };
        let kept = match loss {
            Loss::Everything => 0,
            Loss::Nothing => file.pending.len(),
            Loss::Tail | Loss::TornTail => rng.usize(0..=file.pending.len()),
            Loss::Sectors | Loss::Mixed | Loss::Holes => {
                let mut growing = loss == Loss::Holes || rng.bool();
                for position in &file.pending {
                    let record = &self.records[*position];
                    some_sectors(&mut content, record, loss == Loss::Holes, &mut growing, rng);
                }
                return content;
            }
        };
        let (whole, rest) = file.pending.split_at(kept);
        for position in whole {
            apply(&mut content, &self.records[*position]);
        }
        if let (Loss::TornTail, Some(torn)) = (loss, rest.first()) {
            first_sectors(&mut content, &self.records[*torn], rng);
        }
        content
    }
}

fn apply(content: &mut Vec<u8>, record: &Record) {
    match record {
        Record::Write { offset, bytes, .. } => put(content, *offset as usize, bytes),
        Record::Resize { bytes, .. } => content.resize(*bytes as usize, 0),
        _ => {}
    }
}

fn put(content: &mut Vec<u8>, offset: usize, bytes: &[u8]) {
    let end = offset + bytes.len();
    if content.len() < end {
        content.resize(end, 0);
    }
    content[offset..end].copy_from_slice(bytes);
}

/// The parts of a write between the borders of sectors.
fn sectors(offset: usize, bytes: &[u8]) -> impl Iterator<Item = (usize, &[u8])> {
    let first = (SECTOR_BYTES - offset % SECTOR_BYTES).min(bytes.len());
    let (head, rest) = bytes.split_at(first);
    let parts = std::iter::once(head).chain(rest.chunks(SECTOR_BYTES));
    parts.scan(offset, |at, part| {
        let here = *at;
        *at += part.len();
        Some((here, part))
    })
}

fn first_sectors(content: &mut Vec<u8>, record: &Record, rng: &mut Rng) {
    if let Record::Write { offset, bytes, .. } = record {
        let parts: Vec<_> = sectors(*offset as usize, bytes).collect();
        for (offset, part) in &parts[..rng.usize(0..parts.len())] {
            put(content, *offset, part);
        }
    }
}

/// `growing` until the first appended sector that is lost.
fn some_sectors(
    content: &mut Vec<u8>,
    record: &Record,
    holes: bool,
    growing: &mut bool,
    rng: &mut Rng,
) {
    match record {
        Record::Write { offset, bytes, .. } => {
            // Long writes as a whole too, or nearly all of them would have lost something.
            let whole = rng.bool();
            for (offset, part) in sectors(*offset as usize, bytes) {
                let appends = offset + part.len() > content.len();
                let kept = whole || rng.bool();
                if appends && !holes {
                    *growing &= kept && offset <= content.len();
                }
                if kept && (!appends || *growing) {
                    put(content, offset, part);
                }
            }
        }
        resize if rng.bool() => apply(content, resize),
        _ => {}
    }
}
