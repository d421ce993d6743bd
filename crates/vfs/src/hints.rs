//! What a database is asked for first, learned while it wakes, for the next opening.

use std::collections::BTreeMap;

use actor_sqlite_ltx::Pgno;
use actor_sqlite_pagestore::{HintRange, Hints};

/// The wake ends after so many pages: what comes later is work.
const WAKE_PAGES: u32 = 512;

/// The score of a page that was used for the first time, and of an interior page, which more
/// statements will need.
const SCORE_FIRST: u8 = 2;
const SCORE_INTERIOR: u8 = 3;

/// A page that is used no more is dropped after so many wakes.
const SCORE_MAX: u8 = 4;

/// Learns one mount's hints.
///
/// ```text
///   Waking ── enough pages, or told so ──▶ awake, hints to save ── saved ──▶ awake
///                                    └──▶ awake, nothing new
/// ```
pub(crate) struct Learner {
    wake: Option<Box<Wake>>,
    unsaved: Option<Hints>,
}

/// The pages used since the opening.
struct Wake {
    /// As the store has them.
    saved: Hints,
    size: u32,
    pages_max: usize,
    seen: u32,
    used: BTreeMap<Pgno, Use>,
}

struct Use {
    order: u32,
    is_interior: bool,
}

/// A page that may be hinted.
struct Candidate {
    pgno: Pgno,
    score: u8,
    used: Option<Use>,
}

impl Learner {
    /// Begins with the hints of a claim, for at most `pages_max` pages.
    pub fn new(saved: Hints, size: u32, pages_max: usize) -> Self {
        let used = BTreeMap::new();
        let wake = Wake { saved, size, pages_max, seen: 0, used };
        Self { wake: (pages_max > 0).then(|| Box::new(wake)), unsaved: None }
    }

    /// A learner that learns nothing.
    pub fn off() -> Self {
        Self { wake: None, unsaved: None }
    }

    /// A page is used that was read from the store, or came with the claim. `brought` is how many
    /// its scan read ahead: the pages of a long one would leave no room for others.
    pub fn used(&mut self, pgno: Pgno, is_interior: bool, brought: u64) {
        let Some(wake) = &mut self.wake else { return };
        wake.seen += 1;
        let is_scanned = brought > wake.pages_max as u64 / 2;
        if pgno != Pgno::ONE && (is_interior || !is_scanned) {
            let order = wake.seen;
            wake.used.entry(pgno).or_insert(Use { order, is_interior });
        }
        if wake.seen >= WAKE_PAGES {
            self.end();
        }
    }

    /// Ends the wake, if it has not ended.
    pub fn end(&mut self) {
        if let Some(wake) = self.wake.take() {
            self.unsaved = wake.merge();
        }
    }

    /// What has to be saved, once.
    pub fn take_unsaved(&mut self) -> Option<Hints> {
        self.unsaved.take()
    }
}

impl Wake {
    /// The hints for the next opening, if they differ. A wake that used nothing says nothing.
    fn merge(mut self) -> Option<Hints> {
        if self.used.is_empty() {
            return None;
        }
        let mut candidates = Vec::with_capacity(self.used.len());
        for (pgno, score) in scores(&self.saved, self.size, self.pages_max) {
            let used = self.used.remove(&pgno);
            let score = match used {
                Some(_) => score.saturating_add(1).min(SCORE_MAX),
                None => score.min(SCORE_MAX) - 1,
            };
            if score > 0 {
                candidates.push(Candidate { pgno, score, used });
            }
        }
        candidates.extend(self.used.into_iter().map(|(pgno, used)| {
            let score = if used.is_interior { SCORE_INTERIOR } else { SCORE_FIRST };
            Candidate { pgno, score, used: Some(used) }
        }));
        candidates.sort_by_key(Candidate::rank);
        candidates.truncate(self.pages_max);
        let hints = ranges(candidates);
        (hints != self.saved).then_some(hints)
    }
}

impl Candidate {
    /// What was used now comes first, so that hints of a database that was rebuilt give way at
    /// once; then interior pages, then what was used more often and sooner.
    fn rank(&self) -> (bool, bool, u8, u32) {
        let is_interior = self.used.as_ref().is_some_and(|used| used.is_interior);
        let order = self.used.as_ref().map_or(0, |used| used.order);
        (self.used.is_none(), !is_interior, u8::MAX - self.score, order)
    }
}

/// The pages that hints name, the best first.
fn scores(hints: &Hints, size: u32, pages_max: usize) -> impl Iterator<Item = (Pgno, u8)> {
    let mut ranges: Vec<_> = hints.ranges.iter().filter(|range| range.score > 0).copied().collect();
    ranges.sort_by_key(|range| u8::MAX - range.score);
    let pages = ranges.into_iter().flat_map(move |HintRange { first, pages, score }| {
        let last = first.index().saturating_add(pages).min(size);
        (first.get()..=last).filter_map(move |pgno| Some((Pgno::new(pgno)?, score)))
    });
    pages.filter(|(pgno, _)| *pgno != Pgno::ONE).take(pages_max)
}

/// Neighbours of the same score as ranges, no more than a store keeps: those of the lowest score and
/// the fewest pages are left out.
fn ranges(mut candidates: Vec<Candidate>) -> Hints {
    candidates.sort_by_key(|candidate| candidate.pgno);
    let mut ranges: Vec<HintRange> = Vec::new();
    for Candidate { pgno, score, .. } in candidates {
        match ranges.last_mut() {
            Some(last) if last.score == score && last.first.get() + last.pages == pgno.get() => {
                last.pages += 1;
            }
            _ => ranges.push(HintRange { first: pgno, pages: 1, score }),
        }
    }
    ranges.sort_by_key(|range| (u8::MAX - range.score, u32::MAX - range.pages));
    ranges.truncate(Hints::RANGES_MAX);
    ranges.sort_by_key(|range| range.first);
    Hints { ranges }
}
