//! The files of a database, merged with the list of their indexes.

use std::collections::BTreeMap;
use std::ops::{Bound, ControlFlow};

use actor_sqlite_ltx::{Checksum, Txid};

use super::file::{File, FileId, OpenFile};
use super::{Check, Step, Stop};
use crate::heads::Heads;
use crate::keys::RowId;
use crate::rows::{BuildRow, DeltaIndex, GoneRow, RowFault};

/// The most chunks that are named one by one where some are missing in a row.
const MISSING_NAMED_MAX: usize = 1_000;

/// A kind of file. Its chunks and its indexes are one range of keys each.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Kind {
    Delta,
    Shard,
    Segment,
}

impl Kind {
    /// In the order of the keys.
    pub(super) const ALL: [Self; 3] = [Self::Delta, Self::Shard, Self::Segment];

    pub(super) fn path(self) -> &'static str {
        match self {
            Self::Delta => "DELTA/",
            Self::Shard => "SHARD/",
            Self::Segment => "STAGE/",
        }
    }

    fn index_path(self) -> &'static str {
        match self {
            Self::Delta => "PIDX/",
            Self::Shard => "SIDX/",
            Self::Segment => "STIX/",
        }
    }
}

/// How far a walk over the files has come. A step looks at the files and at the indexes that lie
/// before the place and not before the last one, so that both lists come from one snapshot.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Place {
    kind: usize,
    /// The first file that was not looked at and the key of its first row, if it is not the first of
    /// the kind.
    next: Option<(FileId, Vec<u8>)>,
    /// The last commit whose index came by, and the state after it.
    state: Option<(Txid, (u32, Checksum))>,
}

impl Place {
    /// Whether there is no file left.
    pub(crate) fn is_end(&self) -> bool {
        self.kind == Kind::ALL.len()
    }
}

/// Shard versions that have no index and must be there, or may be.
#[derive(Default)]
pub(super) struct Waiting {
    /// What each `GONE` row lists.
    pub(super) gone: BTreeMap<(u32, Txid), (RowId, GoneRow)>,
    /// A `GONE` row could not be decoded.
    pub(super) damaged: bool,
    pub(super) build: Option<BuildRow>,
}

/// From a file, or the first of its kind, to before another one, or the end.
type Span = (Option<FileId>, Option<FileId>);

/// What the indexes say of a file.
#[derive(Default)]
pub(super) struct Found {
    /// Its own, if there is one.
    pub(super) index: Option<Result<DeltaIndex, RowFault>>,
    /// Of a delta: the state after the commit before.
    pub(super) before: Option<(u32, Checksum)>,
}

impl Check<'_> {
    /// Walks over files from a place on, until that many bytes were read or all are through.
    pub(super) fn files(&mut self, place: &mut Place, bytes: u64) -> Step<()> {
        let mut waiting = Waiting::default();
        let mut loaded = false;
        while let Some(&kind) = Kind::ALL.get(place.kind) {
            if kind == Kind::Shard && !loaded {
                waiting = self.waiting()?;
                loaded = true;
            }
            let mut reached = place.clone();
            let open = self.next_file(kind, &mut reached)?;
            if let Some(heads) = self.heads.clone() {
                let id = open.as_ref().map(|open| open.id);
                let span = (place.next.as_ref(), reached.next.clone());
                let span = (span.0.map(|next| next.0), span.1.map(|next| next.0));
                let found = self.merge(kind, span, id, &mut reached, &heads)?;
                if kind == Kind::Shard {
                    self.find_lost(span, id, &waiting);
                }
                if let Some(open) = open {
                    self.close(open, &found, &waiting, &heads)?;
                }
            } else if let Some(open) = open {
                self.decode(open);
            }
            if reached.next.is_none() {
                reached = Place { kind: place.kind + 1, ..Place::default() };
            }
            *place = reached;
            if self.report.bytes >= bytes {
                break;
            }
        }
        Ok(())
    }

    /// Puts the next file together; `None` if there is none of the kind. The place is then behind it.
    fn next_file(&mut self, kind: Kind, place: &mut Place) -> Step<Option<OpenFile>> {
        let (first, end) = self.db.keys.kind(kind.path());
        let start = place.next.take().map_or(first, |(_, key)| key);
        let mut open: Option<OpenFile> = None;
        self.each((&start, &end), &mut |check, key, value| {
            let row = check.db.keys.parse(key);
            let Some((id, chunk)) = row.and_then(OpenFile::of) else {
                check.count(key, value)?;
                check.damage_named(check.db.keys.describe(key), "no row has such a key");
                return Ok(ControlFlow::Continue(()));
            };
            if open.as_ref().is_some_and(|open| open.id != id) {
                place.next = Some((id, key.to_vec()));
                return Ok(ControlFlow::Break(()));
            }
            check.count(key, value)?;
            let open = open.get_or_insert_with(|| OpenFile::new(id));
            let payload = match Self::open(id.row(chunk), key, value) {
                Ok((_, payload)) => Some(payload),
                Err(fault) => {
                    check.damage(id.row(chunk), fault);
                    None
                }
            };
            check.take(open, chunk, payload);
            Ok(ControlFlow::Continue(()))
        })?;
        Ok(open)
    }

    /// Takes a chunk; `None` if it is damaged. Chunks come in order.
    fn take(&mut self, open: &mut OpenFile, chunk: u32, payload: Option<&[u8]>) {
        let mut missing = open.take(chunk, payload);
        // A key with a flipped bit is a chunk that lies up to four billion behind its file.
        for chunk in missing.by_ref().take(MISSING_NAMED_MAX) {
            self.damage(open.id.row(chunk), "it is missing");
        }
        if let Some(first) = missing.next() {
            let reason = format!("it and {} more are missing", missing.len());
            self.damage(open.id.row(first), reason);
        }
    }

    /// Decodes a file; `None` if it cannot be, which is in the report.
    pub(super) fn decode(&mut self, open: OpenFile) -> Option<File> {
        let id = open.id;
        match open.decode() {
            Ok(file) => {
                let pages = file.as_ref().map_or(0, |file| file.pages.len());
                self.report.pages += pages as u64;
                file
            }
            Err(error) => {
                self.damage(id.row(0), error);
                None
            }
        }
    }

    /// Reads the indexes of a span, in which there is one file, if any: no other index should be there.
    fn merge(
        &mut self,
        kind: Kind,
        (from, to): Span,
        id: Option<FileId>,
        place: &mut Place,
        heads: &Heads,
    ) -> Step<Found> {
        let (first, last) = self.db.keys.kind(kind.index_path());
        let key = |id: FileId| self.db.keys.key(id.index_row());
        let (start, end) = (from.map_or(first, key), to.map_or(last, key));
        let kept = heads.root.row.reclaimed_through.next()..=heads.head.row.head.txid;
        let mut found = Found::default();
        self.each((&start, &end), &mut |check, key, value| {
            check.read(key, value)?;
            let row = check.db.keys.parse(key);
            let Some((row, listed)) = row.and_then(|row| Some((row, FileId::of_index(row)?)))
            else {
                return Ok(ControlFlow::Continue(()));
            };
            let index = check.index(row, key, value);
            let before = place.state;
            if let (FileId::Delta(txid), Ok(index)) = (listed, &index) {
                place.state = Some((txid, index.state()));
            }
            if Some(listed) == id {
                found = Found { index: Some(index), before: before_of(listed, before) };
                return Ok(ControlFlow::Continue(()));
            }
            let outside = matches!(listed, FileId::Delta(txid) if !kept.contains(&txid));
            if matches!(index, Ok(DeltaIndex::Plain(_))) && !outside {
                check.damage(listed.row(0), "it is missing");
            }
            Ok(ControlFlow::Continue(()))
        })?;
        Ok(found)
    }

    /// Of the versions in the span that `GONE` rows list, none is without a file.
    fn find_lost(&mut self, (from, to): Span, id: Option<FileId>, waiting: &Waiting) {
        let version = |id: Option<FileId>| match id {
            Some(FileId::Shard(shard, as_of)) => Some((shard, as_of)),
            _ => None,
        };
        let start = version(from).map_or(Bound::Unbounded, Bound::Included);
        let end = version(to).map_or(Bound::Unbounded, Bound::Excluded);
        let listed = waiting.gone.range((start, end)).map(|(&version, _)| version);
        for (shard, as_of) in listed.filter(|&listed| version(id) != Some(listed)) {
            let row = RowId::Shard { shard, as_of, chunk: 0 };
            if self.unnamed(row) {
                self.damage(row, "it is missing");
            }
        }
    }

    fn waiting(&mut self) -> Step<Waiting> {
        let mut waiting = Waiting::default();
        let (start, end) = self.db.keys.kind("GONE/");
        self.each((&start, &end), &mut |check, key, value| {
            check.read(key, value)?;
            let Some(row @ RowId::Gone { shard, .. }) = check.db.keys.parse(key) else {
                return Ok(ControlFlow::Continue(()));
            };
            let decoded = Self::open(row, key, value).map(|(_, payload)| GoneRow::decode(payload));
            match decoded {
                Ok(Ok(gone)) => drop(waiting.gone.insert((shard, gone.as_of), (row, gone))),
                _ => waiting.damaged = true,
            }
            Ok(ControlFlow::Continue(()))
        })?;
        waiting.build = self.get(RowId::Build, BuildRow::decode)?;
        Ok(waiting)
    }

    /// A row of the first format; `None` if there is none, or a damaged one.
    pub(super) fn get<T>(
        &mut self,
        row: RowId,
        decode: impl Fn(&[u8]) -> Result<T, RowFault>,
    ) -> Step<Option<T>> {
        let (key, mut found) = (self.db.keys.key(row), None);
        let got = self.snapshot.get(&key, &mut |value| {
            let payload = Self::open(row, &key, value).map(|(_, payload)| payload);
            found = payload.and_then(&decode).ok();
        });
        got.map_err(|error| Stop::Failed(self.db.failed(error)))?;
        Ok(found)
    }
}

/// The state before a delta, if the last index was that of the commit before.
fn before_of(id: FileId, last: Option<(Txid, (u32, Checksum))>) -> Option<(u32, Checksum)> {
    let FileId::Delta(txid) = id else { return None };
    last.filter(|(before, _)| before.next() == txid).map(|(_, state)| state)
}
